//! Which route targets a peer asks for (RFC 4684): what of VPN and EVPN routes it is told follows from it.

use crate::path::PeerIdx;
use crate::shard_key::TableKey;
use crate::table::Rib;
use bgp_wire::{AttrRef, ExtCommunity, Family, RouteTargetMembership};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The route targets that a peer wants, whoever in its part of the network wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTargets {
    /// What is wanted is not known yet.
    awaited: bool,
    /// The default membership is among them: everything is wanted.
    everything: bool,
    /// Those given with all their bits, in order.
    whole: Vec<ExtCommunity>,
    /// Those of which a prefix is given, in order.
    prefixes: Vec<RouteTargetMembership>,
    /// Of all of it: keys of groups are hashed often.
    hash: u64,
}

impl Default for RouteTargets {
    /// Nothing.
    fn default() -> Self {
        Self::from_iter([])
    }
}

impl Hash for RouteTargets {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl RouteTargets {
    /// What a peer wants that has not said so yet: its VPN and EVPN routes, and their End-of-RIB, wait. RFC 4684 §6: "The exchange of VPN
    /// NLRI should follow the receipt of the End-of-RIB markers."
    pub fn awaited() -> Self {
        Self {
            awaited: true,
            ..Self::default()
        }
    }

    /// Whether it is not known yet.
    pub fn is_awaited(&self) -> bool {
        self.awaited
    }

    /// Whether a route with this set is wanted: it has one of the route targets (RFC 4684 §6), or everything is.
    pub fn want(&self, attrs: AttrRef<'_>) -> bool {
        self.everything
            || attrs
                .ext_communities()
                .filter(is_route_target)
                .any(|target| {
                    self.whole.binary_search(&target).is_ok()
                        || self.prefixes.iter().any(|prefix| prefix.wants(target))
                })
    }

    /// How many memberships there are.
    pub fn len(&self) -> usize {
        usize::from(self.everything) + self.whole.len() + self.prefixes.len()
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FromIterator<RouteTargetMembership> for RouteTargets {
    fn from_iter<I: IntoIterator<Item = RouteTargetMembership>>(memberships: I) -> Self {
        let mut targets = Self {
            awaited: false,
            everything: false,
            whole: Vec::new(),
            prefixes: Vec::new(),
            hash: 0,
        };
        for membership in memberships {
            match membership.prefix_len() {
                0 => targets.everything = true,
                96 => targets.whole.push(membership.target()),
                _ => targets.prefixes.push(membership),
            }
        }
        targets.whole.sort_unstable();
        targets.whole.dedup();
        targets.prefixes.sort_unstable();
        targets.prefixes.dedup();
        let mut hasher = DefaultHasher::new();
        (targets.everything, &targets.whole, &targets.prefixes).hash(&mut hasher);
        targets.hash = hasher.finish();
        targets
    }
}

/// Whether the families' routes are told by route target.
pub(crate) fn concerns(family: Family) -> bool {
    matches!(
        family,
        Family::IPV4_VPN | Family::IPV6_VPN | Family::L2VPN_EVPN
    )
}

/// Those of RFC 4360 and 5668, and the ES-Import route target, with which RFC 7432 §7.6 has this work too.
fn is_route_target(community: &ExtCommunity) -> bool {
    community.is_route_target() || community.es_import().is_some()
}

impl Rib {
    /// What a peer asks for, by its Adj-RIB-In of route target memberships.
    pub fn route_targets_of(&self, peer: PeerIdx) -> RouteTargets {
        let pin = self.pin();
        let mut memberships = Vec::new();
        for shard in 0..self.bits.count() {
            self.lock::<RouteTargetMembership, _>(&pin, shard, |table, _| {
                let all = 0..table.end();
                memberships.extend(all.filter_map(|id| {
                    let paths = table.paths(id);
                    let asks =
                        |path: &crate::path::Path<()>| path.peer == peer && !path.tag.is_refused();
                    paths.iter().any(asks).then(|| table.destination(id).key)
                }));
            });
        }
        debug_assert_eq!(RouteTargetMembership::FAMILY, Family::RTC);
        memberships.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::AttrEditor;

    fn targets(memberships: &[&str]) -> RouteTargets {
        let parse = |text: &&str| text.parse::<RouteTargetMembership>().unwrap();
        memberships.iter().map(parse).collect()
    }

    fn wants(memberships: &[&str], communities: &[&str]) -> bool {
        let mut editor = AttrEditor::new();
        editor.set_ext_communities(communities.iter().map(|text| text.parse().unwrap()));
        targets(memberships).want(editor.finish())
    }

    /// RFC 4684 §6, and §4 for prefixes of route targets.
    #[test]
    fn a_route_is_wanted_for_one_of_its_targets() {
        for (memberships, communities, wanted) in [
            (&[][..], &["rt:65000:1"][..], false),
            (&["65000:rt:65000:1"], &["rt:65000:1"], true),
            (
                &["65001:rt:65000:1", "65000:rt:65000:2"],
                &["rt:65000:9", "rt:65000:1"],
                true,
            ),
            (&["65000:rt:65000:1"], &["soo:65000:1", "rt:65000:2"], false),
            (&["65000:rt:65000:1"], &[], false),
            (&["default"], &[], true),
            (&["65000:0x0002fde800000000/64"], &["rt:65000:77"], true),
            (&["65000:0x0002fde800000000/64"], &["rt:65001:77"], false),
            // ES-Import of 00:11:22:33:44:55.
            (
                &["65000:0x0602000000000000/48"],
                &["0x0602001122334455"],
                true,
            ),
        ] {
            assert_eq!(
                wants(memberships, communities),
                wanted,
                "{memberships:?} {communities:?}"
            );
        }
    }

    #[test]
    fn the_same_wishes_are_equal_whatever_their_order_and_origin() {
        let one = targets(&["1:rt:65000:2", "2:rt:65000:1", "default", "3:rt:65000:2"]);
        assert_eq!(one, targets(&["default", "9:rt:65000:1", "9:rt:65000:2"]));
        assert_eq!((one.len(), one.is_empty()), (3, false));
        assert!(targets(&[]).is_empty());
    }
}
