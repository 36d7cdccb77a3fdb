//! BFD (RFC 5880 to 5883) for the peers of the node: its sockets and its clock, in a thread of its own, so that a table with a
//! million routes in motion keeps no packet waiting.
//!
//! ```text
//!   peer task ──commands──> thread: poll sockets, feed the sessions, send what they say
//!       ^                      │
//!       └───────status─────────┴──views──> show, metrics
//! ```
//!
//! | file | |
//! |---|---|
//! | `handle.rs` | what others call |
//! | `task.rs` | EDGE the loop |
//! | `clients.rs` | PURE who wants a session, and what all who share one want together |
//! | `receiver.rs`, `sender.rs` | EDGE the sockets |
//!
//! The protocol itself is the crate `bfd`. A client is told of changes of its session by a value that holds the newest state and
//! counts the failures, so that none is lost on a client that is busy; what follows from them is the client's to decide.

mod clients;
mod handle;
mod receiver;
mod sender;
mod task;

pub use self::clients::Wanted;
pub use self::handle::{Bfd, Failure, Status, Subscription, View};
