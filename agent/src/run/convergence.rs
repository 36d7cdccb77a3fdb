//! What the log says of convergence: how far the node has come, each step once.

use std::collections::BTreeSet;

use crate::desired::{ObjectKey, Objects, Problem, Severity};
use crate::observe::readiness::Readiness;
use crate::source::directory::{FileProblem, Former, SourceUpdate};

/// What the log has said.
#[derive(Clone, Copy, PartialEq, Default)]
pub(super) enum Convergence {
    #[default]
    Nothing,
    /// The time limit has passed.
    Late,
    Converged,
}

impl Convergence {
    /// Tells what is new. `but` has to be said beside it.
    pub(super) fn tell(&mut self, readiness: Readiness, but: Option<String>) {
        match (*self, readiness) {
            (Self::Nothing | Self::Late, Readiness::Ready { .. }) => {
                match but {
                    None => tracing::info!("converged"),
                    Some(but) => tracing::warn!("converged, but {but}"),
                }
                *self = Self::Converged;
            }
            (Self::Nothing, Readiness::ReadyWithout(missing)) => {
                tracing::warn!(
                    "not converged, but the time limit (--convergence-timeout) has passed: \
                     going on without {}{}",
                    missing.join("; "),
                    but.map_or_else(String::new, |but| format!("; also, {but}"))
                );
                *self = Self::Late;
            }
            _ => {}
        }
    }

    /// Whether nothing is waited for any more.
    pub(super) fn is_over(self) -> bool {
        self != Self::Nothing
    }
}

/// What the process before this one had in effect and nobody asks for any more goes, as it should; but a folder may be another one, or not
/// be there yet.
pub(super) fn warn_of_gone(former: &[Former], now: &Objects) {
    let keys = former.iter().map(|former| former.object.key());
    let gone = keys.filter(|key| now.get(key).is_none() && !now.is_refused(key));
    let gone: BTreeSet<String> = gone.map(|key| key.to_string()).collect();
    if !gone.is_empty() {
        tracing::warn!(
            "in effect before this start and in no file now, so that it goes: {}",
            some_of(&gone)
        );
    }
}

/// What is bad at the start, and was not kept in mind, may be why a route is nobody's.
pub(super) fn warn_of(unmet: &BTreeSet<String>) {
    if !unmet.is_empty() {
        tracing::warn!(
            "routes that an earlier run has left in the kernel stay there until this is corrected or removed: {}",
            some_of(unmet)
        );
    }
}

/// Everything that is refused, by name: objects, and files in which there is none that can be named.
pub(super) fn refused(update: &SourceUpdate, problems: &[Problem]) -> BTreeSet<String> {
    // Of an object that runs from another file only the copy is not used.
    let is_copy = |problem: &&FileProblem| {
        let named = |key: &ObjectKey| problem.object.as_ref() == Some(&key.to_string());
        let mut used = update.files.iter();
        used.any(|(key, file)| *file != problem.file && named(key))
    };
    let files = update.problems.iter();
    let files = files.filter(|problem| problem.severity == Severity::Rejected);
    let files = files.filter(|problem| !is_copy(problem));
    let objects = problems.iter();
    let objects = objects.filter(|problem| problem.severity == Severity::Rejected);
    files
        .map(|problem| {
            problem
                .object
                .clone()
                .unwrap_or_else(|| problem.file.clone())
        })
        .chain(objects.map(|problem| problem.object.to_string()))
        .collect()
}

/// What must be said beside the word "converged": it must not sound as if all that is asked for runs.
pub(super) fn but(idle: bool, refused: &BTreeSet<String>) -> Option<String> {
    let mut but = Vec::new();
    if idle {
        but.push("there is no router to run".to_owned());
    }
    if !refused.is_empty() {
        but.push(format!(
            "{} refused: {}; `cosmos show summary` says why",
            match refused.len() {
                1 => "1 object is".to_owned(),
                many => format!("{many} objects are"),
            },
            some_of(refused),
        ));
    }
    (!but.is_empty()).then(|| but.join(", and "))
}

/// The first of some names, and how many more there are.
fn some_of(names: &BTreeSet<String>) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::source::folder::Folder;

    #[test]
    fn a_second_copy_is_no_refused_object_and_a_bad_edit_is() {
        let router = "apiVersion: bgp.miloapis.com/v1alpha1\nkind: BGPRouter\nmetadata: {name: r}\nspec: {targetRef: {kind: Node, name: n}, \
                      localASN: 65000, routerID: 10.0.0.1, addressFamilies: [{afi: ipv6, safi: unicast}]}\n";
        let mut folder = Folder::default();
        let mut read = |other: &str| {
            let files = [("a.yaml", router), ("b.yaml", other)];
            let files = files.map(|(name, text)| (name.to_owned(), Ok(text.to_owned())));
            let update = folder.read(files.into(), SystemTime::UNIX_EPOCH);
            let update = update.expect("something new");
            assert!(!update.problems.is_empty());
            refused(&update, &[])
        };
        assert!(read(router).is_empty());
        let bad = router.replace("65000", "0").replace("name: r", "name: q");
        assert_eq!(read(&bad).into_iter().collect::<Vec<_>>(), ["BGPRouter/q"]);
    }

    #[test]
    fn converged_names_what_is_refused() {
        let refused = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(but(false, &refused(&[])), None);
        assert_eq!(
            but(false, &refused(&["BGPPeer/tor"])).as_deref(),
            Some("1 object is refused: BGPPeer/tor; `cosmos show summary` says why")
        );
        assert_eq!(
            but(true, &refused(&["a.yaml", "BGPPeer/tor"])).as_deref(),
            Some(
                "there is no router to run, and 2 objects are refused: BGPPeer/tor, a.yaml; \
                 `cosmos show summary` says why"
            )
        );
        let many = (0..12).map(|n| format!("BGPPeer/p{n:02}")).collect();
        let text = but(false, &many).expect("something is said");
        assert!(text.contains("BGPPeer/p09 and 2 more;"), "{text}");
    }
}
