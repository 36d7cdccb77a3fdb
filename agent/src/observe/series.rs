//! PURE: what the series of one peer say. A configured peer has its own; all sessions with the dynamic neighbours of one object have
//! theirs together, under the object's name, so that the manifests bound how many series there are.
//!
//! Counters go on with what sessions counted that are over.

use std::collections::BTreeMap;

use ::bfd::State;

use crate::control::dynamic::DynamicView;
use crate::control::sessions::{
    DispositionCounts, MessageCounts, PeerFamilyView, PeerView, PrefixLimitView, SessionState,
};

/// The series of one peer.
#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) router: String,
    pub(super) peer: String,
    /// How many sessions are in each state.
    pub(super) states: [u64; 6],
    /// Of a single session.
    pub(super) uptime: Option<u64>,
    pub(super) flaps: u64,
    pub(super) families: Vec<PeerFamilyView>,
    pub(super) received: MessageCounts,
    pub(super) sent: MessageCounts,
    pub(super) dispositions: DispositionCounts,
    pub(super) bfd: Option<BfdSeries>,
}

/// Those of BFD.
#[derive(Debug, Default)]
pub(super) struct BfdSeries {
    /// How many sessions are in each state.
    pub(super) states: [u64; 4],
    pub(super) failures: u64,
    pub(super) received: u64,
    pub(super) sent: u64,
}

/// The series of all peers.
pub(super) fn series(peers: &[PeerView], dynamic: &[DynamicView]) -> Vec<Series> {
    let mut all = Vec::new();
    let mut together: BTreeMap<(&str, &str), Series> = BTreeMap::new();
    for view in dynamic {
        together.insert((&view.router, &view.name), Series::ended(view));
    }
    for peer in peers {
        match &peer.dynamic {
            None => {
                let mut one = Series {
                    router: peer.router.clone(),
                    peer: peer.name.clone(),
                    uptime: Some(peer.uptime_seconds().unwrap_or(0)),
                    ..Series::default()
                };
                one.add(peer);
                all.push(one);
            }
            Some(object) => {
                if let Some(series) = together.get_mut(&(&*peer.router, &**object)) {
                    series.add(peer);
                }
            }
        }
    }
    all.extend(together.into_values());
    all
}

impl Series {
    /// What is left of sessions that are over.
    fn ended(view: &DynamicView) -> Self {
        let ended = &view.ended;
        let families = ended.limits.iter().map(|limit| PeerFamilyView {
            family: limit.family.clone(),
            limit: Some(PrefixLimitView {
                exceeded: limit.exceeded,
                discarded_ever: limit.discarded,
                ..PrefixLimitView::default()
            }),
            ..PeerFamilyView::default()
        });
        let bfd = BfdSeries {
            failures: ended.bfd_failures,
            ..BfdSeries::default()
        };
        Self {
            router: view.router.clone(),
            peer: view.name.clone(),
            flaps: ended.flaps,
            families: families.collect(),
            received: ended.received,
            sent: ended.sent,
            dispositions: ended.dispositions,
            bfd: (ended.bfd_failures > 0).then_some(bfd),
            ..Self::default()
        }
    }

    fn add(&mut self, peer: &PeerView) {
        for (count, state) in self.states.iter_mut().zip(SessionState::ALL) {
            *count += u64::from(peer.state == state);
        }
        self.flaps += peer.flaps;
        for family in &peer.families {
            self.add_family(family);
        }
        self.received.add(&peer.received);
        self.sent.add(&peer.sent);
        self.dispositions.add(&peer.dispositions);
        let Some(bfd) = &peer.bfd else {
            return;
        };
        let series = self.bfd.get_or_insert_default();
        for (count, state) in series.states.iter_mut().zip(State::ALL) {
            *count += u64::from(bfd.state == state.as_str());
        }
        series.failures += bfd.failures;
        if let Some(session) = &bfd.session {
            series.received += session.received;
            series.sent += session.sent;
        }
    }

    fn add_family(&mut self, one: &PeerFamilyView) {
        let mut families = self.families.iter_mut();
        let Some(sum) = families.find(|sum| sum.family == one.family) else {
            self.families.push(one.clone());
            return;
        };
        sum.received += one.received;
        sum.accepted += one.accepted;
        sum.advertised += one.advertised;
        sum.stale += one.stale;
        sum.stale_seconds = sum.stale_seconds.max(one.stale_seconds);
        match (&mut sum.limit, &one.limit) {
            (Some(sum), Some(one)) => {
                // Each may have as many.
                sum.limit = one.limit;
                sum.exceeded += one.exceeded;
                sum.discarded_ever += one.discarded_ever;
            }
            (none @ None, Some(one)) => *none = Some(one.clone()),
            (_, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::dynamic::{EndedLimitView, EndedView};

    #[test]
    fn sessions_of_one_object_are_one_series_and_its_counters_never_fall() {
        let session = |name: &str, state: SessionState, dynamic: Option<&str>| PeerView {
            name: name.to_owned(),
            router: "r".to_owned(),
            state,
            state_seconds: 7,
            dynamic: dynamic.map(str::to_owned),
            flaps: 1,
            families: vec![PeerFamilyView {
                family: "ipv4/unicast".to_owned(),
                received: 10,
                limit: Some(PrefixLimitView {
                    limit: 100,
                    exceeded: 1,
                    ..PrefixLimitView::default()
                }),
                ..PeerFamilyView::default()
            }],
            ..PeerView::default()
        };
        let peers = [
            session("tor", SessionState::Active, None),
            session(
                "leaves@192.0.2.1",
                SessionState::Established,
                Some("leaves"),
            ),
            session(
                "leaves@192.0.2.2",
                SessionState::Established,
                Some("leaves"),
            ),
            session("leaves@192.0.2.3", SessionState::Idle, Some("leaves")),
        ];
        let empty = DynamicView {
            name: "nobody".to_owned(),
            router: "r".to_owned(),
            ..DynamicView::default()
        };
        let leaves = DynamicView {
            name: "leaves".to_owned(),
            ended: EndedView {
                flaps: 5,
                limits: vec![EndedLimitView {
                    family: "ipv4/unicast".to_owned(),
                    exceeded: 2,
                    discarded: 3,
                }],
                ..EndedView::default()
            },
            ..empty.clone()
        };
        let series = series(&peers, &[leaves, empty]);
        let [tor, leaves, nobody] = &series[..] else {
            panic!("{series:?}");
        };
        assert_eq!(
            (&*tor.peer, tor.states, tor.uptime),
            ("tor", [0, 0, 1, 0, 0, 0], Some(0))
        );
        assert_eq!(leaves.states, [1, 0, 0, 0, 0, 2]);
        assert_eq!((leaves.uptime, leaves.flaps), (None, 8));
        let family = &leaves.families[0];
        assert_eq!((leaves.families.len(), family.received), (1, 30));
        let limit = family.limit.as_ref().unwrap();
        assert_eq!(
            (limit.limit, limit.exceeded, limit.discarded_ever),
            (100, 5, 3)
        );
        assert_eq!(
            (&*nobody.peer, nobody.states, nobody.flaps),
            ("nobody", [0; 6], 0)
        );
    }
}
