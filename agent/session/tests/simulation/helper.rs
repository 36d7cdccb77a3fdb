//! What becomes of routes while a peer restarts: RFC 4724 §4.2, RFC 8538 §4.1 and RFC 9494 §4.2, sentence by sentence.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_session::{DownReason, Helper, Negotiated, StaleStep, StopReason};
use bgp_wire::{Family, FamilySet};

use crate::messages::Lone;
use crate::pair::{SECOND, config, epoch};
use crate::raw::RawOpen;
use crate::restart::{
    FAMILIES, V4, V6, graceful, graceful_restart, open, open_with_n, open_without_n,
};

use StaleStep::{LongLived, Mark, Remove, RemoveAll, Sweep};

/// What the session limits stale routes to: of [`graceful_restart`], and an hour for long-lived ones.
const LIMITS: (Duration, Duration) = (Duration::from_secs(360), Duration::from_secs(3600));
const LOST: DownReason = DownReason::ConnectionClosed;

/// A session with a peer that said this.
fn session(open: &RawOpen) -> Arc<Negotiated> {
    let mut config = graceful();
    let mut restart = graceful_restart();
    restart.long_lived = Some(3600);
    config.graceful_restart = Some(restart);
    let lone = Lone::established(config, open);
    Arc::clone(lone.peer.negotiated().expect("a session"))
}

/// The long-lived capability: each family with its flags and its time.
fn long_lived(listed: &[(Family, u8, u8)]) -> Vec<u8> {
    let mut value = Vec::new();
    for (family, flags, secs) in listed {
        value.extend(family.afi.to_be_bytes());
        value.extend([family.safi, *flags, 0, 0, *secs]);
    }
    [&[71, value.len() as u8], &value[..]].concat()
}

/// IPv4 alone, restart time 100 s, long-lived for 200 s.
fn long_lived_open() -> RawOpen {
    open([0, 100], &[(V4, 0x80)], &long_lived(&[(V4, 0x80, 200)]))
}

struct Story {
    helper: Helper,
    start: Instant,
}

impl Story {
    fn new() -> Self {
        Self {
            helper: Helper::default(),
            start: epoch(),
        }
    }

    fn at(&self, secs: u32) -> Instant {
        self.start + secs * SECOND
    }

    fn lost(&mut self, session: &Negotiated, secs: u32) -> Vec<StaleStep> {
        let at = self.at(secs);
        self.helper.handle_down(&LOST, session, LIMITS, at)
    }

    /// When something is to be done next, in seconds.
    fn due(&self) -> Option<u64> {
        let due = self.helper.poll_timeout()?;
        Some((due - self.start).as_secs())
    }

    fn timeout(&mut self, secs: u32) -> Vec<StaleStep> {
        let at = self.at(secs);
        self.helper.handle_timeout(at)
    }
}

/// RFC 4724 §4.2: "it MUST retain the routes received from the peer for all the address families that were previously received
/// in the Graceful Restart Capability and MUST mark them as stale"; others are those of a session that is over.
#[test]
fn listed_families_are_kept_and_others_go() {
    let mut story = Story::new();
    let said = open([0, 100], &[(V4, 0)], &[]);
    let steps = story.lost(&session(&said), 0);
    assert_eq!(steps, [Mark(V4), Remove(V6)]);
    assert!(story.helper.keeps(V4) && !story.helper.keeps(V6));
}

#[test]
fn without_the_capability_or_after_an_end_for_good_all_routes_go() {
    let without = RawOpen::with_capabilities(&FAMILIES);
    let mut story = Story::new();
    assert_eq!(story.lost(&session(&without), 0), [RemoveAll]);
    let said = session(&open_with_n());
    let why = DownReason::Stopped(StopReason::Deconfigured);
    let now = story.start;
    let steps = story.helper.handle_down(&why, &said, LIMITS, now);
    assert_eq!(steps, [RemoveAll]);
    assert_eq!(story.helper.poll_timeout(), None);
    // We do not offer it ourselves.
    let lone = Lone::established(config(crate::pair::A), &open_with_n());
    let session = Arc::clone(lone.peer.negotiated().expect("a session"));
    assert_eq!(story.lost(&session, 0), [RemoveAll]);
}

/// "If the session does not get re-established within the "Restart Time" that the peer advertised previously, the Receiving
/// Speaker MUST delete all the stale routes from the peer that it is retaining."
#[test]
fn a_peer_that_is_not_back_in_its_restart_time_loses_its_routes() {
    let mut story = Story::new();
    story.lost(&session(&open_with_n()), 0);
    assert_eq!(story.due(), Some(100));
    assert_eq!(story.timeout(99), []);
    assert_eq!(story.timeout(100), [Sweep(V4), Sweep(V6)]);
    assert_eq!(story.due(), None);
}

/// "Once the session is re-established, if the "Forwarding State" bit for a specific address family is not set [...], or if a
/// specific address family is not included [...], or if the Graceful Restart Capability is not received in the re-established
/// session at all, then the Receiving Speaker MUST immediately remove all the stale routes".
#[test]
fn what_the_new_open_says_decides_about_each_family() {
    let cases = [
        (open_with_n(), vec![]),
        (
            open([0xc0, 100], &[(V4, 0x80), (V6, 0)], &[]),
            vec![Sweep(V6)],
        ),
        (open([0x40, 100], &[(V6, 0x80)], &[]), vec![Sweep(V4)]),
        (
            RawOpen::with_capabilities(&FAMILIES),
            vec![Sweep(V4), Sweep(V6)],
        ),
        // IPv4 alone, without any capability.
        (RawOpen::default(), vec![Sweep(V4), Sweep(V6)]),
        // RFC 8538 §4.1: "a clear "N" bit does not trigger deletion of stale routes."
        (open_without_n(), vec![]),
    ];
    for (again, expected) in cases {
        let mut story = Story::new();
        story.lost(&session(&open_with_n()), 0);
        assert_eq!(story.helper.handle_established(&session(&again)), expected);
        // Who is back is waited for no longer, and bounded.
        let left = 2 - expected.len();
        assert_eq!(story.due(), (left > 0).then_some(360));
        assert_eq!(story.timeout(359), []);
        assert_eq!(story.timeout(360).len(), left);
    }
}

/// "Once the End-of-RIB marker for an address family is received from the peer, it MUST immediately remove any routes from the
/// peer that are still marked as stale for that address family."
#[test]
fn the_end_of_rib_of_a_family_sweeps_that_family() {
    let mut story = Story::new();
    let said = session(&open_with_n());
    story.lost(&said, 0);
    assert_eq!(story.helper.handle_established(&said), []);
    assert_eq!(story.helper.handle_end_of_rib(V6), Some(Sweep(V6)));
    assert_eq!(story.helper.handle_end_of_rib(V6), None);
    assert!(story.helper.keeps(V4));
    assert_eq!(story.helper.handle_end_of_rib(V4), Some(Sweep(V4)));
    assert_eq!(story.due(), None);
}

/// "To deal with possible consecutive restarts, a route (from the peer) previously marked as stale MUST be deleted." RFC 8538
/// §4.1 has them stay where both sides have the N bit, until the upper bound of the first restart.
#[test]
fn a_second_restart_during_the_first() {
    let said = session(&open_without_n());
    let mut story = Story::new();
    story.lost(&said, 0);
    story.helper.handle_established(&said);
    story.helper.handle_end_of_rib(V6);
    let steps = story.lost(&said, 50);
    assert_eq!(steps, [Sweep(V4), Mark(V4), Mark(V6)]);
    assert_eq!(story.due(), Some(150));

    let said = session(&open_with_n());
    let mut story = Story::new();
    story.lost(&said, 0);
    story.helper.handle_established(&said);
    assert_eq!(story.lost(&said, 300), [Mark(V4), Mark(V6)]);
    assert_eq!(story.due(), Some(360), "the bound of the first restart");
    // It was synchronised in between: another restart.
    story.helper.handle_established(&said);
    story.helper.handle_end_of_rib(V4);
    assert_eq!(story.lost(&said, 350), [Mark(V4), Mark(V6)]);
    assert_eq!(story.timeout(360), [Sweep(V6)]);
    assert_eq!(story.due(), Some(450));
}

/// The second loss of a session whose first one was never repaired is none of a session: nothing was established.
#[test]
fn a_family_that_was_disabled_has_nothing_to_keep() {
    let mut story = Story::new();
    let said = session(&open_with_n());
    let mut disabled = Negotiated::clone(&said);
    let ctx = Arc::make_mut(&mut disabled.ctx);
    ctx.disabled = FamilySet::from([V6]);
    assert_eq!(story.lost(&disabled, 0), [Mark(V4)]);
    story.helper.forget(FamilySet::from([V4]));
    assert_eq!(story.due(), None);
}

/// RFC 9494 §4.2: the interval "is limited by the sum of the "Restart Time" [...] and the "Long-Lived Stale Time"".
#[test]
fn the_long_lived_time_follows_the_restart_time() {
    let mut story = Story::new();
    assert_eq!(
        story.lost(&session(&long_lived_open()), 0),
        [Mark(V4), Remove(V6)]
    );
    assert_eq!(story.due(), Some(100));
    assert_eq!(story.timeout(100), [LongLived(V4)]);
    let seen: Vec<_> = story.helper.stale().collect();
    assert!(seen[0].long_lived && seen[0].until == story.at(300));
    assert_eq!(story.due(), Some(300));
    assert_eq!(story.timeout(300), [Sweep(V4)]);
    assert_eq!(story.due(), None);
}

/// "If the Graceful Restart Capability that was received does not list all AFI/SAFIs supported by the session, then the GR
/// Restart Time shall be deemed zero for those AFI/SAFIs that are not listed", and the same of the other one.
#[test]
fn a_family_that_one_capability_does_not_list_has_a_time_of_zero() {
    let said = open([0, 100], &[(V4, 0x80)], &long_lived(&[(V6, 0x80, 200)]));
    let mut story = Story::new();
    let steps = story.lost(&session(&said), 0);
    assert_eq!(steps, [Mark(V4), Mark(V6), LongLived(V6)]);
    assert_eq!(story.timeout(100), [Sweep(V4)]);
    assert_eq!(story.timeout(200), [Sweep(V6)]);
}

/// "The timers received in the Long-Lived Graceful Restart Capability SHOULD be modifiable by local configuration".
#[test]
fn our_own_long_lived_time_is_the_upper_bound() {
    let mut story = Story::new();
    let limits = (LIMITS.0, 30 * SECOND);
    let now = story.start;
    story
        .helper
        .handle_down(&LOST, &session(&long_lived_open()), limits, now);
    story.timeout(100);
    assert_eq!(story.due(), Some(130));
}

/// "in the case of consecutive restarts, the previously marked stale routes MUST NOT be deleted before the timer for the
/// Long-Lived Stale Time expires", and the timer "MUST NOT be updated [...] until the peer has established and synchronized a
/// new session".
#[test]
fn the_long_lived_timer_runs_on_until_the_peer_is_synchronised() {
    let said = session(&long_lived_open());
    let mut story = Story::new();
    story.lost(&said, 0);
    assert_eq!(story.timeout(100), [LongLived(V4)]);
    assert_eq!(story.helper.handle_established(&said), []);
    assert_eq!(story.due(), Some(300));
    assert_eq!(story.lost(&said, 150), [Mark(V4), Remove(V6)]);
    assert_eq!(story.due(), Some(250));
    assert_eq!(
        story.timeout(250),
        [LongLived(V4)],
        "what was new is old too"
    );
    assert_eq!(story.due(), Some(300));
    assert_eq!(story.timeout(300), [Sweep(V4)]);
    // Synchronised, it starts anew.
    story.helper.handle_established(&said);
    story.lost(&said, 400);
    story.timeout(500);
    story.helper.handle_established(&said);
    assert_eq!(story.helper.handle_end_of_rib(V4), Some(Sweep(V4)));
    story.lost(&said, 600);
    assert_eq!(story.timeout(700), [LongLived(V4)]);
    assert_eq!(story.due(), Some(900));
}

/// In the long-lived time the F bits of the other capability count: "if [...] the F bit for a specific address family is not set in
/// the newly received LLGR Capability, or a specific address family is not included in the newly received LLGR Capability, or
/// the LLGR and accompanying GR Capability are not received in the re-established session at all".
#[test]
fn in_the_long_lived_time_the_long_lived_capability_decides() {
    let cases = [
        (long_lived_open(), vec![]),
        (
            open([0, 100], &[(V4, 0x80)], &long_lived(&[(V4, 0, 200)])),
            vec![Sweep(V4)],
        ),
        (
            open([0, 100], &[(V4, 0)], &long_lived(&[(V4, 0x80, 200)])),
            vec![],
        ),
        (
            open([0, 100], &[(V4, 0x80)], &long_lived(&[(V6, 0x80, 200)])),
            vec![Sweep(V4)],
        ),
        (open([0, 100], &[(V4, 0x80)], &[]), vec![Sweep(V4)]),
        (RawOpen::with_capabilities(&FAMILIES), vec![Sweep(V4)]),
    ];
    for (again, expected) in cases {
        let mut story = Story::new();
        story.lost(&session(&long_lived_open()), 0);
        story.timeout(100);
        assert_eq!(story.helper.handle_established(&session(&again)), expected);
    }
}
