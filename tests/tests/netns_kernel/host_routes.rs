//! Neighbours that announce their own address, or a part of the network that they share with us.

use std::sync::atomic::Ordering::SeqCst;

use anyhow::{Result, ensure};
use cosmos::kernel::FibState;

use crate::kernel_table::hop;
use crate::node::{Node, until};

/// What two neighbours announce of themselves, and what is reached over them.
const OF_THEMSELVES: [(&str, &[&str]); 5] = [
    ("2001:db8:1::2/128", &["2001:db8:1::2"]),
    ("2001:db8:1::2/127", &["2001:db8:1::2"]),
    ("2001:db8:2::2/128", &["2001:db8:1::2", "2001:db8:2::2"]),
    ("192.0.1.2/32", &["192.0.1.2"]),
    ("192.0.1.2/31", &["192.0.1.2"]),
];
const OVER_THEM: [(&str, &[&str]); 6] = [
    ("2001:db8:f0::/48", &["2001:db8:1::2"]),
    ("2001:db8:f1::/48", &["2001:db8:1::2", "2001:db8:2::2"]),
    ("2001:db8:f2::/48", &["2001:db8:1::3"]),
    ("10.0.0.0/24", &["2001:db8:1::2"]),
    ("10.0.1.0/24", &["2001:db8:1::2", "2001:db8:2::2"]),
    ("10.0.2.0/24", &["192.0.1.2"]),
];

#[test]
fn a_neighbour_that_announces_its_own_address_takes_no_route_over_it_out() -> Result<()> {
    let before: Vec<_> = OF_THEMSELVES.into_iter().chain(OVER_THEM).collect();
    let after: Vec<_> = OVER_THEM.into_iter().chain(OF_THEMSELVES).collect();
    for (order, in_one) in [
        (&before, false),
        (&after, false),
        (&before, true),
        (&after, true),
    ] {
        let node = Node::new("host")?;
        if in_one {
            let routes = order.iter().map(|(prefix, hops)| {
                let hops = hops.iter().map(|h| hop(h)).collect();
                (prefix.parse().expect("a prefix"), hops)
            });
            node.table.set(routes.collect::<Vec<_>>());
        }
        for (prefix, hops) in order {
            if !in_one {
                node.table.route(prefix, hops);
            }
            node.expect_state(prefix, FibState::Installed, "")?;
        }
        until(|| {
            for (prefix, _) in order {
                ensure!(
                    node.route(prefix)?.contains("proto 196"),
                    "{prefix} is not there"
                );
            }
            Ok(())
        })?;
        ensure!(
            node.kernel().stats().failed.load(SeqCst) == 0,
            "the kernel refused something"
        );
        // And packets to the neighbour, which its own route now leads, arrive.
        node.ns.run("ping", &["-c1", "-W2", "2001:db8:1::2"])?;
    }
    Ok(())
}

#[test]
fn a_host_route_that_comes_and_goes_disturbs_nothing() -> Result<()> {
    let node = Node::new("hostflap")?;
    let (own, over) = (OF_THEMSELVES[0], OVER_THEM[0]);
    node.table.route(over.0, over.1);
    node.expect_state(over.0, FibState::Installed, "")?;
    let programmed = || node.kernel().stats().programmed.load(SeqCst);
    for _ in 0..3 {
        let before = programmed();
        node.table.route(own.0, own.1);
        node.expect_state(own.0, FibState::Installed, "")?;
        node.table.route(own.0, &[]);
        node.expect(own.0, "")?;
        ensure!(
            programmed() == before + 1,
            "the route over the neighbour was written again"
        );
    }
    Ok(())
}

/// The neighbour on the second link, told over the first one: by its own address, and by a part of the network that it is in.
const ASTRAY: [(&str, &str); 4] = [
    ("2001:db8:2::2/128", "2001:db8:1::2"),
    ("2001:db8:2::/120", "2001:db8:1::2"),
    ("192.0.2.2/32", "192.0.1.2"),
    ("192.0.2.0/28", "192.0.1.2"),
];

fn reason(prefix: &str) -> String {
    let neighbour = match prefix.contains(':') {
        true => "2001:db8:2::2",
        false => "192.0.2.2",
    };
    format!(
        "it would lead packets for the neighbour {neighbour} away from the link that this is on"
    )
}

#[test]
fn what_leads_a_neighbours_packets_elsewhere_is_kept_out_while_it_is_there() -> Result<()> {
    let node = Node::new("astray")?;
    let over_it = [
        ("2001:db8:f2::/48", "2001:db8:2::2"),
        ("10.0.2.0/24", "192.0.2.2"),
    ];
    for (prefix, next_hop) in ASTRAY {
        node.table.route(prefix, &[next_hop]);
    }
    let expect = |state: FibState| -> Result<()> {
        for (prefix, _) in ASTRAY {
            let why = match state {
                FibState::Excluded => reason(prefix),
                _ => String::new(),
            };
            node.expect_state(prefix, state, &why)?;
            let is = node.route(prefix)?;
            ensure!(
                is.is_empty() == (state == FibState::Excluded),
                "{prefix}: {is}"
            );
        }
        Ok(())
    };
    // Addresses of nobody that has to be on a link.
    expect(FibState::Installed)?;
    let neighbours = ["2001:db8:2::2", "192.0.2.2"].map(|text| text.parse().expect("an address"));
    node.kernel().set_neighbours(neighbours.into());
    expect(FibState::Excluded)?;
    // So that what it tells itself is installed, and packets for it get there.
    for (prefix, next_hop) in over_it {
        node.table.route(prefix, &[next_hop]);
        node.expect_state(prefix, FibState::Installed, "")?;
    }
    node.ns.run("ping", &["-c1", "-W2", "2001:db8:2::2"])?;
    node.ns.run("ping", &["-c1", "-W2", "192.0.2.2"])?;
    // Its own way there may be told.
    node.table.route("192.0.2.2/32", &["192.0.2.2"]);
    node.expect_state("192.0.2.2/32", FibState::Installed, "")?;
    node.table.route("192.0.2.2/32", &["192.0.1.2"]);
    expect(FibState::Excluded)?;

    ensure!(
        node.kernel().stats().failed.load(SeqCst) == 0,
        "the kernel refused something"
    );

    // Without the network it is on no link of ours.
    node.ns.ip("address del 192.0.2.1/24 dev v2")?;
    node.ns.ip("address del 2001:db8:2::1/64 dev v2")?;
    expect(FibState::Installed)?;
    node.ns.ip("address add 192.0.2.1/24 dev v2")?;
    node.ns.ip("address add 2001:db8:2::1/64 dev v2 nodad")?;
    expect(FibState::Excluded)?;
    node.kernel().set_neighbours([].into());
    expect(FibState::Installed)?;
    Ok(())
}
