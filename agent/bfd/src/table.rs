//! The states of RFC 5880 §6.2 and what changes them, as a table.
//!
//! The session has no other knowledge of its states: it looks up the row of its state and what happened, and is then in the
//! row's next state with the row's diagnostic. So the table and the behaviour cannot differ.

use std::fmt;

use crate::packet::Diagnostic;

/// The state of a session, as it is told in the Sta field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Kept down by its operator.
    AdminDown,
    /// Down, or just created.
    Down,
    /// The neighbour is heard, and does not hear us yet as far as we know.
    Init,
    /// Both hear each other.
    Up,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AdminDown, Self::Down, Self::Init, Self::Up];

    pub(crate) const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::AdminDown,
            1 => Self::Down,
            2 => Self::Init,
            _ => Self::Up,
        }
    }

    pub(crate) const fn bits(self) -> u8 {
        match self {
            Self::AdminDown => 0,
            Self::Down => 1,
            Self::Init => 2,
            Self::Up => 3,
        }
    }

    /// The word for people and statuses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AdminDown => "AdminDown",
            Self::Down => "Down",
            Self::Init => "Init",
            Self::Up => "Up",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What can change a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A packet whose sender is in this state (§6.8.6).
    Received(State),
    /// Nothing was received for the detection time (§6.8.4).
    DetectionTimeExpired,
    /// The operator disables the session (§6.8.16).
    Disabled,
    /// The operator enables it (§6.8.16).
    Enabled,
}

impl Trigger {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Received(State::AdminDown),
        Self::Received(State::Down),
        Self::Received(State::Init),
        Self::Received(State::Up),
        Self::DetectionTimeExpired,
        Self::Disabled,
        Self::Enabled,
    ];
}

/// What a trigger does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The state stays.
    Stay,
    /// Into this state, with this diagnostic, or with the one that is there.
    Go(State, Option<Diagnostic>),
    /// The packet is discarded.
    Discard,
}

/// A row for each state, a column for each of [`Trigger::ALL`].
///
/// A session that comes up takes its diagnostic back, which §6.8.6 leaves open: it is "the local system's reason for the last
/// change in session state" (§4.1), and this change is no failure. On the way there it is kept, for the neighbour to read.
#[rustfmt::skip]
pub const TABLE: [(State, [Outcome; Trigger::ALL.len()]); 4] = {
    use Outcome::{Discard, Go, Stay};
    const INIT: Outcome = Go(State::Init, None);
    const UP: Outcome = Go(State::Up, Some(Diagnostic::NONE));
    const SIGNALED: Outcome = Go(State::Down, Some(Diagnostic::NEIGHBOR_DOWN));
    const EXPIRED: Outcome = Go(State::Down, Some(Diagnostic::DETECTION_TIME_EXPIRED));
    const DISABLED: Outcome = Go(State::AdminDown, Some(Diagnostic::ADMIN_DOWN));
    const ENABLED: Outcome = Go(State::Down, None);
    [
        // received:         AdminDown Down      Init     Up       expired  disabled  enabled
        (State::AdminDown, [ Discard,  Discard,  Discard, Discard, Stay,    Stay,     ENABLED ]),
        (State::Down,      [ Stay,     INIT,     UP,      Stay,    Stay,    DISABLED, Stay    ]),
        (State::Init,      [ SIGNALED, Stay,     UP,      UP,      EXPIRED, DISABLED, Stay    ]),
        (State::Up,        [ SIGNALED, SIGNALED, Stay,    Stay,    EXPIRED, DISABLED, Stay    ]),
    ]
};

/// What `trigger` does in `state`.
pub fn lookup(state: State, trigger: Trigger) -> Outcome {
    let row = TABLE.iter().find(|(of, _)| *of == state);
    let cells = row.into_iter().flat_map(|(_, cells)| cells);
    let mut cells = cells.zip(Trigger::ALL);
    let cell = cells.find(|(_, column)| *column == trigger);
    cell.map_or(Outcome::Stay, |(outcome, _)| *outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of RFC 5880 §6.8.6, as it is written there: the new state and, where one is set, the diagnostic. `None`: "Discard
    /// the packet".
    fn reception(session: State, received: State) -> Option<(State, Option<u8>)> {
        if session == State::AdminDown {
            return None;
        }
        let mut new = session;
        let mut diag = None;
        if received == State::AdminDown {
            if session != State::Down {
                diag = Some(3);
                new = State::Down;
            }
        } else if session == State::Down {
            if received == State::Down {
                new = State::Init;
            } else if received == State::Init {
                new = State::Up;
            }
        } else if session == State::Init {
            if received == State::Init || received == State::Up {
                new = State::Up;
            }
        } else if received == State::Down {
            diag = Some(3);
            new = State::Down;
        }
        Some((new, diag))
    }

    fn outcome(state: State, trigger: Trigger) -> Option<(State, Option<u8>)> {
        match lookup(state, trigger) {
            Outcome::Stay => Some((state, None)),
            Outcome::Go(next, diag) => Some((next, diag.map(|diag| diag.0))),
            Outcome::Discard => None,
        }
    }

    #[test]
    fn what_is_received_does_what_section_6_8_6_says() {
        for state in State::ALL {
            for received in State::ALL {
                let mut expected = reception(state, received);
                if let Some((State::Up, diag)) = &mut expected
                    && state != State::Up
                {
                    *diag = Some(0); // ours: see the table
                }
                let got = outcome(state, Trigger::Received(received));
                assert_eq!(got, expected, "{state} receives {received}");
            }
        }
    }

    /// §6.8.4: "and bfd.SessionState is Init or Up, the session has gone down -- the local system MUST set bfd.SessionState to Down
    /// and bfd.LocalDiag to 1".
    #[test]
    fn silence_does_what_section_6_8_4_says() {
        for state in State::ALL {
            let expected = match state {
                State::Init | State::Up => (State::Down, Some(1)),
                state => (state, None),
            };
            let got = outcome(state, Trigger::DetectionTimeExpired);
            assert_eq!(got, Some(expected), "{state}");
        }
    }

    /// §6.8.16: "If enabling session: If bfd.SessionState is AdminDown, Set bfd.SessionState to Down. Else: Set bfd.SessionState to
    /// AdminDown, Set bfd.LocalDiag to an appropriate value".
    #[test]
    fn the_operator_does_what_section_6_8_16_says() {
        for state in State::ALL {
            let down = match state {
                State::AdminDown => (State::AdminDown, None),
                _ => (State::AdminDown, Some(7)),
            };
            assert_eq!(outcome(state, Trigger::Disabled), Some(down), "{state}");
            let up = match state {
                State::AdminDown => State::Down,
                state => state,
            };
            let got = outcome(state, Trigger::Enabled);
            assert_eq!(got, Some((up, None)), "{state}");
        }
    }
}
