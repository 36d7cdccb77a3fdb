//! What the log says of next hops that are not on the link that they have to be on.

use std::time::{Duration, Instant};

use super::reach::Reach;
use super::resolver::Resolver;
use super::source::HopKey;
use super::unreached::Unreached;
use crate::seldom::Seldom;

/// Next hops that are not on the link that they have to be on, for the log.
#[derive(Default)]
pub(super) struct OffLink {
    noted: Vec<(HopKey, Instant)>,
    seldom: Seldom,
}

/// As many are looked at again; a neighbour may name any number.
const OFF_LINK_NOTED: usize = 100;
/// They are told of when they are still so.
const OFF_LINK_LASTS: Duration = Duration::from_secs(1);

impl Resolver {
    /// A link that goes takes its addresses along first: only what stays so is worth a line.
    pub(super) fn note_off_link(&self, key: HopKey, reach: &Reach) {
        let mut off_link = self.off_link.lock();
        if reach.state().off_link && off_link.noted.len() < OFF_LINK_NOTED {
            off_link.noted.push((key, Instant::now()));
        }
    }

    /// RFC 4271 §6.3: "If the NEXT_HOP attribute is semantically incorrect, the error SHOULD be logged, and the route SHOULD be
    /// ignored."
    pub(crate) fn tell_off_link(&self, now: Instant) {
        for (key, link) in self.lastingly_off_link(now) {
            if let Some(unsaid) = self.off_link.lock().seldom.count(1, now) {
                let link = self.table.read().facts().link_name(link);
                tracing::warn!(
                    next_hop = %key.address, %link, unsaid,
                    "routes of an external neighbour one hop away are ignored: their next hop is not on the link that we share with it"
                );
            }
        }
    }

    /// Next hops that were noted a while ago and are still off this link of theirs.
    fn lastingly_off_link(&self, now: Instant) -> Vec<(HopKey, u32)> {
        let long_ago =
            |(_, noted): &mut (HopKey, Instant)| now.duration_since(*noted) >= OFF_LINK_LASTS;
        let noted: Vec<_> = self
            .off_link
            .lock()
            .noted
            .extract_if(.., long_ago)
            .collect();
        let tracked = self.tracked.lock();
        let still = noted
            .into_iter()
            .filter_map(|(key, _)| match tracked.reach.get(&key)?.why? {
                Unreached::OffLink(link) => Some((key, link)),
                _ => None,
            });
        still.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::model::Link;
    use crate::kernel::resolve::tests::{key, route};
    use crate::kernel::resolver::tests::resolver;

    /// A link that is taken down loses its addresses first, and the kernel tells of both one after the other.
    #[test]
    fn a_next_hop_is_called_off_its_link_if_it_stays_so() {
        for link_goes in [false, true] {
            let (resolver, _) = resolver();
            let hop = key("192.0.2.5%2");
            assert!(resolver.state(hop).reachable);
            {
                let mut table = resolver.table.write();
                table.remove_address(2, "192.0.2.1/24".parse().unwrap());
                table.remove_route(&route("192.0.2.0/24", None, 2, 0));
            }
            resolver.mark_all();
            resolver.refresh(10);
            assert!(resolver.state(hop).off_link);
            let now = Instant::now();
            assert_eq!(resolver.lastingly_off_link(now), [], "not yet");
            if link_goes {
                let link = resolver.table.read().facts().link(2).cloned().unwrap();
                resolver.table.write().set_link(Link {
                    admin_up: false,
                    ..link
                });
                resolver.mark_all();
                resolver.refresh(10);
                assert_eq!(resolver.reach(hop).why, Some(Unreached::LinkDown(2)));
            }
            let told = if link_goes { vec![] } else { vec![(hop, 2)] };
            let later = now + OFF_LINK_LASTS;
            assert_eq!(resolver.lastingly_off_link(later), told);
            assert_eq!(resolver.lastingly_off_link(later), [], "once");
        }
    }
}
