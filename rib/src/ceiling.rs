//! How many paths of a family a peer may have, where further ones are not taken (RFC 4271 §6.7: "discards new address prefixes from
//! the neighbor (while maintaining the BGP connection with the neighbor)").

use crate::path::Tag;
use bgp_wire::Family;

/// See the top of this file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ceiling {
    /// Of which family.
    pub family: Family,
    /// How many.
    pub most: u32,
    /// Only those count that import lets through.
    pub after_policy: bool,
}

impl Ceiling {
    /// Whether a path is not taken while the peer has so many received and accepted ones. `old` is what has its place, which is only
    /// asked for where it matters.
    pub(crate) fn turns_away(
        &self,
        (received, accepted): (i64, i64),
        new: Tag,
        old: impl FnOnce() -> Option<Tag>,
    ) -> bool {
        let counts = |tag: Tag| !self.after_policy || !tag.is_refused();
        let has = if self.after_policy {
            accepted
        } else {
            received
        };
        has >= i64::from(self.most) && counts(new) && !old().is_some_and(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Ineligible;

    #[test]
    fn only_what_adds_to_the_count_is_turned_away_and_only_at_the_ceiling() {
        let good = Tag::new(None);
        let refused = Tag::new(Some(Ineligible::AsLoop));
        let before = Ceiling {
            family: Family::IPV4_UNICAST,
            most: 2,
            after_policy: false,
        };
        let after = Ceiling {
            after_policy: true,
            ..before
        };
        for (ceiling, counts, new, old, wanted) in [
            (before, (1, 1), good, None, false),
            (before, (2, 0), good, None, true),
            (before, (2, 0), refused, None, true),
            (before, (2, 2), good, Some(refused), false),
            (before, (2, 2), good, Some(good), false),
            (after, (9, 1), good, None, false),
            (after, (2, 2), good, None, true),
            (after, (2, 2), refused, None, false),
            (after, (2, 2), good, Some(good), false),
            // One that import refused until now.
            (after, (3, 2), good, Some(refused), true),
        ] {
            let turned_away = ceiling.turns_away(counts, new, || old);
            let old = old.map(|tag| tag.is_refused());
            assert_eq!(turned_away, wanted, "{ceiling:?} {counts:?} {old:?}");
        }
    }
}
