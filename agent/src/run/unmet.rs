//! What is asked for and cannot be told, or not be carried out, and of which nothing runs: so long as there is such a thing, nobody
//! knows which routes of an earlier run are wanted (ADR 0017).

use std::collections::BTreeSet;

use crate::desired::{Kind, ObjectKey, Problem, Reason, Severity};
use crate::source::directory::SourceUpdate;

/// Files that cannot be read and of which nothing is known, and routers and peers that are refused with nothing of them in effect,
/// by name.
pub(super) fn unmet(update: &SourceUpdate, problems: &[Problem]) -> BTreeSet<String> {
    let unread = update.problems.iter().filter(|problem| {
        let known = || update.files.values().any(|file| *file == problem.file);
        problem.severity == Severity::Rejected && problem.object.is_none() && !known()
    });
    let unread = unread.map(|problem| problem.file.clone());
    let runs = |key: &&ObjectKey| matches!(key.kind, Kind::BgpRouter | Kind::BgpPeer);
    let malformed = update.objects.refused().filter(runs);
    let refused = problems.iter().filter(|problem| {
        problem.severity == Severity::Rejected
            && problem.in_effect.is_none()
            && is_a_slip(problem.reason)
    });
    let refused = refused.map(|problem| &problem.object).filter(runs);
    let named = malformed.chain(refused).map(ToString::to_string);
    unread.chain(named).collect()
}

/// Whether the object may have run before it was edited. What no version so far has carried out did not, and what another object
/// has taken, or has taken along, is known to be gone.
fn is_a_slip(reason: Reason) -> bool {
    !matches!(
        reason,
        Reason::NotImplemented
            | Reason::RouterNotFound
            | Reason::RouterNotAccepted
            | Reason::DuplicateRemote
    )
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::desired::InEffect;
    use crate::source::folder::Folder;

    const ROUTER: &str = "{apiVersion: bgp.miloapis.com/v1alpha1, kind: BGPRouter, metadata: {name: r}, spec: {targetRef: {kind: \
                          Node, name: n}, localASN: 65000, routerID: 10.0.0.1, addressFamilies: [{afi: ipv6, safi: unicast}]}}";
    const PEER: &str = "{apiVersion: bgp.miloapis.com/v1alpha1, kind: BGPPeer, metadata: {name: p}, spec: {routerRef: {name: r}, \
                        address: '2001:db8::1', peerASN: 65001, addressFamilies: [{afi: ipv6, safi: unicast}]}}";

    /// What is unmet when the files of a folder become these, one state after the other.
    fn unmet_after(states: &[[&str; 2]]) -> Vec<String> {
        let (mut folder, mut in_effect) = (Folder::default(), InEffect::default());
        let mut answer = BTreeSet::new();
        for state in states {
            let texts = ["r.yaml", "p.yaml"].into_iter().zip(state);
            let texts = texts.map(|(name, text)| (name.to_owned(), Ok((*text).to_owned())));
            let update = folder.read(texts.collect(), SystemTime::UNIX_EPOCH);
            let update = update.expect("news");
            let (_, problems) = in_effect.build(&update.objects, "n");
            answer = unmet(&update, &problems);
        }
        answer.into_iter().collect()
    }

    #[test]
    fn what_is_refused_and_never_ran_is_unmet() {
        let none: [&str; 0] = [];
        assert_eq!(unmet_after(&[[ROUTER, PEER]]), none);
        assert_eq!(unmet_after(&[["kind: [", PEER]]), ["r.yaml"]);
        // As the schema has it, and as `build` has it.
        let bad = ROUTER.replace("65000", "0");
        assert_eq!(unmet_after(&[[&bad, PEER]]), ["BGPRouter/r"]);
        let bad = ROUTER.replace("10.0.0.1", "0.0.0.0");
        assert_eq!(unmet_after(&[[&bad, PEER]]), ["BGPRouter/r"]);
        let bad = PEER.replace("65001", "0");
        assert_eq!(unmet_after(&[[ROUTER, &bad]]), ["BGPPeer/p"]);
        let bad = PEER.replace("address:", "authSecretRef: {name: none}, address:");
        assert_eq!(unmet_after(&[[ROUTER, &bad]]), ["BGPPeer/p"]);
    }

    #[test]
    fn what_runs_on_or_is_known_to_be_gone_is_not() {
        let none: [&str; 0] = [];
        let bad = PEER.replace("65001", "0");
        for state in [["kind: [", PEER], [ROUTER, &bad], [ROUTER, "kind: ["]] {
            assert_eq!(unmet_after(&[[ROUTER, PEER], state]), none, "{state:?}");
        }
        // Its router is deleted; another one has its neighbour.
        assert_eq!(unmet_after(&[["", PEER]]), none);
        let twice = format!("{PEER}\n---\n{}", PEER.replace("name: p}", "name: q}"));
        assert_eq!(unmet_after(&[[ROUTER, &twice]]), none);
        let policy = "{apiVersion: bgp.miloapis.com/v1alpha1, kind: BGPPolicy, metadata: {name: p}, spec: {}}";
        assert_eq!(unmet_after(&[[ROUTER, policy]]), none);
    }
}
