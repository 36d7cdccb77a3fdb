//! Links, losses, restarts and other hands: the kernel ends up with what is wanted.

use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cosmos::kernel::model::Ownership;
use cosmos::kernel::{FibConfig, FibState, KernelOptions};

use crate::kernel_table::Table;
use crate::node::{Node, flood, options, until};

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
    let v6 = "2001:db8:f0::/48 via 2001:db8:1::2 dev v1 proto 196 metric 300 onlink";
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
fn a_link_that_goes_from_under_one_leg_is_nobody_elses_doing() -> Result<()> {
    for end in ["link set v1 down", "link del v1"] {
        let node = Node::new("leg")?;
        let v6 = "2001:db8:f0::/48";
        node.table.route("10.0.0.0/24", &["192.0.1.2", "192.0.2.2"]);
        node.table.route(v6, &["2001:db8:1::2", "2001:db8:2::2"]);
        for p in ["10.0.0.0/24", v6] {
            until(|| {
                let is = node.route(p)?;
                ensure!(is.matches("nexthop").count() == 2, "{is}");
                Ok(())
            })?;
        }
        let stats = node.kernel().stats();
        node.ns.ip(end)?;
        node.expect(
            "10.0.0.0/24",
            "10.0.0.0/24 via 192.0.2.2 dev v2 proto 196 metric 300",
        )?;
        node.expect(
            v6,
            "2001:db8:f0::/48 via 2001:db8:2::2 dev v2 proto 196 metric 300 onlink",
        )?;
        // Longer than the first repair waits.
        sleep(Duration::from_secs(1));
        ensure!(
            stats.repaired.load(SeqCst) == 0,
            "{end} is taken for somebody else's change"
        );
    }
    Ok(())
}

#[test]
fn what_someone_else_removes_or_changes_is_put_right_and_counted() -> Result<()> {
    let node = Node::new("repair")?;
    let stats = node.kernel().stats();
    let v4 = "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300";
    let v6 = "2001:db8:f0::/48 via 2001:db8:1::2 dev v1 proto 196 metric 300 onlink";
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

/// Has `ip` do things while someone looks at a page for a long time, so that the kernel thread cannot go on.
fn while_nobody_listens(node: &Node, batch: &str) -> Result<()> {
    let file = std::env::temp_dir().join(format!("{}.batch", node.ns.name()));
    std::fs::write(&file, batch)?;
    let written = std::sync::OnceLock::new();
    node.kernel().rows(0, 1, &|_| {
        written.get_or_init(|| node.ns.ip(&format!("-batch {}", file.display())));
        false
    });
    std::fs::remove_file(&file)?;
    written
        .into_inner()
        .context("there was no row to look at")??;
    Ok(())
}

#[test]
fn what_a_router_left_goes_though_the_next_run_has_no_such_router() -> Result<()> {
    let mut node = Node::links("gone")?;
    let folder = std::env::temp_dir().join(node.ns.name());
    std::fs::create_dir_all(&folder)?;
    let options = KernelOptions {
        state_dir: Some(folder.clone()),
        ..options()
    };
    let tenant = FibConfig {
        ownership: Ownership {
            protocol: 197,
            metric: 400,
            table: 1000,
        },
        ..FibConfig::default()
    };
    let theirs = "10.9.0.0/24 via 192.0.1.2 dev v1 proto 197 metric 500";
    node.ns.ip(&format!("route add {theirs} table 1000"))?;
    let expect = |node: &Node, ours: usize| {
        until(|| {
            let is = node.ns.ip("-N route show table 1000 proto 197")?;
            ensure!(is.lines().count() == ours + 1, "{is}");
            Ok(())
        })
    };
    node.start(options.clone())?;
    node.add("tenant", node.table.clone(), tenant);
    flood(&node.table, 3, false, &["192.0.1.2"]);
    expect(&node, 3)?;
    node.stop(true);
    // The router is gone at the next start.
    node.start(options)?;
    expect(&node, 3)?;
    node.kernel().converged();
    expect(&node, 0)?;
    // Nothing is left, and so nothing is remembered.
    node.stop(false);
    let marks = std::fs::read_to_string(folder.join("kernel-marks"))?;
    ensure!(marks.is_empty(), "{marks}");
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// More routes of someone else than a small buffer has room for.
fn thousand_of_others() -> String {
    let mut batch = String::new();
    for i in 0..1_000 {
        let (high, low) = (100 + i / 250, i % 250);
        batch += &format!("route replace 10.{high}.{low}.0/24 via 192.0.2.2 proto 12\n");
    }
    batch
}

/// A kernel room with room for a handful of notifications only, and its router.
fn hard_of_hearing(node: &mut Node) -> Result<()> {
    node.start(KernelOptions {
        monitor_buffer: 4096,
        ..options()
    })?;
    node.add("r", node.table.clone(), FibConfig::default());
    node.kernel().converged();
    Ok(())
}

#[test]
fn lost_notifications_are_made_up_for_by_reading_again() -> Result<()> {
    let mut node = Node::links("overrun")?;
    hard_of_hearing(&mut node)?;
    node.table.route("10.0.0.0/24", &["203.0.113.1"]);
    node.expect_state(
        "10.0.0.0/24",
        FibState::Unresolved,
        "no next hop is reached",
    )?;
    let mut batch = thousand_of_others();
    batch += "route replace 203.0.113.0/24 via 192.0.2.2 proto 12\n";
    while_nobody_listens(&node, &batch)?;
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
fn a_link_that_flaps_while_notifications_are_lost_gets_its_routes_back() -> Result<()> {
    let mut node = Node::links("flaplost")?;
    hard_of_hearing(&mut node)?;
    flood(&node.table, 100, false, &["192.0.1.2"]);
    flood(&node.table, 100, true, &["2001:db8:1::2"]);
    let all = || {
        until(|| {
            let is = (node.count(false)?, node.count(true)?);
            ensure!(is == (100, 100), "{is:?}");
            Ok(())
        })
    };
    all()?;
    let mut batch = thousand_of_others();
    batch += "link set v1 down\nlink set v1 up\naddress add 2001:db8:1::1/64 dev v1 nodad\n";
    while_nobody_listens(&node, &batch)?;
    until(|| {
        let overruns = node.kernel().stats().overruns.load(SeqCst);
        ensure!(overruns > 0, "no notification was lost");
        Ok(())
    })?;
    all()
}

#[test]
fn ipv6_routes_may_go_in_silence_too() -> Result<()> {
    let node = Node::new("silent")?;
    node.ns
        .shell("echo 1 > /proc/sys/net/ipv6/route/skip_notify_on_dev_down")?;
    flood(&node.table, 100, true, &["2001:db8:1::2"]);
    let count = |wanted: usize| {
        until(|| {
            let is = node.count(true)?;
            ensure!(is == wanted, "{is} of {wanted}");
            Ok(())
        })
    };
    count(100)?;
    let up = "ip link set v1 up; ip address add 2001:db8:1::1/64 dev v1 nodad";
    node.ns.ip("link set v1 down")?;
    count(0)?;
    node.ns.shell(up)?;
    count(100)?;
    node.ns.shell(&format!("ip link set v1 down; {up}"))?;
    count(100)
}

#[test]
fn legs_of_an_ipv6_route_come_and_go_with_their_links() -> Result<()> {
    let node = Node::new("legs6")?;
    flood(&node.table, 100, true, &["2001:db8:1::2", "2001:db8:2::2"]);
    let legs = |wanted: usize| {
        until(|| {
            let is = node.ns.ip("-6 route show proto 196")?;
            let is = is.matches("via").count();
            ensure!(is == wanted, "{is} of {wanted} legs");
            Ok(())
        })
    };
    let address = "address add 2001:db8:1::1/64 dev v1 nodad";
    legs(200)?;
    node.ns.ip("link del v1")?;
    legs(100)?;
    node.ns.veth("v1", &node.neighbour, "w1")?;
    node.ns.ip(address)?;
    legs(200)?;
    node.neighbour.ip("link set w1 down")?;
    legs(100)?;
    node.neighbour.ip("link set w1 up")?;
    legs(200)?;
    node.ns.ip("link set v1 down")?;
    legs(100)?;
    node.ns.ip("link set v1 up")?;
    node.ns.ip(address)?;
    legs(200)
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
fn an_audit_repairs_what_no_notification_told_and_writes_nothing_by_itself() -> Result<()> {
    let mut node = Node::links("audit")?;
    let wanted = "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300";
    let audits = |node: &Node| node.kernel().stats().audits.load(SeqCst);
    for audited in [false, true] {
        node.stop(false);
        let audit_interval = match audited {
            true => Duration::from_millis(300),
            false => options().audit_interval,
        };
        node.start(KernelOptions {
            audit_interval,
            ..KernelOptions::default()
        })?;
        node.deafen_monitor()?;
        node.table = Table::new();
        node.add("r", node.table.clone(), FibConfig::default());
        node.kernel().converged();
        node.table.route("10.0.0.0/24", &["192.0.1.2"]);
        node.expect("10.0.0.0/24", wanted)?;
        let await_audits = |node: &Node| {
            let before = audits(node);
            until(|| {
                ensure!(audits(node) > before + 1, "no audit");
                Ok(())
            })
        };
        if audited {
            await_audits(&node)?;
            let programmed = node.kernel().stats().programmed.load(SeqCst);
            ensure!(programmed == 1, "an audit writes nothing by itself");
        }
        // One of ours is gone, and there is a stray with our marks, as a second writer would leave it.
        node.ns.ip("route del 10.0.0.0/24")?;
        node.ns
            .ip("route add 10.7.0.0/24 via 192.0.1.2 proto 196 metric 300")?;
        if audited {
            node.expect("10.0.0.0/24", wanted)?;
            node.expect("10.7.0.0/24", "")?;
        } else {
            // Nobody else finds it.
            sleep(Duration::from_secs(1));
            ensure!(node.route("10.0.0.0/24")?.is_empty(), "who told?");
            node.ns.ip("route del 10.7.0.0/24")?;
        }
    }
    Ok(())
}

#[test]
fn routes_that_name_a_nexthop_object_are_followed_to_its_gateways() -> Result<()> {
    for compat in ["0", "1"] {
        let node = Node::links("nhid")?;
        node.ns.shell(&format!(
            "echo {compat} > /proc/sys/net/ipv4/nexthop_compat_mode"
        ))?;
        node.ns.ip("nexthop add id 10 via 192.0.1.2 dev v1")?;
        node.ns.ip("nexthop add id 20 via 192.0.2.2 dev v2")?;
        node.ns.ip("nexthop add id 30 group 10/20")?;
        node.ns.ip("route add 203.0.113.0/24 nhid 10")?;
        let mut node = node;
        node.start(options())?;
        node.add("r", node.table.clone(), FibConfig::default());
        node.kernel().converged();
        node.table.route("10.0.0.0/24", &["203.0.113.9"]);
        node.table.route("10.0.1.0/24", &["198.51.100.9"]);
        let over_v1 = "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300";
        node.expect("10.0.0.0/24", over_v1)?;
        // The object changes under the route, a group comes, and an object goes with its route.
        node.ns.ip("nexthop replace id 10 via 192.0.2.9 dev v2")?;
        node.expect(
            "10.0.0.0/24",
            "10.0.0.0/24 via 192.0.2.9 dev v2 proto 196 metric 300",
        )?;
        node.ns.ip("route add 198.51.100.0/24 nhid 30")?;
        until(|| {
            let is = node.route("10.0.1.0/24")?;
            ensure!(
                is.matches("nexthop via").count() == 2,
                "compat {compat}: {is}"
            );
            Ok(())
        })?;
        node.ns.ip("nexthop del id 10")?;
        node.expect_state(
            "10.0.0.0/24",
            FibState::Unresolved,
            "no next hop is reached",
        )?;
        node.expect(
            "10.0.1.0/24",
            "10.0.1.0/24 via 192.0.2.2 dev v2 proto 196 metric 300",
        )?;
    }
    Ok(())
}
