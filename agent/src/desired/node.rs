//! Which node an object is for.

use std::collections::BTreeSet;

use crds::BGPRouter;

use super::objects::{Object, Objects};

/// The names of the nodes that routers are bound to, and of the Node objects.
#[must_use]
pub fn nodes(objects: &Objects) -> BTreeSet<String> {
    objects
        .iter()
        .filter_map(|(key, object)| match object {
            Object::Router(router) if router.spec.target_ref.kind == "Node" => {
                Some(router.spec.target_ref.name.clone())
            }
            Object::Node(_) => Some(key.name.clone()),
            _ => None,
        })
        .collect()
}

/// Why nothing is for `node` though there are routers, in words: its name is most likely a slip. `None` if something is, or if
/// there is nothing yet that could be a slip.
#[must_use]
pub fn stranger(objects: &Objects, node: &str) -> Option<String> {
    let known = nodes(objects);
    if known.contains(node) {
        return None;
    }
    if !known.is_empty() {
        let known: Vec<String> = known.into_iter().collect();
        return Some(format!(
            "their spec.targetRef.name says {}",
            known.join(", ")
        ));
    }
    let kinds: Vec<String> = objects
        .routers()
        .map(|(key, router)| format!("{key} has {:?}", router.spec.target_ref.kind))
        .collect();
    (!kinds.is_empty())
        .then(|| format!("spec.targetRef.kind must be Node, and {}", kinds.join(", ")))
}

/// Whether `node` runs `router`.
pub(super) fn is_for(router: &BGPRouter, node: &str) -> bool {
    router.spec.target_ref.kind == "Node" && router.spec.target_ref.name == node
}

/// Whether `router` is `node`'s business: also when its target is of a kind that no node carries out, since somebody
/// has to say so.
pub(super) fn may_be_for(router: &BGPRouter, node: &str) -> bool {
    router.spec.target_ref.kind != "Node" || is_for(router, node)
}
