//! What an advertisement originates, in words, and how that changes.

use super::types::{Origination, Source};

/// What an advertisement originates.
pub(super) fn all_of(origination: &Origination) -> String {
    let sources = from(&origination.sources);
    match (origination.prefixes.len(), sources.is_empty()) {
        (0, false) => sources,
        (n, false) => format!("{} and {sources}", count(n)),
        (n, true) => count(n),
    }
}

/// What is found on the node.
pub(super) fn from(sources: &[Source]) -> String {
    let words = sources.iter().map(|source| match source {
        Source::Connected => "connected networks".to_owned(),
        Source::Static => "static routes".to_owned(),
        Source::Kernel => "routes of the kernel".to_owned(),
        Source::Interface(name) => format!("the addresses of {name}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn count(prefixes: usize) -> String {
    match prefixes {
        1 => "1 prefix".to_owned(),
        n => format!("{n} prefixes"),
    }
}

/// How the prefixes of an advertisement change.
pub(super) fn moved(old: &Origination, new: &Origination) -> String {
    let missing = |of: &Origination, from: &Origination| {
        let all = of.prefixes.iter();
        all.filter(|prefix| from.prefixes.binary_search(prefix).is_err())
            .count()
    };
    let (more, fewer) = (missing(new, old), missing(old, new));
    let kept = new.prefixes.len() - more;
    let sources = |of: &Origination, than: &Origination| -> Vec<Source> {
        let other = |source: &&Source| !than.sources.contains(source);
        of.sources.iter().filter(other).cloned().collect()
    };
    let (found, lost) = (sources(new, old), sources(old, new));
    let stays = new.sources.len() > found.len();
    let attributes = (&old.communities, old.local_pref) != (&new.communities, new.local_pref);
    let parts = [
        (more > 0).then(|| format!("originates {} more", count(more))),
        (fewer > 0).then(|| format!("withdraws {}", count(fewer))),
        (!found.is_empty()).then(|| format!("originates {}", from(&found))),
        (!lost.is_empty()).then(|| format!("withdraws {}", from(&lost))),
        (attributes && (kept > 0 || stays)).then(|| {
            let what = match (kept, stays) {
                (0, _) => "what it finds on the node".to_owned(),
                (n, false) => count(n),
                (n, true) => format!("{} and what it finds on the node", count(n)),
            };
            format!("tells {what} with other attributes")
        }),
        (old.policies != new.policies)
            .then(|| "has other policies decide what is originated".to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
