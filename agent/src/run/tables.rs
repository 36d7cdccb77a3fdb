//! Questions that statuses ask a router's RIB.

use std::sync::Arc;

use ipnet::IpNet;
use rib::PeerIdx;

use crate::speaker::RouterSnapshot;

/// Names of the peers that are told at least one of these prefixes.
pub(super) fn told_of(router: &RouterSnapshot, prefixes: &[IpNet]) -> Vec<Arc<str>> {
    let rib = &router.rib;
    let mut told: Vec<Arc<str>> = Vec::new();
    for prefix in prefixes {
        let Some(explanation) = rib.explain(*prefix) else {
            continue;
        };
        for group in &explanation.told {
            let announced = |member: &&PeerIdx| {
                group
                    .routes
                    .iter()
                    .any(|route| route.outcome.is_ok() && route.source != **member)
            };
            for member in group.members.iter().filter(announced) {
                let name = Arc::clone(&rib.peer(*member).name);
                if !told.contains(&name) {
                    told.push(name);
                }
            }
        }
    }
    told.sort();
    told
}

/// The export group of a peer, by its number.
pub(super) fn group_of(router: &RouterSnapshot, peer: PeerIdx) -> Option<String> {
    router
        .rib
        .export_groups()
        .into_iter()
        .find(|group| group.members.contains(&peer))
        .map(|group| group.number.to_string())
}
