//! Routes that reflection (RFC 4456) has brought back: without a field, always; which cluster is ours is the router's to say.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use bgp_tests::kernel;
use bgp_tests::lab::{self, address};
use bgp_tests::raw::RawPeer;
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, secs, until};

use crate::chain::{prefix, update};
use crate::{agent_with_internal_peer, router};

/// The router's identifier, and its cluster unless it has another.
const OURS: [u8; 4] = [10, 255, 0, 2];
const OTHER: [u8; 4] = [10, 255, 0, 77];

/// LOCAL_PREF (5), ORIGINATOR_ID (9) and CLUSTER_LIST (10).
fn reflected(originator: [u8; 4], cluster: [u8; 4]) -> Vec<u8> {
    let mut attributes = vec![0x40, 5, 4, 0, 0, 0, 100];
    attributes.extend([0x80, 9, 4]);
    attributes.extend(originator);
    attributes.extend([0x80, 10, 8]);
    attributes.extend([10, 255, 0, 3]);
    attributes.extend(cluster);
    attributes
}

fn tell(raw: &mut RawPeer) -> Result<()> {
    let elsewhere = [10, 255, 0, 66];
    raw.send(&update(1, &[7], &reflected(OURS, [10, 255, 0, 4])))?;
    raw.send(&update(2, &[7], &reflected(elsewhere, OURS)))?;
    raw.send(&update(3, &[7], &reflected(elsewhere, OTHER)))?;
    raw.send(&update(4, &[7], &reflected(elsewhere, [10, 255, 0, 4])))
}

#[test]
fn routes_that_we_or_our_cluster_have_passed_on_are_not_used() {
    lab::run("reflectedback", |lab| {
        let (net, agent) = agent_with_internal_peer(lab)?;
        let used = |wanted: &[u8]| {
            let wanted: BTreeSet<String> = wanted.iter().map(|n| prefix(*n)).collect();
            until("only what was not here before is used", secs(20), || {
                let routes = kernel::our_prefixes(&net.node, true)?;
                let routes: BTreeSet<String> = routes.iter().map(ToString::to_string).collect();
                Ok(Look::when(routes == wanted, || format!("{routes:?}")))
            })
        };
        let connect = || RawPeer::connect(&net.tor, address(false, true), secs(5));
        let mut raw = connect()?;
        raw.establish(NODE_ASN, 90, secs(5))?;
        tell(&mut raw)?;
        used(&[3, 4])?;
        let rows = agent.json(&["show", "routes"])?.to_string();
        for reason in ["originator-loop", "cluster-loop"] {
            ensure!(rows.contains(reason), "{rows}");
        }

        let reflector = router()
            .with("routeReflector: {clusterID: 10.255.0.77}")
            .with("kernel: {install: true}");
        agent.apply("router", &reflector.text())?;
        raw.await_notification(secs(10))?;
        used(&[])?;
        agent.await_state("peer", "Active", secs(10))?;
        let mut raw = connect()?;
        raw.establish(NODE_ASN, 90, secs(5))?;
        tell(&mut raw)?;
        used(&[2, 4])?;
        agent.stop()
    });
}
