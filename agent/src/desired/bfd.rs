//! BFD of a BGPPeer.

use crds::{BGPPeerSpec, BfdSpec, bounds};

use super::bounded::bounded;
use super::build::Findings;
use super::problem::Reason;
use super::types::Bfd;

/// What the contract has for either interval, in microseconds.
const INTERVAL: u32 = 300_000;

/// A process that shares its cores keeps no shorter interval, whatever is configured: the neighbour would see failures that are none.
const SHORTEST: u32 = 10_000;

/// `None` if the session goes without, or a problem is noted.
pub(super) fn bfd(spec: &BGPPeerSpec, findings: &mut Findings<'_>) -> Option<Bfd> {
    let bfd = spec.bfd.as_ref().filter(|bfd| bfd.enabled == Some(true))?;
    let minimum_tx = interval("spec.bfd.minimumTx", bfd.minimum_tx, findings);
    let minimum_rx = interval("spec.bfd.minimumRx", bfd.minimum_rx, findings);
    let field = "spec.bfd.detectMultiplier";
    let multiplier = bounded(
        field,
        bfd.detect_multiplier,
        3,
        bounds::DETECT_MULTIPLIER,
        findings,
    );
    let multi_hop = multi_hop(spec, bfd, findings);
    Some(Bfd {
        minimum_tx: minimum_tx?,
        minimum_rx: minimum_rx?,
        detect_multiplier: multiplier?,
        multi_hop: multi_hop?,
    })
}

fn interval(field: &str, value: Option<i32>, findings: &mut Findings<'_>) -> Option<u32> {
    let Some(value) = value else {
        return Some(INTERVAL);
    };
    let fits = u32::try_from(value).ok().filter(|value| *value >= SHORTEST);
    if fits.is_none() {
        let message = format!(
            "{value} microseconds are out of range; use {SHORTEST} (10 ms) to {}",
            i32::MAX
        );
        findings.reject(field, Reason::InvalidValue, message);
    }
    fits
}

/// Who says that the neighbour is several hops away must say it of BFD, too: packets of the one kind are nothing to the other (RFC 5881 §5:
/// a hop taken is a packet discarded).
fn multi_hop(spec: &BGPPeerSpec, bfd: &BfdSpec, findings: &mut Findings<'_>) -> Option<bool> {
    let multi_hop = bfd.multi_hop.unwrap_or(false);
    let several = |hops: Option<i32>| hops.is_some_and(|hops| hops > 1);
    let far = [
        (spec.ebgp_multi_hop == Some(true), "ebgpMultiHop is true"),
        (
            several(spec.ebgp_multihop_ttl),
            "ebgpMultihop is more than 1",
        ),
        (several(spec.ttl_security), "ttlSecurity is more than 1"),
    ];
    if let Some((_, why)) = far.iter().find(|(far, _)| *far && !multi_hop) {
        let message = format!("{why}, and BFD for one hop would never come up; set it to true");
        findings.reject("spec.bfd.multiHop", Reason::InvalidValue, message);
        return None;
    }
    Some(multi_hop)
}
