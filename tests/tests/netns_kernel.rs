//! The kernel room against the real kernel, in a network namespace of each test's own.

#[path = "../../agent/tests/kernel_table/mod.rs"]
mod kernel_table;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bgp_tests::netns::Namespace;
use cosmos::kernel::model::Ownership;
use cosmos::kernel::{FibConfig, FibState, HopKey, KernelHandle, KernelOptions, start};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use kernel_table::{Table, hop};

/// A node with two links to a neighbour, and the kernel room running in it.
struct Node {
    ns: Namespace,
    neighbour: Namespace,
    handle: Option<KernelHandle>,
    table: Arc<Table>,
}

const LIMIT: Duration = Duration::from_secs(10);

fn options() -> KernelOptions {
    KernelOptions {
        audit_interval: Duration::from_secs(3600),
        ..KernelOptions::default()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Waits until `f` is satisfied; its last complaint is the failure.
fn until(mut f: impl FnMut() -> Result<()>) -> Result<()> {
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
    fn links(label: &str) -> Result<Self> {
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

    fn new(label: &str) -> Result<Self> {
        let mut node = Self::links(label)?;
        node.start(options())?;
        node.add("r", node.table.clone(), FibConfig::default());
        node.kernel().converged();
        Ok(node)
    }

    fn start(&mut self, options: KernelOptions) -> Result<()> {
        self.handle = Some(self.ns.enter(|| Ok(block_on(start(options))?))?);
        Ok(())
    }

    fn kernel(&self) -> &KernelHandle {
        self.handle.as_ref().expect("it was started")
    }

    fn add(&self, name: &str, table: Arc<Table>, config: FibConfig) {
        self.kernel().add_router(name.into(), table, config);
    }

    fn stop(&mut self, keep: bool) {
        if let Some(handle) = self.handle.take() {
            block_on(handle.stop(keep));
        }
    }

    fn ifindex(&self, device: &str) -> Result<u32> {
        let facts = self.kernel().facts().borrow().clone();
        Ok(facts
            .link_named(device)
            .with_context(|| format!("no link {device}"))?
            .ifindex)
    }

    /// The lines of `ip route` for one prefix, whoever's they are, without what the kernel adds by
    /// itself.
    fn route(&self, prefix: &str) -> Result<String> {
        let family = if prefix.contains(':') { "-6" } else { "-4" };
        let out = self
            .ns
            .ip(&format!("-N {family} route show exact {prefix}"))?;
        let words = out
            .split_whitespace()
            .filter(|w| !matches!(*w, "pref" | "medium"));
        Ok(words.collect::<Vec<_>>().join(" "))
    }

    fn expect(&self, prefix: &str, wanted: &str) -> Result<()> {
        until(|| {
            let is = self.route(prefix)?;
            ensure!(
                is == wanted,
                "{prefix}: the kernel has `{is}`, wanted is `{wanted}`"
            );
            Ok(())
        })
    }

    fn state(&self, prefix: &str) -> Result<(FibState, String)> {
        let rows = self.kernel().explain(prefix.parse()?);
        let row = rows
            .first()
            .with_context(|| format!("no row for {prefix}"))?;
        Ok((row.state, row.reason.clone().unwrap_or_default()))
    }

    fn expect_state(&self, prefix: &str, state: FibState, reason: &str) -> Result<()> {
        until(|| {
            let is = self.state(prefix)?;
            ensure!(is == (state, reason.to_owned()), "{prefix} is {is:?}");
            Ok(())
        })
    }

    fn count(&self, v6: bool) -> Result<usize> {
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

fn many(n: u32, v6: bool) -> impl Iterator<Item = IpNet> {
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

fn flood(table: &Table, n: u32, v6: bool, hops: &[&str]) {
    let hops: Vec<HopKey> = hops.iter().map(|h| hop(h)).collect();
    table.set(many(n, v6).map(|p| (p, hops.clone())));
}

#[test]
fn ten_thousand_routes_take_at_most_forty_sends() -> Result<()> {
    let node = Node::new("batch")?;
    let stats = node.kernel().stats();
    let mut before = 0;
    for (v6, hops) in [(false, "192.0.1.2"), (true, "2001:db8:1::2")] {
        flood(&node.table, 10_000, v6, &[hops]);
        until(|| {
            let n = node.count(v6)?;
            ensure!(n == 10_000, "{n} routes");
            Ok(())
        })?;
        let sends = stats.sends.load(SeqCst) - before;
        ensure!(sends <= 40, "{sends} sends for 10,000 routes");
        ensure!(stats.failed.load(SeqCst) == 0);
        before += sends;
    }
    // Replaced, then withdrawn: no more either.
    for hops in [&["192.0.2.2"][..], &[]] {
        flood(&node.table, 10_000, false, hops);
        until(|| {
            ensure!(node.kernel().is_settled());
            let n = node.ns.ip("-4 route show via 192.0.2.2")?.lines().count();
            ensure!(n == hops.len() * 10_000, "{n} routes over the second link");
            Ok(())
        })?;
        let sends = stats.sends.load(SeqCst) - before;
        ensure!(sends <= 40, "{sends} sends for 10,000 routes");
        before += sends;
    }
    ensure!(node.count(false)? == 0);
    Ok(())
}

#[test]
fn next_hops_of_all_kinds_are_installed_as_they_should() -> Result<()> {
    let node = Node::new("kinds")?;
    let (v1, v2) = (node.ifindex("v1")?, node.ifindex("v2")?);
    let (on1, on2) = (format!("fe80::1%{v1}"), format!("fe80::2%{v2}"));
    let t = "proto 196 metric 300";
    let one = "weight 1";
    let cases: &[(&str, &[&str], String)] = &[
        (
            "10.0.0.0/24",
            &["192.0.1.2"],
            format!("10.0.0.0/24 via 192.0.1.2 dev v1 {t}"),
        ),
        (
            "2001:db8:f0::/48",
            &["2001:db8:1::2"],
            format!("2001:db8:f0::/48 via 2001:db8:1::2 dev v1 {t}"),
        ),
        // Link-local next hops are scoped by their interface; IPv4 over them is RFC 8950.
        (
            "2001:db8:f1::/48",
            &[&on1],
            format!("2001:db8:f1::/48 via fe80::1 dev v1 {t}"),
        ),
        (
            "10.0.1.0/24",
            &[&on1],
            format!("10.0.1.0/24 via inet6 fe80::1 dev v1 {t}"),
        ),
        (
            "10.0.2.0/24",
            &["2001:db8:2::2"],
            format!("10.0.2.0/24 via inet6 2001:db8:2::2 dev v2 {t}"),
        ),
        (
            "10.0.3.0/24",
            &["192.0.1.2", "192.0.2.2"],
            format!(
                "10.0.3.0/24 {t} nexthop via 192.0.1.2 dev v1 {one} nexthop via 192.0.2.2 dev v2 {one}"
            ),
        ),
        (
            "10.0.4.0/24",
            &[&on1, &on2],
            format!(
                "10.0.4.0/24 {t} nexthop via inet6 fe80::1 dev v1 {one} nexthop via inet6 fe80::2 dev v2 {one}"
            ),
        ),
        (
            "2001:db8:f2::/48",
            &["2001:db8:1::2", &on2],
            format!(
                "2001:db8:f2::/48 {t} nexthop via 2001:db8:1::2 dev v1 {one} nexthop via fe80::2 dev v2 {one}"
            ),
        ),
        (
            "10.0.5.0/24",
            &["192.0.1.2", &on2],
            format!(
                "10.0.5.0/24 {t} nexthop via 192.0.1.2 dev v1 {one} nexthop via inet6 fe80::2 dev v2 {one}"
            ),
        ),
    ];
    let mut failures = Vec::new();
    for (prefix, hops, _) in cases {
        node.table.route(prefix, hops);
    }
    for (prefix, _, wanted) in cases {
        if let Err(error) = until(|| {
            // IPv6 lists legs in its own order.
            let sorted = |s: &str| {
                let mut parts: Vec<String> =
                    s.split("nexthop").map(|p| p.trim().to_owned()).collect();
                parts[1..].sort();
                parts.join(" nexthop ")
            };
            let is = sorted(&node.route(prefix)?);
            ensure!(is == *wanted, "{prefix}: `{is}`, wanted `{wanted}`");
            Ok(())
        }) {
            failures.push(error.to_string());
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    ensure!(node.kernel().stats().failed.load(SeqCst) == 0);
    // What was written reads back in the same normal form: nothing is written again.
    let programmed = node.kernel().stats().programmed.load(SeqCst);
    node.ns.ip("address add 198.51.100.1/32 dev v1")?;
    node.ns.ip("address del 198.51.100.1/32 dev v1")?;
    until(|| {
        ensure!(
            node.kernel().stats().resyncs.load(SeqCst) > 0,
            "not read again"
        );
        Ok(())
    })?;
    sleep(Duration::from_millis(300));
    ensure!(
        node.kernel().stats().programmed.load(SeqCst) == programmed,
        "something was written again"
    );
    Ok(())
}

#[test]
fn a_replaced_route_has_exactly_the_new_legs() -> Result<()> {
    let node = Node::new("replace")?;
    for (prefix, a, b) in [
        ("10.0.0.0/24", "192.0.1.2", "192.0.2.2"),
        ("2001:db8:f0::/48", "2001:db8:1::2", "2001:db8:2::2"),
    ] {
        // One leg, both, the other, both, one: an IPv6 route must not keep or gather legs.
        let steps: [&[&str]; 5] = [&[a], &[a, b], &[b], &[b, a], &[a]];
        for legs in steps {
            node.table.route(prefix, legs);
            until(|| {
                let is = node.route(prefix)?;
                let has = |leg: &str| is.contains(&format!("via {leg} "));
                ensure!(
                    is.matches("via").count() == legs.len(),
                    "{is}, wanted {legs:?}"
                );
                ensure!(legs.iter().all(|l| has(l)), "{is}, wanted {legs:?}");
                Ok(())
            })?;
        }
        node.table.route(prefix, &[]);
        node.expect(prefix, "")?;
    }
    ensure!(node.kernel().stats().failed.load(SeqCst) == 0);
    Ok(())
}

#[test]
fn a_connected_route_is_never_covered() -> Result<()> {
    let node = Node::new("connected")?;
    let before = node.route("192.0.1.0/24")?;
    let own = node.route("2001:db8:1::/64")?;
    node.table.route("192.0.1.0/24", &["192.0.2.2"]);
    node.table.route("2001:db8:1::/64", &["2001:db8:2::2"]);
    node.table.route("192.0.2.1/32", &["192.0.1.2"]);
    node.expect_state(
        "192.0.1.0/24",
        FibState::Blocked,
        "a connected route exists",
    )?;
    node.expect_state(
        "2001:db8:1::/64",
        FibState::Blocked,
        "a connected route exists",
    )?;
    node.expect_state(
        "192.0.2.1/32",
        FibState::Blocked,
        "it is an address of this node",
    )?;
    ensure!(node.route("192.0.1.0/24")? == before);
    ensure!(node.route("2001:db8:1::/64")? == own);
    // An address that comes later takes its route's place, and gives it back.
    let loopback = "10.9.9.9 via 192.0.1.2 dev v1 proto 196 metric 300";
    node.table.route("10.9.9.9/32", &["192.0.1.2"]);
    node.expect("10.9.9.9/32", loopback)?;
    node.ns.ip("address add 10.9.9.9/32 dev lo")?;
    node.expect_state(
        "10.9.9.9/32",
        FibState::Blocked,
        "it is an address of this node",
    )?;
    node.expect("10.9.9.9/32", "")?;
    node.ns.ip("address del 10.9.9.9/32 dev lo")?;
    node.expect("10.9.9.9/32", loopback)?;
    // The address goes, and with it what stood in the way; then it comes back.
    node.ns.ip("address del 192.0.1.1/24 dev v1")?;
    node.expect(
        "192.0.1.0/24",
        "192.0.1.0/24 via 192.0.2.2 dev v2 proto 196 metric 300",
    )?;
    node.ns.ip("address add 192.0.1.1/24 dev v1")?;
    node.expect("192.0.1.0/24", &before)
}

#[test]
fn a_default_route_needs_to_be_asked_for() -> Result<()> {
    let node = Node::new("default")?;
    node.table.route("0.0.0.0/0", &["192.0.1.2"]);
    node.table.route("::/0", &["2001:db8:1::2"]);
    let why = "a learned default route is not accepted (kernel.acceptDefaultRoute)";
    node.expect_state("0.0.0.0/0", FibState::Blocked, why)?;
    node.expect_state("::/0", FibState::Blocked, why)?;
    ensure!(node.route("0.0.0.0/0")?.is_empty());
    let accepting = FibConfig {
        accept_default_route: true,
        ..FibConfig::default()
    };
    node.kernel().change_router("r", accepting);
    node.expect(
        "0.0.0.0/0",
        "default via 192.0.1.2 dev v1 proto 196 metric 300",
    )?;
    node.expect(
        "::/0",
        "default via 2001:db8:1::2 dev v1 proto 196 metric 300",
    )?;
    node.kernel().change_router("r", FibConfig::default());
    node.expect("0.0.0.0/0", "")?;
    node.expect("::/0", "")
}

#[test]
fn routes_of_others_with_our_protocol_or_our_metric_stay() -> Result<()> {
    let mut node = Node::links("others")?;
    let theirs = [
        // As FRR's staticd writes them.
        "10.9.0.0/24 via 192.0.1.2 proto 196 metric 20",
        "10.9.1.0/24 via 192.0.1.2 proto 12 metric 300",
        "10.9.2.0/24 via 192.0.1.2 proto 196 metric 300 table 100",
        "2001:db8:9::/48 via 2001:db8:1::2 proto 196 metric 20",
        "2001:db8:9:1::/64 via 2001:db8:1::2 proto 12 metric 300",
        "blackhole 10.9.3.0/24 proto 196 metric 20",
    ];
    for route in theirs {
        node.ns.ip(&format!("route add {route}"))?;
    }
    let all = |node: &Node| -> Result<Vec<String>> {
        let mut all = Vec::new();
        for what in ["-4 route show table all", "-6 route show table all"] {
            all.extend(
                node.ns
                    .ip(&format!("-N {what}"))?
                    .lines()
                    .map(str::to_owned),
            );
        }
        all.sort();
        Ok(all)
    };
    let before = all(&node)?;
    node.start(options())?;
    node.add("r", node.table.clone(), FibConfig::default());
    node.kernel().converged();
    for prefix in ["10.9.0.0/24", "10.9.1.0/24", "10.9.2.0/24"] {
        node.table.route(prefix, &["192.0.2.2"]);
    }
    node.table.route("2001:db8:9:1::/64", &["2001:db8:2::2"]);
    let blocked = "a route of protocol bird has the same metric";
    node.expect_state("10.9.1.0/24", FibState::Blocked, blocked)?;
    node.expect_state("2001:db8:9:1::/64", FibState::Blocked, blocked)?;
    // Another metric is another route: both are there, and the kernel prefers theirs.
    node.expect_state("10.9.0.0/24", FibState::Installed, "")?;
    ensure!(node.route("10.9.0.0/24")?.contains("metric 20"));
    // Theirs goes: ours comes.
    node.ns.ip("route del 10.9.1.0/24 proto 12")?;
    node.expect(
        "10.9.1.0/24",
        "10.9.1.0/24 via 192.0.2.2 dev v2 proto 196 metric 300",
    )?;
    node.ns.ip("route del 10.9.1.0/24 proto 196")?;
    node.ns
        .ip("route add 10.9.1.0/24 via 192.0.1.2 proto 12 metric 300")?;
    node.stop(false);
    let after = all(&node)?;
    ensure!(before == after, "before: {before:#?}\nafter: {after:#?}");
    Ok(())
}

#[test]
fn a_link_down_evicts_and_a_link_up_brings_back() -> Result<()> {
    let node = Node::new("updown")?;
    let on1 = format!("fe80::1%{}", node.ifindex("v1")?);
    let routes = [
        (
            "10.0.0.0/24",
            "192.0.1.2",
            "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300",
        ),
        (
            "10.0.1.0/24",
            &on1,
            "10.0.1.0/24 via inet6 fe80::1 dev v1 proto 196 metric 300",
        ),
        (
            "2001:db8:f1::/48",
            &on1,
            "2001:db8:f1::/48 via fe80::1 dev v1 proto 196 metric 300",
        ),
    ];
    for (prefix, via, _) in routes {
        node.table.route(prefix, &[via]);
    }
    node.table.route("10.0.2.0/24", &["192.0.1.2", "192.0.2.2"]);
    for round in 0..3 {
        for (prefix, _, wanted) in routes {
            node.expect(prefix, wanted)?;
        }
        until(|| {
            ensure!(
                node.route("10.0.2.0/24")?.matches("nexthop").count() == 2,
                "not both legs"
            );
            Ok(())
        })?;
        if round == 1 {
            // The other end loses its link: no carrier, addresses and routes stay in the kernel.
            node.neighbour.ip("link set w1 down")?;
        } else {
            node.ns.ip("link set v1 down")?;
        }
        for (prefix, _, _) in routes {
            node.expect_state(prefix, FibState::Unresolved, "no next hop is reached")?;
            node.expect(prefix, "")?;
        }
        node.expect(
            "10.0.2.0/24",
            "10.0.2.0/24 via 192.0.2.2 dev v2 proto 196 metric 300",
        )?;
        if round == 1 {
            node.neighbour.ip("link set w1 up")?;
        } else {
            node.ns.ip("link set v1 up")?;
        }
    }
    for (prefix, _, wanted) in routes {
        node.expect(prefix, wanted)?;
    }
    Ok(())
}

#[test]
fn a_link_that_vanishes_and_returns_gets_its_routes_back() -> Result<()> {
    let node = Node::new("vanish")?;
    node.table.route("10.0.0.0/24", &["192.0.1.2"]);
    node.table.route("2001:db8:f0::/48", &["2001:db8:1::2"]);
    let v4 = "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300";
    let v6 = "2001:db8:f0::/48 via 2001:db8:1::2 dev v1 proto 196 metric 300";
    for _ in 0..2 {
        node.expect("10.0.0.0/24", v4)?;
        node.expect("2001:db8:f0::/48", v6)?;
        node.ns.ip("link del v1")?;
        node.expect_state(
            "10.0.0.0/24",
            FibState::Unresolved,
            "no next hop is reached",
        )?;
        node.expect_state(
            "2001:db8:f0::/48",
            FibState::Unresolved,
            "no next hop is reached",
        )?;
        node.ns.veth("v1", &node.neighbour, "w1")?;
        node.ns.ip("address add 192.0.1.1/24 dev v1")?;
        node.ns.ip("address add 2001:db8:1::1/64 dev v1 nodad")?;
    }
    node.expect("10.0.0.0/24", v4)?;
    node.expect("2001:db8:f0::/48", v6)
}

#[test]
fn what_someone_else_removes_or_changes_is_put_right_and_counted() -> Result<()> {
    let node = Node::new("repair")?;
    let stats = node.kernel().stats();
    let v4 = "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300";
    let v6 = "2001:db8:f0::/48 via 2001:db8:1::2 dev v1 proto 196 metric 300";
    node.table.route("10.0.0.0/24", &["192.0.1.2"]);
    node.table.route("2001:db8:f0::/48", &["2001:db8:1::2"]);
    node.expect("10.0.0.0/24", v4)?;
    node.expect("2001:db8:f0::/48", v6)?;
    let repaired = |n: u64| {
        until(|| {
            let is = stats.repaired.load(SeqCst);
            ensure!(is == n, "{is} repaired, not {n}");
            Ok(())
        })
    };
    node.ns.ip("route del 10.0.0.0/24")?;
    repaired(1)?;
    node.expect("10.0.0.0/24", v4)?;
    node.ns.ip("-6 route del 2001:db8:f0::/48")?;
    repaired(2)?;
    node.expect("2001:db8:f0::/48", v6)?;
    node.ns
        .ip("route replace 10.0.0.0/24 via 192.0.2.2 proto 196 metric 300")?;
    repaired(3)?;
    node.expect("10.0.0.0/24", v4)?;
    // A route of theirs took our place: it is theirs to keep, and people see it.
    node.ns
        .ip("route replace 10.0.0.0/24 via 192.0.2.2 proto 4 metric 300")?;
    let why = "a route of protocol static has the same metric";
    node.expect_state("10.0.0.0/24", FibState::Blocked, why)?;
    node.expect(
        "10.0.0.0/24",
        "10.0.0.0/24 via 192.0.2.2 dev v2 proto 4 metric 300",
    )?;
    node.ns.ip("route del 10.0.0.0/24")?;
    node.expect("10.0.0.0/24", v4)
}

#[test]
fn a_refusal_is_shown_with_the_sentence_of_the_kernel() -> Result<()> {
    let node = Node::new("refusal")?;
    let lo = format!("fe80::1%{}", node.ifindex("lo")?);
    // The refused one is in the middle of its batch: the others must not suffer.
    let mut routes: Vec<(IpNet, Vec<HopKey>)> = many(20, true)
        .map(|p| (p, vec![hop("2001:db8:1::2")]))
        .collect();
    let bad: IpNet = routes[10].0;
    routes[10].1 = vec![hop(&lo)];
    node.table.set(routes);
    until(|| {
        ensure!(node.count(true)? == 19, "{} of 19", node.count(true)?);
        Ok(())
    })?;
    let (state, reason) = node.state(&bad.to_string())?;
    ensure!(state == FibState::Failed, "{state}");
    ensure!(reason.starts_with("Invalid argument: "), "{reason}");
    let status = node.kernel().status().remove(0).1;
    ensure!(
        (status.wanted, status.installed, status.failed) == (20, 19, 1),
        "{status:?}"
    );
    ensure!(
        status
            .last_error
            .is_some_and(|e| e.contains(&bad.to_string()))
    );
    Ok(())
}

#[test]
fn two_routers_that_want_one_prefix_are_decided_by_metric_then_name() -> Result<()> {
    let node = Node::new("two")?;
    let (overlay, third) = (Table::new(), Table::new());
    let cheap = Ownership {
        metric: 250,
        ..Ownership::default()
    };
    node.add(
        "overlay",
        overlay.clone(),
        FibConfig {
            ownership: cheap,
            ..FibConfig::default()
        },
    );
    node.add("a", third.clone(), FibConfig::default());
    let prefix = "10.0.0.0/24";
    node.table.route(prefix, &["192.0.1.2"]);
    node.expect(
        prefix,
        "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300",
    )?;
    overlay.route(prefix, &["192.0.2.2"]);
    node.expect(
        prefix,
        "10.0.0.0/24 via 192.0.2.2 dev v2 proto 196 metric 250",
    )?;
    third.route(prefix, &["192.0.2.2"]);
    until(|| {
        let rows = node.kernel().explain(prefix.parse()?);
        let mut found: Vec<_> = rows
            .iter()
            .map(|r| {
                (
                    r.router.as_deref().unwrap_or_default(),
                    r.state,
                    r.reason.as_deref(),
                )
            })
            .collect();
        found.sort_by_key(|f| f.0);
        let why = Some("router overlay has a lower metric");
        let wanted = [
            ("a", FibState::Shadowed, why),
            ("overlay", FibState::Installed, None),
            ("r", FibState::Shadowed, why),
        ];
        ensure!(found == wanted, "{found:?}");
        Ok(())
    })?;
    overlay.route(prefix, &[]);
    // Same metric: the first name.
    node.expect(
        prefix,
        "10.0.0.0/24 via 192.0.2.2 dev v2 proto 196 metric 300",
    )?;
    node.kernel().remove_router("a");
    node.expect(
        prefix,
        "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300",
    )
}

#[test]
fn next_hops_resolve_over_the_routes_of_others_and_of_every_router() -> Result<()> {
    let node = Node::new("resolve")?;
    let overlay = Table::new();
    node.add("overlay", overlay.clone(), FibConfig::default());
    let reach = |address: &str| node.kernel().resolver().reach(hop(address));
    // Connected: cost 0. Of others: their metric. Our own address, and nowhere: not reached.
    ensure!(
        (
            reach("192.0.1.2").state().reachable,
            reach("192.0.1.2").metric
        ) == (true, 0)
    );
    ensure!(!reach("192.0.1.1").state().reachable);
    ensure!(!reach("203.0.113.9").state().reachable);
    node.ns
        .ip("route add 203.0.113.0/24 via 192.0.1.2 metric 77 proto 188")?;
    until(|| {
        let now = reach("203.0.113.9");
        ensure!(now.state().reachable && now.metric == 77, "{now:?}");
        Ok(())
    })?;
    // The overlay's next hop is a loopback that the underlay learned.
    overlay.route("10.1.0.0/16", &["2001:db8:ffff::5"]);
    node.expect_state(
        "10.1.0.0/16",
        FibState::Unresolved,
        "no next hop is reached",
    )?;
    node.table
        .route("2001:db8:ffff::5/128", &["2001:db8:1::2", "2001:db8:2::2"]);
    until(|| {
        let is = node.route("10.1.0.0/16")?;
        ensure!(
            is.contains("via inet6 2001:db8:1::2") && is.contains("via inet6 2001:db8:2::2"),
            "{is}"
        );
        Ok(())
    })?;
    ensure!(
        overlay.told().contains(&hop("2001:db8:ffff::5")),
        "the table was not told"
    );
    // Followed live.
    node.table.route("2001:db8:ffff::5/128", &["2001:db8:2::2"]);
    node.expect(
        "10.1.0.0/16",
        "10.1.0.0/16 via inet6 2001:db8:2::2 dev v2 proto 196 metric 300",
    )?;
    // Never through itself: what lies within the route does not resolve over it.
    overlay.route("198.51.100.0/24", &["198.51.100.1"]);
    node.expect_state(
        "198.51.100.0/24",
        FibState::Unresolved,
        "no next hop is reached",
    )?;
    node.ns.ip("route add blackhole 203.0.113.9/32")?;
    until(|| {
        ensure!(
            !reach("203.0.113.9").state().reachable,
            "a black hole is no way"
        );
        Ok(())
    })
}

#[test]
fn a_restart_keeps_what_is_right_and_removes_the_rest_after_convergence() -> Result<()> {
    let mut node = Node::new("restart")?;
    let on1 = format!("fe80::1%{}", node.ifindex("v1")?);
    let keep: [(&str, &[&str]); 3] = [
        ("10.0.0.0/24", &["192.0.1.2", "192.0.2.2"]),
        ("10.0.1.0/24", &[&on1]),
        ("2001:db8:f0::/48", &["2001:db8:2::2", "2001:db8:1::2"]),
    ];
    for (prefix, hops) in keep {
        node.table.route(prefix, hops);
    }
    node.table.route("10.0.2.0/24", &["192.0.1.2"]);
    until(|| {
        ensure!(
            node.count(false)? == 3 && node.count(true)? == 1,
            "not all are there"
        );
        Ok(())
    })?;
    node.stop(true);
    ensure!(node.count(false)? == 3, "kept");
    node.table.route("10.0.2.0/24", &[]);
    node.start(options())?;
    node.expect_state(
        "10.0.2.0/24",
        FibState::Stale,
        "from an earlier run; kept until the tables have converged",
    )?;
    node.add("r", node.table.clone(), FibConfig::default());
    for (prefix, _) in keep {
        node.expect_state(prefix, FibState::Installed, "")?;
    }
    ensure!(node.count(false)? == 3, "strays stay until converged");
    node.kernel().converged();
    node.expect("10.0.2.0/24", "")?;
    let stats = node.kernel().stats();
    ensure!(
        stats.programmed.load(SeqCst) == 0,
        "what was right has been written again"
    );
    ensure!(stats.withdrawn.load(SeqCst) == 1);
    node.stop(false);
    ensure!(
        node.count(false)? + node.count(true)? == 0,
        "a clean stop withdraws"
    );
    Ok(())
}

#[test]
fn another_metric_table_or_protocol_moves_the_routes() -> Result<()> {
    let node = Node::new("move")?;
    node.table.route("10.0.0.0/24", &["192.0.1.2"]);
    node.expect(
        "10.0.0.0/24",
        "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300",
    )?;
    for (protocol, metric, table) in [(196, 400, 254), (197, 400, 254), (197, 400, 1000)] {
        let ownership = Ownership {
            protocol,
            metric,
            table,
        };
        node.kernel().change_router(
            "r",
            FibConfig {
                ownership,
                ..FibConfig::default()
            },
        );
        until(|| {
            let is = node.ns.ip("-N route show table all 10.0.0.0/24")?;
            let mut wanted = "10.0.0.0/24 via 192.0.1.2 dev v1".to_owned();
            if table != 254 {
                wanted += &format!(" table {table}");
            }
            wanted += &format!(" proto {protocol} metric {metric}");
            let is = is.split_whitespace().collect::<Vec<_>>().join(" ");
            ensure!(is == wanted, "`{is}`, wanted `{wanted}`");
            Ok(())
        })?;
    }
    let config = FibConfig {
        install: false,
        ..FibConfig::default()
    };
    node.kernel().change_router("r", config);
    until(|| {
        let is = node.ns.ip("-N route show table all 10.0.0.0/24")?;
        ensure!(is.is_empty(), "{is}");
        Ok(())
    })
}

#[test]
fn lost_notifications_are_made_up_for_by_reading_again() -> Result<()> {
    let mut node = Node::links("overrun")?;
    // Room for a handful of notifications only.
    node.start(KernelOptions {
        monitor_buffer: 4096,
        ..options()
    })?;
    node.add("r", node.table.clone(), FibConfig::default());
    node.kernel().converged();
    node.table.route("10.0.0.0/24", &["203.0.113.1"]);
    node.expect_state(
        "10.0.0.0/24",
        FibState::Unresolved,
        "no next hop is reached",
    )?;
    let mut batch = String::new();
    for i in 0..1_000 {
        let (high, low) = (100 + i / 250, i % 250);
        batch += &format!("route replace 10.{high}.{low}.0/24 via 192.0.2.2 proto 12\n");
    }
    batch += "route replace 203.0.113.0/24 via 192.0.2.2 proto 12\n";
    let file = std::env::temp_dir().join(format!("{}.batch", node.ns.name()));
    std::fs::write(&file, batch)?;
    // Someone looks at a page for a long time, and the kernel thread cannot go on meanwhile.
    let written = std::sync::Mutex::new(None);
    node.kernel().rows(0, 1, &|_| {
        *written.lock().unwrap() = Some(node.ns.ip(&format!("-batch {}", file.display())));
        false
    });
    std::fs::remove_file(&file)?;
    written
        .into_inner()
        .unwrap()
        .context("there was no row to look at")??;
    let stats = node.kernel().stats();
    until(|| {
        ensure!(stats.overruns.load(SeqCst) > 0, "no notification was lost");
        Ok(())
    })?;
    node.expect(
        "10.0.0.0/24",
        "10.0.0.0/24 via 192.0.2.2 dev v2 proto 196 metric 300",
    )?;
    ensure!(stats.resyncs.load(SeqCst) > 0);
    Ok(())
}

#[test]
fn our_own_writes_do_not_come_back_as_news() -> Result<()> {
    let mut node = Node::links("echo")?;
    // With room for a handful, ten thousand echoes would overrun.
    node.start(KernelOptions {
        monitor_buffer: 4096,
        ..options()
    })?;
    node.add("r", node.table.clone(), FibConfig::default());
    flood(&node.table, 10_000, true, &["2001:db8:1::2"]);
    until(|| {
        ensure!(node.count(true)? == 10_000);
        Ok(())
    })?;
    let overruns = node.kernel().stats().overruns.load(SeqCst);
    ensure!(overruns == 0, "{overruns} overruns");
    Ok(())
}

#[test]
fn the_audit_finds_what_no_notification_told() -> Result<()> {
    let mut node = Node::links("audit")?;
    let audit_interval = Duration::from_millis(300);
    node.start(KernelOptions {
        audit_interval,
        ..KernelOptions::default()
    })?;
    node.add("r", node.table.clone(), FibConfig::default());
    node.kernel().converged();
    node.table.route("10.0.0.0/24", &["192.0.1.2"]);
    let wanted = "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300";
    node.expect("10.0.0.0/24", wanted)?;
    let audits = node.kernel().stats().audits.load(SeqCst);
    until(|| {
        ensure!(
            node.kernel().stats().audits.load(SeqCst) > audits + 1,
            "no audit"
        );
        Ok(())
    })?;
    ensure!(
        node.kernel().stats().programmed.load(SeqCst) == 1,
        "an audit writes nothing by itself"
    );
    // A stray with our marks, as a second writer would leave it.
    node.ns
        .ip("route add 10.7.0.0/24 via 192.0.1.2 proto 196 metric 300")?;
    node.expect("10.7.0.0/24", "")?;
    node.expect("10.0.0.0/24", wanted)
}

#[test]
fn beside_frr_staticd_in_one_namespace_both_keep_their_routes() -> Result<()> {
    if !std::path::Path::new("/usr/lib/frr/staticd").exists() {
        bail!("this test needs the package frr (/usr/lib/frr/staticd)");
    }
    let mut node = Node::new("frr")?;
    let directory = std::env::temp_dir().join(node.ns.name());
    let text = directory.display().to_string();
    let script = format!(
        "set -e; mkdir -p {text}; : > {text}/empty.conf; \
         printf 'ip route 10.5.0.0/24 192.0.1.2\\nip route 10.6.0.0/24 192.0.1.2\\nipv6 route 2001:db8:5::/48 2001:db8:1::2\\n' > {text}/frr.conf; \
         chown -R frr:frr {text}; \
         for d in zebra staticd; do /usr/lib/frr/$d -d -u frr -g frr -i {text}/$d.pid -z {text}/zserv.api \
           --vty_socket {text} -A 127.0.0.1 -P 0 -f {text}/empty.conf --log file:{text}/$d.log; done; \
         sleep 0.5; vtysh --vty_socket {text} -f {text}/frr.conf"
    );
    let result = (|| {
        node.ns.shell(&script)?;
        let theirs = |node: &Node| -> Result<Vec<String>> {
            let mut all = Vec::new();
            for family in ["-4", "-6"] {
                let out = node.ns.ip(&format!("-N {family} route show proto 196"))?;
                all.extend(
                    out.lines()
                        .filter(|l| l.contains("metric 20"))
                        .map(str::to_owned),
                );
            }
            Ok(all)
        };
        until(|| {
            let n = theirs(&node)?.len();
            ensure!(n == 3, "staticd has written {n} of 3 routes");
            Ok(())
        })?;
        let before = theirs(&node)?;
        node.table.route("10.5.0.0/24", &["192.0.2.2"]);
        node.table.route("10.8.0.0/24", &["192.0.2.2"]);
        node.table.route("2001:db8:5::/48", &["2001:db8:2::2"]);
        node.expect_state("10.5.0.0/24", FibState::Installed, "")?;
        node.expect_state("2001:db8:5::/48", FibState::Installed, "")?;
        ensure!(theirs(&node)? == before, "beside ours");
        // zebra must not take ours for its own either.
        sleep(Duration::from_millis(500));
        ensure!(
            node.count(false)? == 2 && node.count(true)? == 1,
            "ours are still there"
        );
        node.stop(false);
        ensure!(node.count(false)? + node.count(true)? == 0);
        ensure!(theirs(&node)? == before, "after ours are gone");
        // And again as a start finds them.
        node.start(options())?;
        node.kernel().converged();
        until(|| {
            ensure!(node.kernel().is_settled());
            Ok(())
        })?;
        ensure!(theirs(&node)? == before, "after a start that found them");
        Ok(())
    })();
    let _ = std::fs::remove_dir_all(&directory);
    result
}

#[test]
fn without_the_right_there_is_one_clear_line() -> Result<()> {
    let ns = Namespace::new("right")?;
    let error = ns.enter(|| {
        rustix::thread::set_capabilities(
            None,
            rustix::thread::CapabilitySets {
                effective: rustix::thread::CapabilitySet::empty(),
                permitted: rustix::thread::CapabilitySet::empty(),
                inheritable: rustix::thread::CapabilitySet::empty(),
            },
        )?;
        match block_on(start(options())) {
            Ok(_) => bail!("it started"),
            Err(error) => Ok(error.to_string()),
        }
    })?;
    ensure!(
        error == "routes cannot be written to the kernel: the capability CAP_NET_ADMIN is missing",
        "{error}"
    );
    Ok(())
}
