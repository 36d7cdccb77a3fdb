//! What `show peers` counts.

use anyhow::ensure;
use bgp_tests::lab::{self, NodeAndTor};
use bgp_tests::raw::ipv4_update;
use bgp_tests::raw_session::{RAW, RAW_ASN};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{kernel, raw_session};

/// A prefix that is in the kernel is counted at the first look, however little time has passed since the one before it.
#[test]
fn prefixes_are_counted_when_somebody_asks() {
    lab::run("counts", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, mut raw) = raw_session::session(lab, &net)?;
        for n in 1..=10_u8 {
            raw.send(&ipv4_update(RAW_ASN, 0, &[24, 10, 77, n]))?;
            until("the kernel has it", secs(5), || {
                let have = kernel::our_prefixes(&net.node, false)?.len();
                Ok(Look::when(have == usize::from(n), || format!("{have}")))
            })?;
            let families = agent.json(&["show", "peer", RAW])?["families"].clone();
            let all = families.as_array().into_iter().flatten();
            let counted = all.filter(|family| family["family"] == "ipv4/unicast");
            let counted: Vec<_> = counted.map(|family| family["received"].clone()).collect();
            ensure!(counted == [n], "{counted:?} of {n}: {families}");
        }
        agent.stop()
    });
}
