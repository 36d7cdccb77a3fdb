//! What is asked for and cannot be told, or not be carried out, and of which nothing runs: so long as there is such a thing, nobody
//! knows which routes of an earlier run are wanted (ADR 0017).

use std::collections::BTreeSet;

use crate::desired::{Accepted, Kind, ObjectKey, Objects, Problem, Reason, Severity};
use crate::source::directory::{FileProblem, Former, SourceUpdate};

/// What the process before this one ran, if it has left word of that.
pub(super) type Ran = Option<BTreeSet<ObjectKey>>;

/// What it ran of `former` objects, and for the `neighbours` that it served: objects with a password are not among the former ones.
pub(super) fn ran(former: Option<&[Former]>, neighbours: &Accepted) -> Ran {
    let objects = former?.iter().map(|former| former.object.key());
    let peers = neighbours
        .keys()
        .map(|key| ObjectKey::new(Kind::BgpPeer, key.router.namespace(), key.name()));
    Some(objects.chain(peers).collect())
}

/// Files that cannot be read and of which nothing is known, and routers and peers that are refused with nothing of them in effect, by
/// name: those that the process before this one ran, or may have run.
pub(super) fn unmet(update: &SourceUpdate, problems: &[Problem], ran: &Ran) -> BTreeSet<String> {
    let may_have_run = |key: &&ObjectKey| ran.as_ref().is_none_or(|ran| ran.contains(*key));
    let unread = update.problems.iter();
    let unread =
        unread.filter(|p| p.severity == Severity::Rejected && may_be_ours(p, &update.objects));
    // What is nowhere now may be in such a file: of objects with a password no more than the name was kept.
    let nowhere =
        |key: &&ObjectKey| update.objects.get(key).is_none() && !update.objects.is_refused(key);
    let any_unread = unread.clone().next().is_some();
    let lost = ran.iter().flatten().filter(|_| any_unread).filter(nowhere);
    // Of a file that was read by the process before there is something.
    let unknown = unread.filter(|problem| {
        ran.is_none() && !update.files.values().any(|file| *file == problem.file)
    });
    let unknown = unknown.map(|problem| problem.file.clone());
    let runs = |key: &&ObjectKey| matches!(key.kind, Kind::BgpRouter | Kind::BgpPeer);
    let malformed = update.objects.refused().filter(runs);
    let refused = problems.iter().filter(|problem| {
        problem.severity == Severity::Rejected
            && problem.in_effect.is_none()
            && is_a_slip(problem.reason, ran)
    });
    let refused = refused.map(|problem| &problem.object).filter(runs);
    let named = malformed.chain(refused).filter(may_have_run).chain(lost);
    unknown.chain(named.map(ToString::to_string)).collect()
}

/// Whether a file cannot be read, or a document of it not be told what it is, that may be one of ours with a slip in its kind or
/// apiVersion.
fn may_be_ours(problem: &FileProblem, objects: &Objects) -> bool {
    let Some(object) = &problem.object else {
        return true;
    };
    // What it is, is known.
    let accepted = objects.iter().map(|(key, _)| key);
    if accepted
        .chain(objects.refused())
        .any(|key| key.to_string() == *object)
    {
        return false;
    }
    let ours = ["BGP", "VPC", "?"]
        .iter()
        .any(|kind| object.starts_with(kind));
    ours || !object.contains('/')
}

/// Whether the object may have run before it was edited. What this version or this kernel does not carry out did not, what another object
/// has taken is known to be gone, and so is what went with its router, if it is known which there were.
fn is_a_slip(reason: Reason, ran: &Ran) -> bool {
    match reason {
        Reason::NotImplemented
        | Reason::NotSupportedByKernel
        | Reason::RouterNotAccepted
        | Reason::DuplicateRemote => false,
        Reason::RouterNotFound => ran.is_none(),
        _ => true,
    }
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
        unmet_after_a_process(states, &None)
    }

    /// The same where a process before this one has left word.
    fn unmet_after_a_process(states: &[[&str; 2]], ran: &Ran) -> Vec<String> {
        let (mut folder, mut in_effect) = (Folder::default(), InEffect::default());
        let mut answer = BTreeSet::new();
        for state in states {
            let texts = ["r.yaml", "p.yaml"].into_iter().zip(state);
            let texts = texts.map(|(name, text)| (name.to_owned(), Ok((*text).to_owned())));
            let update = folder.read(texts.collect(), SystemTime::UNIX_EPOCH);
            let update = update.expect("news");
            let (_, problems) = in_effect.build(&update.objects, "n");
            answer = unmet(&update, &problems, ran);
        }
        answer.into_iter().collect()
    }

    #[test]
    fn what_is_refused_and_never_ran_is_unmet() {
        let none: [&str; 0] = [];
        assert_eq!(unmet_after(&[[ROUTER, PEER]]), none);
        assert_eq!(unmet_after(&[["kind: [", PEER]]), ["BGPPeer/p", "r.yaml"]);
        // A slip in a kind, in an apiVersion, in a reference.
        let bad = ROUTER.replace("BGPRouter", "BGPRoutr");
        assert_eq!(unmet_after(&[[&bad, PEER]]), ["BGPPeer/p", "r.yaml"]);
        let bad = PEER.replace("v1alpha1", "v1alpha2");
        assert_eq!(unmet_after(&[[ROUTER, &bad]]), ["p.yaml"]);
        let bad = PEER.replace("{name: r}", "{name: rr}");
        assert_eq!(unmet_after(&[[ROUTER, &bad]]), ["BGPPeer/p"]);
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
        // Another one has its neighbour; it is nothing of ours.
        let twice = format!("{PEER}\n---\n{}", PEER.replace("name: p}", "name: q}"));
        assert_eq!(unmet_after(&[[ROUTER, &twice]]), none);
        let foreign = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}";
        assert_eq!(unmet_after(&[[ROUTER, foreign]]), none);
        let policy = "{apiVersion: bgp.miloapis.com/v1alpha1, kind: BGPPolicy, metadata: {name: p}, spec: {}}";
        assert_eq!(unmet_after(&[[ROUTER, policy]]), none);
    }

    #[test]
    fn what_the_process_before_did_not_run_is_not() {
        let none: [&str; 0] = [];
        let ran = |kinds: &[(Kind, &str)]| -> Ran {
            let keys = kinds.iter();
            Some(
                keys.map(|(kind, name)| ObjectKey::new(*kind, "default", name))
                    .collect(),
            )
        };
        let (router, peer) = ((Kind::BgpRouter, "r"), (Kind::BgpPeer, "p"));
        let bad = PEER.replace("address:", "authSecretRef: {name: none}, address:");
        for (state, before, wanted) in [
            ([ROUTER, &*bad], ran(&[router, peer]), &["BGPPeer/p"][..]),
            ([ROUTER, &bad], ran(&[router]), &none),
            ([ROUTER, "kind: ["], ran(&[router, peer]), &["BGPPeer/p"]),
            ([ROUTER, "kind: ["], ran(&[router]), &none),
            ([ROUTER, ""], ran(&[router, peer]), &none),
            // Its router is deleted.
            (["", PEER], ran(&[router, peer]), &none),
            (["kind: [", PEER], ran(&[]), &none),
        ] {
            assert_eq!(
                unmet_after_a_process(&[state], &before),
                wanted,
                "{state:?}"
            );
        }
    }
}
