//! What becomes of a peer's routes when its session ends and may come back: the Receiving Speaker of RFC 4724 §4.2 with RFC 8538
//! §4.1, and the helper of RFC 9494 §4.2.
//!
//! Pure, as the rest of this crate: it is told when the session ends, begins, and has sent all routes of a family, and says what
//! is to be done to the routes. It keeps no route; it knows for each family until when stale ones may stay.
//!
//! ```text
//!            session lost                 restart time is over               long-lived stale time is over
//!   fresh ----------------> stale --------------------------> long-lived -------------------------> gone
//!                             |      (no long-lived: gone)        |
//!                             |  back, F bit, End-of-RIB          |  back, F bit, End-of-RIB
//!                             +----> what is stale still goes <---+
//! ```
//!
//! | when | RFC |
//! |---|---|
//! | the session is lost a second time before End-of-RIB | 4724: what was stale goes; 8538 (N bit): it stays, and its bound with it |
//! | it is lost again in the long-lived time | 9494: what was stale stays, and the timer of before runs on |
//! | it is back without the F bit, the family or the capability | what is stale goes at once |

use std::time::{Duration, Instant};

use bgp_wire::{Family, FamilySet};

use crate::event::DownReason;
use crate::negotiate::Negotiated;

/// What is to be done to the routes of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleStep {
    /// All of them go, in every family.
    RemoveAll,
    /// Those of a family go.
    Remove(Family),
    /// Those of a family are stale from now on. They stay in use.
    Mark(Family),
    /// Those of a family that are stale go.
    Sweep(Family),
    /// Those of a family that are stale become long-lived: they are the last choice (RFC 9494 §4.3), and those that do not
    /// want it (NO_LLGR) go.
    LongLived(Family),
}

/// Stale routes of a family, as others see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleFamily {
    /// The family.
    pub family: Family,
    /// They are long-lived.
    pub long_lived: bool,
    /// When this ends, unless the peer is back and has sent all routes before.
    pub until: Instant,
}

/// A family with stale routes.
#[derive(Debug, Clone)]
struct Stale {
    family: Family,
    /// The peer must be back before, if it is not.
    back_by: Option<Instant>,
    /// They go then at the latest, as long as they are not long-lived: RFC 4724 §4.2, last paragraph.
    bound: Instant,
    /// How long they may be long-lived.
    long_lived: Duration,
    /// They are long-lived, until then.
    long_lived_until: Option<Instant>,
}

impl Stale {
    /// When something is to be done.
    fn due(&self) -> Instant {
        let limit = self.long_lived_until.unwrap_or(self.bound);
        self.back_by.map_or(limit, |back_by| back_by.min(limit))
    }
}

/// See the top of this file.
#[derive(Debug, Clone, Default)]
pub struct Helper {
    stale: Vec<Stale>,
}

impl Helper {
    /// The families that have stale routes.
    pub fn stale(&self) -> impl Iterator<Item = StaleFamily> {
        self.stale.iter().map(|one| StaleFamily {
            family: one.family,
            long_lived: one.long_lived_until.is_some(),
            until: one.due(),
        })
    }

    /// Whether a family has stale routes.
    pub fn keeps(&self, family: Family) -> bool {
        self.stale.iter().any(|one| one.family == family)
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.stale.iter().map(Stale::due).min()
    }

    /// The session that was established with these parameters has ended. `stale_time` bounds how long its routes are kept, and
    /// `long_lived` how long those may be that are long-lived.
    pub fn handle_down(
        &mut self,
        why: &DownReason,
        session: &Negotiated,
        (stale_time, long_lived): (Duration, Duration),
        now: Instant,
    ) -> Vec<StaleStep> {
        let Some(restart) = session.restart.as_ref().filter(|r| why.keeps_routes(r)) else {
            self.stale.clear();
            return vec![StaleStep::RemoveAll];
        };
        let mut steps = Vec::new();
        let families = session.families.iter();
        for family in families.filter(|family| !session.ctx.disabled.contains(*family)) {
            // RFC 9494 §4.2: a family that one of the capabilities does not list counts as listed with a time of zero.
            let listed = restart.families.contains(family);
            let restart_time = if listed {
                restart.restart_time
            } else {
                Duration::ZERO
            };
            let promised = restart.long_lived(family).map_or(0, |one| one.stale_time);
            let promised = Duration::from_secs(promised.into()).min(long_lived);
            let before = self.take(family);
            if !listed && promised.is_zero() {
                steps.push(StaleStep::Remove(family));
                continue;
            }
            let mut bound = now + stale_time;
            let mut long_lived_until = None;
            if let Some(before) = before {
                if before.long_lived_until.is_some() {
                    // RFC 9494 §4.2: "in the case of consecutive restarts, the previously marked stale routes MUST NOT be deleted
                    // before the timer for the Long-Lived Stale Time expires", and that timer "MUST NOT be updated [...] until the
                    // peer has established and synchronized a new session."
                    long_lived_until = before.long_lived_until;
                } else if restart.notification {
                    // RFC 8538 §4.1: "routes from the peer previously marked as stale MUST NOT be deleted, until and unless the
                    // timer mentioned in the final paragraph of [RFC4724], Section 4.2 expires".
                    bound = before.bound;
                } else {
                    // RFC 4724 §4.2: "To deal with possible consecutive restarts, a route (from the peer) previously marked as
                    // stale MUST be deleted."
                    steps.push(StaleStep::Sweep(family));
                }
            }
            steps.push(StaleStep::Mark(family));
            self.stale.push(Stale {
                family,
                back_by: Some(now + restart_time),
                bound,
                long_lived: promised,
                long_lived_until,
            });
        }
        // A restart time of zero is over already.
        steps.extend(self.handle_timeout(now));
        steps
    }

    /// A session is established.
    pub fn handle_established(&mut self, session: &Negotiated) -> Vec<StaleStep> {
        let mut steps = Vec::new();
        let restart = session.restart.as_ref();
        self.stale.retain_mut(|one| {
            // RFC 4724 §4.2: "if the Forwarding State bit for a specific address family is not set in the newly received Graceful
            // Restart Capability, or if a specific address family is not included in the newly received Graceful Restart
            // Capability, or if the Graceful Restart Capability is not received in the re-established session at all, then the
            // Receiving Speaker MUST immediately remove all the stale routes from the peer that it is retaining for that
            // address family." RFC 9494 §4.2 says the same of its own capability, once the long-lived time has begun.
            let forwarded = restart.is_some_and(|restart| {
                if one.long_lived_until.is_some() {
                    let said = restart.long_lived(one.family);
                    said.is_some_and(|said| said.forwarding)
                } else {
                    restart.forwarding.contains(one.family)
                }
            });
            one.back_by = None;
            if !forwarded {
                steps.push(StaleStep::Sweep(one.family));
            }
            forwarded
        });
        steps
    }

    /// The peer has sent all its routes of a family. RFC 4724 §4.2: "Once the End-of-RIB marker for an address family is
    /// received from the peer, it MUST immediately remove any routes from the peer that are still marked as stale for that
    /// address family."
    pub fn handle_end_of_rib(&mut self, family: Family) -> Option<StaleStep> {
        self.take(family).map(|_| StaleStep::Sweep(family))
    }

    /// No route of these families is there any more.
    pub fn forget(&mut self, families: FamilySet) {
        self.stale.retain(|one| !families.contains(one.family));
    }

    /// No route is there any more.
    pub fn forget_all(&mut self) {
        self.stale.clear();
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<StaleStep> {
        let mut steps = Vec::new();
        self.stale.retain_mut(|one| {
            if one.due() > now {
                return true;
            }
            let away = one.back_by.take().is_some();
            let over = one.long_lived_until.is_some_and(|until| until <= now);
            if !away || over || one.long_lived.is_zero() {
                steps.push(StaleStep::Sweep(one.family));
                return false;
            }
            // RFC 9494 §4.2: "the helper router MUST start a timer for that Long-Lived Stale Time", which runs already if this is
            // not the first restart.
            one.long_lived_until.get_or_insert(now + one.long_lived);
            steps.push(StaleStep::LongLived(one.family));
            true
        });
        steps
    }

    fn take(&mut self, family: Family) -> Option<Stale> {
        let at = self.stale.iter().position(|one| one.family == family)?;
        Some(self.stale.swap_remove(at))
    }
}
