//! Neighbours on links that peers name (`BGPPeer.spec.interface`): their link-local addresses, learned from Router Advertisements, and
//! ours told by the same (RFC 4861). A link that no peer names is left alone.
//!
//! ```text
//!   speaker ──watch──> task of a link: raw socket, feed the machine, send what it says
//!      ^                    │
//!      └──────sighting──────┘
//! ```
//!
//! | file | |
//! |---|---|
//! | `handle.rs` | what others call |
//! | `sighting.rs` | PURE what is known of a link and who is on it |
//! | `task.rs` | EDGE the loop of one link |
//! | `socket.rs` | EDGE its socket |
//!
//! The protocol itself is the crate `ndp`. What follows from a neighbour, and from one that is gone, is the speaker's to decide.

mod handle;
mod sighting;
mod socket;
mod task;

pub use self::handle::{Discovery, Hold, Watch};
pub use self::sighting::{Found, NamedLink, Sighting, Stage};
