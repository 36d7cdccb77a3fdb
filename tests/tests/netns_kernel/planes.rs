//! Tables beside the main one, and what happens to them underneath.

use anyhow::{Result, ensure};
use cosmos::kernel::model::Ownership;
use cosmos::kernel::{FibConfig, FibState};

use crate::kernel_table::{Table, hop};
use crate::node::{Node, flood, until};

fn in_table(table: u32) -> FibConfig {
    FibConfig {
        ownership: Ownership {
            table,
            ..Ownership::default()
        },
        ..FibConfig::default()
    }
}

impl Node {
    /// Waits until so many of our routes of a family are in a table.
    fn expect_count(&self, table: u32, v6: bool, wanted: usize) -> Result<()> {
        let family = if v6 { "-6" } else { "-4" };
        until(|| {
            // A table that was never used is an error to ask for.
            let out = self
                .ns
                .ip(&format!("-N {family} route show table {table} proto 196"));
            let n = out.unwrap_or_default().lines().count();
            ensure!(
                n == wanted,
                "{n} of {wanted} routes {family} in table {table}"
            );
            Ok(())
        })
    }
}

#[test]
fn what_another_table_has_leads_no_next_hop_of_the_main_one_anywhere() -> Result<()> {
    let node = Node::new("planes")?;
    let overlay = Table::new();
    node.add("overlay", overlay.clone(), in_table(1000));
    // Both have a route to the other's next hop.
    overlay.route("198.51.100.0/24", &["203.0.113.9"]);
    node.table.route("203.0.113.0/24", &["192.0.1.2"]);
    node.table.route("10.0.0.0/24", &["198.51.100.9"]);
    until(|| {
        let is = node.ns.ip("-N route show table 1000")?;
        ensure!(is.contains("198.51.100.0/24 via 192.0.1.2 dev v1"), "{is}");
        Ok(())
    })?;
    node.expect_state(
        "10.0.0.0/24",
        FibState::Unresolved,
        "no next hop is reached",
    )?;
    // In the main table too, it does.
    node.kernel().change_router("overlay", FibConfig::default());
    let wanted = "10.0.0.0/24 via 192.0.1.2 dev v1 proto 196 metric 300";
    node.expect("10.0.0.0/24", wanted)?;
    node.kernel().change_router("overlay", in_table(1000));
    node.expect("10.0.0.0/24", "")?;
    // One that installs nothing is read whatever its table.
    let nowhere = FibConfig {
        install: false,
        ..in_table(1000)
    };
    node.kernel().change_router("overlay", nowhere);
    node.expect("10.0.0.0/24", wanted)
}

#[test]
fn a_default_route_that_is_not_accepted_leads_no_next_hop_anywhere() -> Result<()> {
    let node = Node::new("defaults")?;
    node.table.route("0.0.0.0/0", &["192.0.1.2"]);
    let reached = |wanted: bool| {
        until(|| {
            let is = node.kernel().resolver().reach(hop("203.0.113.9"));
            ensure!(is.state().reachable == wanted, "{is:?}");
            Ok(())
        })
    };
    reached(false)?;
    for accept_default_route in [true, false] {
        let config = FibConfig {
            accept_default_route,
            ..FibConfig::default()
        };
        node.kernel().change_router("r", config);
        reached(accept_default_route)?;
    }
    Ok(())
}

#[test]
fn a_table_that_is_emptied_underneath_is_filled_again() -> Result<()> {
    let node = Node::new("flush")?;
    let tenant = Table::new();
    node.add("tenant", tenant.clone(), in_table(1000));
    for (v6, via) in [(false, "192.0.1.2"), (true, "2001:db8:1::2")] {
        flood(&tenant, 200, v6, &[via]);
        node.expect_count(1000, v6, 200)?;
    }
    for family in ["-4", "-6"] {
        node.ns.ip(&format!("{family} route flush table 1000"))?;
    }
    node.expect_count(1000, false, 200)?;
    node.expect_count(1000, true, 200)
}
