//! Others in the same tables: they keep what is theirs.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use cosmos::kernel::{Fate, FibConfig, FibState};

use crate::node::{Node, options, until};

#[test]
fn a_connected_route_is_never_covered() -> Result<()> {
    let node = Node::new("connected")?;
    let before = node.route("192.0.1.0/24")?;
    let own = node.route("2001:db8:1::/64")?;
    node.table.route("192.0.1.0/24", &["192.0.2.2"]);
    node.table.route("2001:db8:1::/64", &["2001:db8:2::2"]);
    node.table.route("192.0.2.1/32", &["192.0.1.2"]);
    // As systemd-networkd makes them of what a router advertises.
    node.ns
        .ip("-6 route add 2001:db8:7::/64 dev v1 proto ra metric 1024")?;
    node.table.route("2001:db8:7::/64", &["2001:db8:2::2"]);
    node.expect_state(
        "2001:db8:7::/64",
        FibState::Excluded,
        "a connected route exists",
    )?;
    node.expect_state(
        "192.0.1.0/24",
        FibState::Excluded,
        "a connected route exists",
    )?;
    node.expect_state(
        "2001:db8:1::/64",
        FibState::Excluded,
        "a connected route exists",
    )?;
    node.expect_state(
        "192.0.2.1/32",
        FibState::Excluded,
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
        FibState::Excluded,
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
    node.expect_state("0.0.0.0/0", FibState::Excluded, why)?;
    node.expect_state("::/0", FibState::Excluded, why)?;
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
        "default via 2001:db8:1::2 dev v1 proto 196 metric 300 onlink",
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
        "10.9.4.0/24 via 192.0.1.2 proto 12 metric 32",
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
    for prefix in ["10.9.0.0/24", "10.9.1.0/24", "10.9.2.0/24", "10.9.4.0/24"] {
        node.table.route(prefix, &["192.0.2.2"]);
    }
    node.table.route("2001:db8:9:1::/64", &["2001:db8:2::2"]);
    let blocked = "a route of protocol bird has the same metric";
    node.expect_state("10.9.1.0/24", FibState::Blocked, blocked)?;
    node.expect_state("2001:db8:9:1::/64", FibState::Blocked, blocked)?;
    // Another metric is another route: both are there, and the kernel prefers theirs.
    let preferred = |protocol: &str, metric: u32| {
        format!("the kernel prefers a route of protocol {protocol}, which has metric {metric}")
    };
    node.expect_state("10.9.0.0/24", FibState::Installed, &preferred("196", 20))?;
    ensure!(node.route("10.9.0.0/24")?.contains("metric 20"));
    node.expect_state("10.9.4.0/24", FibState::Installed, &preferred("bird", 32))?;
    let outranked = |node: &Node| node.kernel().status()[0].1.outranked;
    ensure!(outranked(&node) == 2, "{}", outranked(&node));
    let told = |node: &Node, wanted: Fate| {
        until(|| {
            let news = node.kernel().kept_out_news().named;
            let mut about = news
                .iter()
                .filter(|r| r.prefix.to_string() == "10.9.4.0/24");
            ensure!(about.any(|r| r.fate == wanted), "{news:?}");
            Ok(())
        })
    };
    told(&node, Fate::Outranked(preferred("bird", 32)))?;
    let theirs = "10.9.4.0/24 via 192.0.1.2 proto 12 metric 32";
    node.ns.ip(&format!("route del {theirs}"))?;
    node.expect_state("10.9.4.0/24", FibState::Installed, "")?;
    told(&node, Fate::Preferred)?;
    node.ns.ip(&format!("route add {theirs}"))?;
    node.expect_state("10.9.4.0/24", FibState::Installed, &preferred("bird", 32))?;
    told(&node, Fate::Outranked(preferred("bird", 32)))?;
    // Theirs goes: ours comes.
    node.ns.ip("route del 10.9.1.0/24 proto 12")?;
    node.expect(
        "10.9.1.0/24",
        "10.9.1.0/24 via 192.0.2.2 dev v2 proto 196 metric 300",
    )?;
    // In one step: what is only removed is put right at once.
    node.ns
        .ip("route replace 10.9.1.0/24 via 192.0.1.2 proto 12 metric 300")?;
    node.stop(false);
    let after = all(&node)?;
    ensure!(before == after, "before: {before:#?}\nafter: {after:#?}");
    Ok(())
}

#[test]
fn a_leg_that_someone_adds_to_our_ipv6_route_stays_theirs() -> Result<()> {
    let node = Node::new("append6")?;
    let p = "2001:db8:f0::/48";
    let why = "a route of protocol static has the same metric";
    let theirs = "2001:db8:f0::/48 via 2001:db8:2::2 dev v2 proto 4 metric 300";
    let steps: [(&[&str], &str); 2] = [
        (
            &["2001:db8:1::2"],
            "2001:db8:f0::/48 via 2001:db8:1::2 dev v1 proto 196 metric 300 onlink",
        ),
        (&["2001:db8:1::2", "2001:db8:1::3"], ""),
    ];
    for (ours, wanted) in steps {
        node.table.route(p, ours);
        until(|| {
            let is = node.route(p)?;
            ensure!(is.matches("dev v1").count() == ours.len(), "{is}");
            Ok(())
        })?;
        // The kernel makes one route of both.
        node.ns.ip(&format!("-6 route append {theirs}"))?;
        node.expect_state(p, FibState::Blocked, why)?;
        node.expect(p, theirs)?;
        // What is theirs leads there for next hops too, and without our leg.
        node.table.route("2001:db8:f1::/48", &["2001:db8:f0::1"]);
        node.expect(
            "2001:db8:f1::/48",
            "2001:db8:f1::/48 via 2001:db8:2::2 dev v2 proto 196 metric 300 onlink",
        )?;
        node.table.route("2001:db8:f1::/48", &[]);
        node.ns.ip(&format!("-6 route del {theirs}"))?;
        if ours.len() == 1 {
            node.expect(p, wanted)?;
        } else {
            node.expect_state(p, FibState::Installed, "")?;
        }
        // Withdrawn before anybody has looked.
        node.ns.ip(&format!("-6 route append {theirs}"))?;
        node.table.route(p, &[]);
        node.expect(p, theirs)?;
        node.ns.ip(&format!("-6 route del {theirs}"))?;
    }
    Ok(())
}

#[test]
fn a_route_that_someone_puts_before_or_behind_ours_is_theirs_to_keep() -> Result<()> {
    let node = Node::new("append4")?;
    let p = "10.0.0.0/24";
    node.table.route(p, &["192.0.1.2"]);
    let theirs = "10.0.0.0/24 via 192.0.2.2 dev v2 proto 4 metric 300";
    for how in ["append", "prepend"] {
        node.expect(p, "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300")?;
        node.ns.ip(&format!("route {how} {theirs}"))?;
        let why = "a route of protocol static has the same metric";
        node.expect_state(p, FibState::Blocked, why)?;
        node.expect(p, theirs)?;
        node.ns.ip(&format!("route del {theirs}"))?;
    }
    Ok(())
}

#[test]
fn a_second_route_with_our_marks_goes_whether_it_was_put_before_or_behind_ours() -> Result<()> {
    let node = Node::new("second")?;
    let routes = [
        (
            "10.0.0.0/24",
            "192.0.1.2",
            "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300",
            ["via 192.0.2.2 dev v2", "via 192.0.2.3 dev v2"],
        ),
        // With a gateway it would be a leg of ours.
        (
            "2001:db8:f0::/48",
            "2001:db8:1::2",
            "2001:db8:f0::/48 via 2001:db8:1::2 dev v1 proto 196 metric 300 onlink",
            ["dev v2", "dev v1"],
        ),
    ];
    for (p, gateway, ours, others) in routes {
        node.table.route(p, &[gateway]);
        for how in ["append", "prepend"] {
            node.expect(p, ours)?;
            node.expect_state(p, FibState::Installed, "")?;
            for other in others {
                node.ns
                    .ip(&format!("route {how} {p} {other} metric 300 proto 196"))?;
            }
            node.expect(p, ours)?;
            node.expect_state(p, FibState::Installed, "")?;
        }
        node.ns.ip(&format!(
            "route append {p} {} metric 300 proto 196",
            others[0]
        ))?;
        node.table.route(p, &[]);
        node.expect(p, "")?;
    }
    // One for a type of service is another route, and not of our making.
    let tos = "10.1.0.0/24 tos 0x10 via 192.0.2.2 dev v2 proto 196 metric 300";
    node.ns.ip(&format!("route add {tos}"))?;
    node.table.route("10.1.0.0/24", &["192.0.1.2"]);
    node.expect_state("10.1.0.0/24", FibState::Installed, "")?;
    node.table.route("10.1.0.0/24", &[]);
    node.expect("10.1.0.0/24", tos)
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
        let why = "the kernel prefers a route of protocol 196, which has metric 20";
        node.expect_state("10.5.0.0/24", FibState::Installed, why)?;
        node.expect_state("2001:db8:5::/48", FibState::Installed, why)?;
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
