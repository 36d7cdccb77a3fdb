//! A laboratory: a private directory and the namespaces of one test; and what to print when the test fails.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use crate::netns::Namespace;
use crate::process::tail;

/// How many lines of each log a failure shows.
const LOG_LINES: usize = 40;

/// The private directory of a test. Logs in it (`*.log`) are shown when the test fails.
#[derive(Debug)]
pub struct Lab {
    directory: PathBuf,
}

impl Lab {
    /// Makes the directory.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory =
            std::env::temp_dir().join(format!("cosmos-test-{}-{n}-{name}", std::process::id()));
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        // Daemons that change their user must be able to look inside.
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755))?;
        Ok(Self { directory })
    }

    /// The directory itself.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes a directory inside.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn subdirectory(&self, name: &str) -> Result<PathBuf> {
        let path = self.directory.join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// The ends of all logs.
    #[must_use]
    pub fn logs(&self) -> String {
        let mut found = Vec::new();
        collect_logs(&self.directory, &mut found);
        found.sort();
        found
            .iter()
            .map(|path| {
                let shown = path.strip_prefix(&self.directory).unwrap_or(path).display();
                format!("---- {shown}, last lines\n{}\n", tail(path, LOG_LINES))
            })
            .collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::env::var_os("KEEP").is_none() {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

fn collect_logs(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_logs(&path, found);
        } else if path.extension().is_some_and(|e| e == "log") {
            found.push(path);
        }
    }
}

/// Runs a test in a laboratory of its own; when it fails or panics, the logs of its daemons are printed.
///
/// # Panics
/// When the test fails: this is the end of a `#[test]` function.
pub fn run(name: &str, test: impl FnOnce(&Lab) -> Result<()>) {
    let lab = Lab::new(name).expect("a directory for the test");
    match catch_unwind(AssertUnwindSafe(|| test(&lab))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("{name}: {error:#}\n{}", lab.logs()),
        Err(panic) => {
            eprintln!("{name}:\n{}", lab.logs());
            resume_unwind(panic)
        }
    }
}

/// Two namespaces joined by one veth pair, as a node and its top-of-rack router: `fd00:12::2` and `10.12.0.2` on the
/// node's `up0`, `fd00:12::1` and `10.12.0.1` on the router's `down0`.
#[derive(Debug)]
pub struct NodeAndTor {
    /// Where the agent runs.
    pub node: Namespace,
    /// Where the other router runs.
    pub tor: Namespace,
}

/// An address of [`NodeAndTor`], by end and family.
#[must_use]
pub fn address(tor: bool, v6: bool) -> IpAddr {
    match (tor, v6) {
        (true, true) => IpAddr::from([0xfd00, 0x12, 0, 0, 0, 0, 0, 1]),
        (true, false) => IpAddr::from([10, 12, 0, 1]),
        (false, true) => IpAddr::from([0xfd00, 0x12, 0, 0, 0, 0, 0, 2]),
        (false, false) => IpAddr::from([10, 12, 0, 2]),
    }
}

/// More addresses of the router's end, for raw peers: `fd00:12::100` and on.
#[must_use]
pub fn raw_address(n: usize) -> IpAddr {
    let low = u16::try_from(n).expect("few") + 0x100;
    IpAddr::from([0xfd00, 0x12, 0, 0, 0, 0, 0, low])
}

impl NodeAndTor {
    /// Makes both and joins them.
    ///
    /// # Errors
    /// As [`Namespace::new`].
    pub fn new() -> Result<Self> {
        let node = Namespace::new("node")?;
        let tor = Namespace::new("tor")?;
        node.veth("up0", &tor, "down0")?;
        for v6 in [true, false] {
            let length = if v6 { 64 } else { 24 };
            node.address("up0", address(false, v6), length)?;
            tor.address("down0", address(true, v6), length)?;
        }
        Ok(Self { node, tor })
    }

    /// From now on, connections from the router's end to the node's IPv6 address come from [`raw_address`] `n`.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn speak_as(&self, n: usize) -> Result<()> {
        self.tor.address("down0", raw_address(n), 64)?;
        // The source of the connection is chosen by a route of its own, as the address is one of many on the link.
        self.tor.ip(&format!(
            "route replace {}/128 dev down0 src {}",
            address(false, true),
            raw_address(n)
        ))?;
        Ok(())
    }
}
