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
