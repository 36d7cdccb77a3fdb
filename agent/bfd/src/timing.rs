//! Our intervals, and the Poll Sequence by which they change (RFC 5880 §6.5, §6.8.1 to §6.8.3).
//!
//! There are three of each: what is wanted, what the neighbour is told, and what is in use. What is told follows what is wanted
//! unless a Poll Sequence is under way; what is in use follows what is told, at once or when the neighbour has confirmed it.

use crate::packet::Micros;

/// §6.8.3: "When bfd.SessionState is not Up, the system MUST set bfd.DesiredMinTxInterval to a value of not less than one second
/// (1,000,000 microseconds)."
const SLOW: Micros = Micros(1_000_000);

/// How far a Poll Sequence (§6.5) is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Poll {
    /// There is none.
    None,
    /// The next packet has the P bit.
    Due,
    /// A packet with it was sent, and so are all until the neighbour answers.
    Sent,
    /// The neighbour answered. §6.8.3 wants, before another one begins, that "an additional BFD Control packet with the Final (F)
    /// bit clear MUST be received after the Poll Sequence has completed".
    Settling,
}

/// See the top of this file.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    wanted: Intervals,
    /// bfd.DesiredMinTxInterval and bfd.RequiredMinRxInterval.
    told: Intervals,
    in_use: Intervals,
    poll: Poll,
    up: bool,
    /// There is somebody to answer: bfd.RemoteDiscr is not zero.
    heard: bool,
}

/// How often we would send, and how often we can receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intervals {
    pub(crate) tx: Micros,
    pub(crate) rx: Micros,
}

impl Timing {
    pub(crate) fn new(wanted: Intervals) -> Self {
        let told = Intervals {
            tx: wanted.tx.max(SLOW),
            ..wanted
        };
        Self {
            wanted,
            told,
            in_use: told,
            poll: Poll::None,
            up: false,
            heard: false,
        }
    }

    pub(crate) fn told(&self) -> Intervals {
        self.told
    }

    pub(crate) fn in_use(&self) -> Intervals {
        self.in_use
    }

    /// Other intervals are wanted. Like the next three: true if the neighbour is to be told something new.
    pub(crate) fn want(&mut self, wanted: Intervals) -> bool {
        self.wanted = wanted;
        self.tell()
    }

    /// The session is Up, or not any more.
    pub(crate) fn set_up(&mut self, up: bool) -> bool {
        self.up = up;
        // Nothing that a sequence of the other state would confirm is of interest any more.
        self.poll = Poll::None;
        self.in_use = self.told;
        self.tell()
    }

    /// The neighbour is known, or not any more.
    pub(crate) fn set_heard(&mut self, heard: bool) -> bool {
        self.heard = heard;
        if !heard {
            self.poll = Poll::None;
            self.in_use = self.told;
        }
        self.tell()
    }

    /// A packet came, with or without the F bit.
    pub(crate) fn received(&mut self, final_answer: bool) -> bool {
        match (self.poll, final_answer) {
            // §6.8.6: "If a Poll Sequence is being transmitted by the local system and the Final (F) bit in the received packet is
            // set, the Poll Sequence MUST be terminated."
            (Poll::Sent, true) => {
                self.poll = Poll::Settling;
                self.in_use = self.told;
                false
            }
            (Poll::Settling, false) => {
                self.poll = Poll::None;
                self.tell()
            }
            _ => false,
        }
    }

    /// Whether a Poll Sequence is being transmitted.
    pub(crate) fn is_polling(&self) -> bool {
        matches!(self.poll, Poll::Due | Poll::Sent)
    }

    /// The P bit of a packet that is sent now.
    pub(crate) fn poll_bit(&mut self) -> bool {
        if self.poll == Poll::Due {
            self.poll = Poll::Sent;
        }
        self.is_polling()
    }

    /// §6.6: "If Demand mode is active on either or both systems, a Poll Sequence MUST be initiated whenever the contents of the next
    /// BFD Control packet to be sent would be different than the contents of the previous packet".
    pub(crate) fn poll_for_contents(&mut self) {
        if self.heard && self.poll != Poll::Sent {
            self.poll = Poll::Due;
        }
    }

    fn tell(&mut self) -> bool {
        let tx = match self.up {
            true => self.wanted.tx,
            false => self.wanted.tx.max(SLOW),
        };
        let told = Intervals { tx, ..self.wanted };
        // §6.8.3: several changes "MUST be communicated in a single BFD Control packet (so the semantics of the Final reply are
        // clear)", or wait for each other.
        let waits = self.up && matches!(self.poll, Poll::Sent | Poll::Settling);
        if told == self.told || waits {
            return false;
        }
        self.told = told;
        if self.up {
            // "If bfd.DesiredMinTxInterval is increased and bfd.SessionState is Up, the actual transmission interval used MUST NOT
            // change until the Poll Sequence described above has terminated." "If bfd.RequiredMinRxInterval is reduced and
            // bfd.SessionState is Up, the previous value of bfd.RequiredMinRxInterval MUST be used when calculating the Detection
            // Time for the remote system until the Poll Sequence described above has terminated."
            self.in_use.tx = self.in_use.tx.min(told.tx);
            self.in_use.rx = self.in_use.rx.max(told.rx);
        } else {
            self.in_use = told;
        }
        // "If either bfd.DesiredMinTxInterval is changed or bfd.RequiredMinRxInterval is changed, a Poll Sequence MUST be initiated".
        if self.heard {
            self.poll = Poll::Due;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(tx: u32, rx: u32) -> Intervals {
        Intervals {
            tx: Micros(tx * 1000),
            rx: Micros(rx * 1000),
        }
    }

    /// A session that is Up, with nothing under way.
    fn up(wanted: Intervals) -> Timing {
        let mut timing = Timing::new(wanted);
        timing.set_heard(true);
        timing.set_up(true);
        confirm(&mut timing);
        assert_eq!((timing.told(), timing.in_use()), (wanted, wanted));
        timing
    }

    /// The neighbour answers the poll, and goes on.
    fn confirm(timing: &mut Timing) {
        assert!(timing.poll_bit());
        timing.received(true);
        timing.received(false);
    }

    #[test]
    fn a_session_that_is_not_up_sends_once_a_second_at_most() {
        assert_eq!(Timing::new(ms(50, 50)).told(), ms(1000, 50));
        assert_eq!(Timing::new(ms(5000, 50)).told(), ms(5000, 50));
        let mut timing = up(ms(50, 50));
        assert!(timing.set_up(false), "the neighbour is told");
        assert_eq!(
            (timing.told(), timing.in_use()),
            (ms(1000, 50), ms(1000, 50))
        );
        assert!(timing.poll_bit());
    }

    #[test]
    fn nobody_is_polled_who_was_not_heard() {
        let mut timing = Timing::new(ms(50, 50));
        assert!(timing.want(ms(50, 100)));
        assert!(!timing.poll_bit());
    }

    #[test]
    fn sending_faster_and_receiving_more_slowly_is_done_at_once() {
        let mut timing = up(ms(100, 100));
        assert!(timing.want(ms(50, 200)));
        assert_eq!((timing.told(), timing.in_use()), (ms(50, 200), ms(50, 200)));
        assert!(timing.poll_bit());
    }

    #[test]
    fn sending_more_slowly_and_receiving_faster_wait_for_the_answer() {
        let mut timing = up(ms(100, 100));
        assert!(timing.want(ms(200, 50)));
        assert_eq!(
            (timing.told(), timing.in_use()),
            (ms(200, 50), ms(100, 100))
        );
        timing.received(true);
        assert_eq!(
            timing.in_use(),
            ms(100, 100),
            "no P was sent: it answers another one"
        );
        assert!(timing.poll_bit());
        timing.received(false);
        assert_eq!(timing.in_use(), ms(100, 100));
        assert!(timing.poll_bit(), "until the answer comes");
        timing.received(true);
        assert_eq!(timing.in_use(), ms(200, 50));
        assert!(!timing.poll_bit());
    }

    #[test]
    fn changes_before_the_poll_is_sent_go_with_it() {
        let mut timing = up(ms(100, 100));
        timing.want(ms(200, 100));
        assert!(timing.want(ms(300, 50)));
        assert_eq!(
            (timing.told(), timing.in_use()),
            (ms(300, 50), ms(100, 100))
        );
        confirm(&mut timing);
        assert_eq!(timing.in_use(), ms(300, 50));
        assert!(!timing.poll_bit());
    }

    #[test]
    fn changes_after_it_wait_for_the_next_one() {
        let mut timing = up(ms(100, 100));
        timing.want(ms(200, 100));
        assert!(timing.poll_bit());
        assert!(!timing.want(ms(300, 100)));
        assert_eq!(timing.told(), ms(200, 100));
        timing.received(true);
        assert!(!timing.poll_bit(), "not before a packet without F came");
        assert!(timing.received(false));
        assert_eq!(
            (timing.told(), timing.in_use()),
            (ms(300, 100), ms(200, 100))
        );
        confirm(&mut timing);
        assert_eq!(timing.in_use(), ms(300, 100));
    }

    #[test]
    fn a_poll_ends_with_the_session() {
        let mut timing = up(ms(100, 100));
        timing.want(ms(200, 50));
        assert!(timing.poll_bit());
        timing.set_up(false);
        assert_eq!(timing.in_use(), ms(1000, 50));
        timing.set_heard(false);
        assert!(!timing.poll_bit());
    }
}
