//! EDGE. What people are told of families for which we have no next hop of our own.

use bgp_session::Negotiated;
use bgp_wire::FamilySet;
use rib::GroupKey;

use super::PeerTask;

impl PeerTask {
    /// Says once of each family that we have no next hop of our own for it, and once when there is one.
    pub(super) fn tell_of_next_hops(&mut self, negotiated: &Negotiated, key: &GroupKey) {
        let families = negotiated.ctx.families;
        let lacking: FamilySet = families
            .iter()
            .filter(|family| key.rules.lacks_next_hop(*family))
            .collect();
        for family in families.iter() {
            match (self.no_next_hop.contains(family), lacking.contains(family)) {
                (false, true) => tracing::warn!(
                    %family, local = %negotiated.local.ip().to_canonical(),
                    "no next hop of our own: the link has no address of this family, so that the peer is told no route that needs one"
                ),
                (true, false) => tracing::info!(%family, "there is a next hop of our own now"),
                _ => {}
            }
        }
        self.changed |= self.no_next_hop != lacking;
        self.no_next_hop = lacking;
    }
}
