//! What is written, how, and where the next hops lead.

use std::sync::atomic::Ordering::SeqCst;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bgp_tests::netns::Namespace;
use cosmos::kernel::model::Ownership;
use cosmos::kernel::{FibConfig, FibState, HopKey, start};
use ipnet::IpNet;

use crate::kernel_table::{Table, hop};
use crate::node::{Node, block_on, flood, many, options, until};

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
            format!("2001:db8:f0::/48 via 2001:db8:1::2 dev v1 {t} onlink"),
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
            format!("10.0.2.0/24 via inet6 2001:db8:2::2 dev v2 {t} onlink"),
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
                "2001:db8:f2::/48 {t} nexthop via 2001:db8:1::2 dev v1 {one} onlink nexthop via fe80::2 dev v2 {one}"
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
    let resyncs = node.kernel().stats().resyncs.load(SeqCst);
    node.ns.ip("address add 198.51.100.1/32 dev v1")?;
    node.ns.ip("address del 198.51.100.1/32 dev v1")?;
    until(|| {
        ensure!(
            node.kernel().stats().resyncs.load(SeqCst) > resyncs,
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
fn a_refusal_is_shown_with_the_sentence_of_the_kernel() -> Result<()> {
    let node = Node::new("refusal")?;
    let lo = format!("fe80::1%{}", node.ifindex("lo")?);
    // The refused ones are at the ends and in the middle of what is sent, and of what is sent at the same time: the others
    // must not suffer.
    let mut routes: Vec<(IpNet, Vec<HopKey>)> = many(2_000, true)
        .map(|p| (p, vec![hop("2001:db8:1::2")]))
        .collect();
    let bad = [10, 499, 500, 750, 1_000, 1_999].map(|at| {
        routes[at].1 = vec![hop(&lo)];
        routes[at].0
    });
    node.table.set(routes);
    until(|| {
        let n = node.count(true)?;
        ensure!(n == 1_994, "{n} of 1994");
        Ok(())
    })?;
    for prefix in bad {
        let (state, reason) = node.state(&prefix.to_string())?;
        ensure!(state == FibState::Failed, "{prefix}: {state}");
        ensure!(
            reason.starts_with("Invalid argument: "),
            "{prefix}: {reason}"
        );
    }
    let status = node.kernel().status().remove(0).1;
    ensure!(
        (status.wanted, status.installed, status.failed) == (2_000, 1_994, 6),
        "{status:?}"
    );
    ensure!(
        status
            .last_error
            .is_some_and(|e| bad.iter().any(|prefix| e.contains(&prefix.to_string())))
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
        "10.1.0.0/16 via inet6 2001:db8:2::2 dev v2 proto 196 metric 300 onlink",
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
fn a_gateway_that_is_on_its_link_by_word_alone_is_so_for_us_too() -> Result<()> {
    let node = Node::new("onlink")?;
    node.ns
        .ip("route add 203.0.113.0/24 via 198.51.100.1 dev v1 onlink")?;
    node.ns
        .ip("-6 route add 2001:db8:ff::/48 via 2001:db8:fe::1 dev v1 onlink")?;
    node.table.route("10.0.0.0/24", &["203.0.113.9"]);
    node.table
        .route("10.0.1.0/24", &["203.0.113.9", "192.0.2.2"]);
    node.table.route("2001:db8:f0::/48", &["2001:db8:ff::9"]);
    node.expect(
        "10.0.0.0/24",
        "10.0.0.0/24 via 198.51.100.1 dev v1 proto 196 metric 300 onlink",
    )?;
    node.expect(
        "10.0.1.0/24",
        "10.0.1.0/24 proto 196 metric 300 nexthop via 192.0.2.2 dev v2 weight 1 \
         nexthop via 198.51.100.1 dev v1 weight 1 onlink",
    )?;
    node.expect(
        "2001:db8:f0::/48",
        "2001:db8:f0::/48 via 2001:db8:fe::1 dev v1 proto 196 metric 300 onlink",
    )
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
