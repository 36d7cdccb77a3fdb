//! A node with two links to a neighbour, in namespaces of its own, and questions to its kernel.

use std::fs;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bgp_tests::netns::Namespace;
use cosmos::kernel::{FibConfig, FibState, HopKey, KernelHandle, KernelOptions, start};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use socket2::{SockFilter, SockRef};

use crate::kernel_table::{Table, hop};

/// A node with two links to a neighbour, and the kernel room running in it.
pub(crate) struct Node {
    pub(crate) ns: Namespace,
    pub(crate) neighbour: Namespace,
    handle: Option<KernelHandle>,
    pub(crate) table: Arc<Table>,
}

pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) fn options() -> KernelOptions {
    KernelOptions {
        audit_interval: Duration::from_secs(3600),
        ..KernelOptions::default()
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Waits until `f` is satisfied; its last complaint is the failure.
pub(crate) fn until(mut f: impl FnMut() -> Result<()>) -> Result<()> {
    let end = Instant::now() + LIMIT;
    loop {
        match f() {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > end => return Err(error),
            Err(_) => sleep(Duration::from_millis(20)),
        }
    }
}

impl Node {
    pub(crate) fn links(label: &str) -> Result<Self> {
        let ns = Namespace::new(label)?;
        let neighbour = Namespace::new(&format!("{label}-n"))?;
        for n in [1, 2] {
            ns.veth(&format!("v{n}"), &neighbour, &format!("w{n}"))?;
            ns.ip(&format!("address add 192.0.{n}.1/24 dev v{n}"))?;
            ns.ip(&format!("address add 2001:db8:{n}::1/64 dev v{n} nodad"))?;
            neighbour.ip(&format!("address add 192.0.{n}.2/24 dev w{n}"))?;
            neighbour.ip(&format!("address add 2001:db8:{n}::2/64 dev w{n} nodad"))?;
        }
        Ok(Self {
            ns,
            neighbour,
            handle: None,
            table: Table::new(),
        })
    }

    pub(crate) fn new(label: &str) -> Result<Self> {
        let mut node = Self::links(label)?;
        node.start(options())?;
        node.add("r", node.table.clone(), FibConfig::default());
        node.kernel().converged();
        Ok(node)
    }

    pub(crate) fn start(&mut self, options: KernelOptions) -> Result<()> {
        self.handle = Some(self.ns.enter(|| Ok(block_on(start(options))?))?);
        Ok(())
    }

    /// From now on the kernel room hears of nothing: its socket for notifications, the only one in the namespace that is a member of
    /// groups, takes no message any more.
    pub(crate) fn deafen_monitor(&self) -> Result<()> {
        let sockets = self.ns.shell("cat /proc/net/netlink")?;
        let members: Vec<String> = sockets
            .lines()
            .filter_map(|line| match *line.split_whitespace().collect::<Vec<_>>() {
                // Family 0 is NETLINK_ROUTE.
                [_, "0", _, groups, .., inode] if groups != "00000000" => Some(inode.to_owned()),
                _ => None,
            })
            .collect();
        let [inode] = &members[..] else {
            bail!("not one socket has members:\n{sockets}");
        };
        let link = format!("socket:[{inode}]");
        for file in fs::read_dir("/proc/self/fd")? {
            let file = file?;
            if fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == &*link) {
                let number = file.file_name().to_string_lossy().parse()?;
                let this = pidfd_open(getpid(), PidfdFlags::empty())?;
                let socket = pidfd_getfd(this, number, PidfdGetfdFlags::empty())?;
                const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
                SockRef::from(&socket).attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)])?;
                return Ok(());
            }
        }
        bail!("no file is {link}")
    }

    pub(crate) fn kernel(&self) -> &KernelHandle {
        self.handle.as_ref().expect("it was started")
    }

    pub(crate) fn add(&self, name: &str, table: Arc<Table>, config: FibConfig) {
        self.kernel().add_router(name.into(), table, config);
    }

    pub(crate) fn stop(&mut self, keep: bool) {
        if let Some(handle) = self.handle.take() {
            block_on(handle.stop(keep));
        }
    }

    pub(crate) fn ifindex(&self, device: &str) -> Result<u32> {
        let facts = self.kernel().facts().borrow().clone();
        Ok(facts
            .link_named(device)
            .with_context(|| format!("no link {device}"))?
            .ifindex)
    }

    /// The lines of `ip route` for one prefix, whoever's they are, without what the kernel adds by
    /// itself.
    pub(crate) fn route(&self, prefix: &str) -> Result<String> {
        let family = if prefix.contains(':') { "-6" } else { "-4" };
        let out = self
            .ns
            .ip(&format!("-N {family} route show exact {prefix}"))?;
        let words = out
            .split_whitespace()
            .filter(|w| !matches!(*w, "pref" | "medium"));
        Ok(words.collect::<Vec<_>>().join(" "))
    }

    pub(crate) fn expect(&self, prefix: &str, wanted: &str) -> Result<()> {
        until(|| {
            let is = self.route(prefix)?;
            ensure!(
                is == wanted,
                "{prefix}: the kernel has `{is}`, wanted is `{wanted}`"
            );
            Ok(())
        })
    }

    pub(crate) fn state(&self, prefix: &str) -> Result<(FibState, String)> {
        let rows = self.kernel().explain(prefix.parse()?);
        let row = rows
            .first()
            .with_context(|| format!("no row for {prefix}"))?;
        Ok((row.state, row.reason.clone().unwrap_or_default()))
    }

    pub(crate) fn expect_state(&self, prefix: &str, state: FibState, reason: &str) -> Result<()> {
        until(|| {
            let is = self.state(prefix)?;
            ensure!(is == (state, reason.to_owned()), "{prefix} is {is:?}");
            Ok(())
        })
    }

    pub(crate) fn count(&self, v6: bool) -> Result<usize> {
        let family = if v6 { "-6" } else { "-4" };
        // Table main, our protocol and metric.
        let out = self.ns.ip(&format!("-N {family} route show proto 196"))?;
        Ok(out.lines().filter(|l| l.contains("metric 300")).count())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop(true);
    }
}

pub(crate) fn many(n: u32, v6: bool) -> impl Iterator<Item = IpNet> {
    (0..n).map(move |i| {
        if v6 {
            let bits = (0x2001_0db8_8000_u128 << 80) | (u128::from(i) << 64);
            Ipv6Net::new(bits.into(), 64).unwrap().into()
        } else {
            Ipv4Net::new((0x1400_0000 + (i << 8)).into(), 24)
                .unwrap()
                .into()
        }
    })
}

pub(crate) fn flood(table: &Table, n: u32, v6: bool, hops: &[&str]) {
    let hops: Vec<HopKey> = hops.iter().map(|h| hop(h)).collect();
    table.set(many(n, v6).map(|p| (p, hops.clone())));
}
