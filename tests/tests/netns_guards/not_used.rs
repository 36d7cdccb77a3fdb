//! What is well-formed and of no use here harms nothing, and is counted where metrics are read.

use anyhow::{Result, ensure};
use bgp_tests::kernel;
use bgp_tests::lab::{self, address};
use bgp_tests::raw::{RawPeer, message};
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, secs, until};

use crate::agent_with_internal_peer;
use crate::chain::{prefix, update};

/// MP_UNREACH_NLRI of VPN-IPv4, which neither side announced (RFC 4760 §6): label, RD 0:1, 10.0.0.0/8.
fn of_another_family() -> Vec<u8> {
    let attribute = [
        0x80, 15, 16, 0, 1, 128, 96, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 10,
    ];
    message(2, &[&[0, 0, 0, 19], &attribute[..]].concat())
}

#[test]
fn what_a_family_says_that_was_not_negotiated_is_counted_and_the_session_stays() {
    lab::run("notused", |lab| {
        let (net, agent) = agent_with_internal_peer(lab)?;
        let of_peer = "{router=\"underlay\",peer=\"peer\"}";
        let counted = |times: u32| -> Result<()> {
            let wanted = format!("cosmos_update_parts_not_used_total{of_peer} {times}");
            until("the metrics say how often", secs(10), || {
                let (_, metrics) = net.node.http_get("127.0.0.1:8082", "/metrics")?;
                let there = metrics.lines().any(|line| line == wanted);
                Ok(Look::when(there, || format!("no {wanted}\n{metrics}")))
            })
        };
        counted(0)?;
        let mut raw = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        raw.establish(NODE_ASN, 90, secs(5))?;
        raw.send(&[of_another_family(), of_another_family()].concat())?;
        counted(2)?;
        // The session goes on, and no error was counted.
        raw.send(&update(1, &[7], &[0x40, 5, 4, 0, 0, 0, 100]))?;
        until("what comes behind is used", secs(10), || {
            let routes = kernel::our_prefixes(&net.node, true)?;
            let there = routes.iter().any(|route| *route == prefix(1));
            Ok(Look::when(there, || format!("{routes:?}")))
        })?;
        let (_, metrics) = net.node.http_get("127.0.0.1:8082", "/metrics")?;
        let errors: Vec<_> = metrics
            .lines()
            .filter(|line| line.starts_with("cosmos_dispositions_total{"))
            .collect();
        ensure!(
            !errors.is_empty() && errors.iter().all(|line| line.ends_with(" 0")),
            "{errors:?}"
        );
        agent.stop()
    });
}
