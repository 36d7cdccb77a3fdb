//! Bidirectional Forwarding Detection (RFC 5880; one hop: RFC 5881, several: RFC 5883), without IO and without a clock: it
//! opens no socket, asks nobody for the time, starts no thread and never waits. Packets and time come in as arguments; packets,
//! deadlines and changes of state go out as values. The same calls with the same seed give the same sessions.
//!
//! [`Sessions`] holds all sessions of a node. Its methods are of four kinds:
//!
//! - **A. getters** ([`Sessions::view`], [`Sessions::discards`], …) change nothing;
//! - **B. `handle_*`** say what happened: a packet, the passing of time;
//! - **C. commands** say what is wanted: [`Sessions::open`], [`Sessions::reconfigure`], [`Sessions::close`], …;
//! - **D. `poll_*`** say what is to be done now. After any call of B or C, a driver takes everything from
//!   [`Sessions::poll_transmit`] and [`Sessions::poll_event`], and sleeps until [`Sessions::poll_timeout`] or until something
//!   happens.
//!
//! A session (RFC 5880 §6.2), with the state that the neighbour says it is in at the arrows:
//!
//! ```text
//!                              Down                        Init, Up
//!            +------+ ----------------------> +------+ ---------------> +----+
//!            | Down |                         | Init |                  | Up |
//!            +------+ <---------------------- +------+                  +----+
//!             ^  |    detection time expired,                            |  |
//!             |  |    AdminDown                                          |  |
//!             |  |                         Init                          |  |
//!             |  +-------------------------------------------------------+  |
//!             +-------------------------------------------------------------+
//!                          Down, AdminDown, detection time expired
//! ```
//!
//! What happens in each state is the table in [`TABLE`], which the machine consults. The map of the crate:
//!
//! | file | holds |
//! |---|---|
//! | `packet.rs` | the control packet of §4.1, its octets and what is wrong with them |
//! | `table.rs` | the states of §6.2 and what changes them (§6.8.4, §6.8.6, §6.8.16) |
//! | `timing.rs` | the intervals of both sides and the Poll Sequence (§6.5, §6.8.2 to §6.8.4) |
//! | `session.rs` | one session: the variables of §6.8.1, receiving (§6.8.6), transmitting (§6.8.7) |
//! | `sessions.rs` | all of them: whose a packet is, and who is due next |
//! | `path.rs` | between which addresses, and over how many hops |
//! | `discard.rs` | why a packet is discarded, and how many were |
//! | `event.rs` | what is told |
//! | `random.rs` | discriminators and jitter from a seed |
//!
//! What is not done: no authentication (a packet that has it is discarded, as §6.8.6 says of a session without), no echo
//! function (Required Min Echo RX Interval is zero), and our own side never asks for demand mode; the neighbour's demand mode is
//! honoured (§6.6).

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::cast_possible_truncation
    )
)]

mod discard;
mod event;
mod packet;
mod path;
mod random;
mod session;
mod sessions;
mod table;
mod timing;

pub use discard::{Discard, Discards};
pub use event::{Change, Event, Transmit, Why};
pub use packet::{AuthType, ControlPacket, Diagnostic, Micros, PACKET_LENGTH};
pub use path::{Arrival, Hops, Path};
pub use session::{Config, RemoteView, SessionView};
pub use sessions::{SessionId, Sessions, Taken};
pub use table::{Outcome, State, TABLE, Trigger, lookup};
