//! What the tests of the whole stand on: network namespaces, real BGP daemons, the agent as a process.
//!
//! A test describes a [`Lab`]: namespaces, the veth pairs between them, their addresses. It starts daemons
//! in them ([`peers`]) and the agent ([`agent::Agent`]), waits with a limit ([`wait::until`]) and asserts on what the
//! daemons, the agent and the kernel ([`kernel`]) say themselves. Nothing here imitates a router: where a
//! daemon or the right to make namespaces is missing, the test fails and says what is missing.
//!
//! ```text
//!   Lab ── Namespace "node" ── agent::Agent (cosmos run --manifests DIR)
//!    │          │ veth
//!    └──── Namespace "tor" ─── peers::{Bird, Frr, GoBgp, OpenBgpd, ExaBgp} or raw::RawPeer
//! ```
//!
//! Everything has a name that contains the test process, so that two runs do not meet. Namespaces and
//! the processes in them go when the `Lab` is dropped, when the test panics, and, because a small guard process
//! waits for the end of the test process, also when it is killed. See [`netns`].
//!
//! What is common to all daemons is written once in [`scenario`]; the files `tests/interop_*.rs` apply it. Routers with VPN and EVPN routes are
//! in [`overlay`]. What was seen to work with which router is noted by [`matrix`].

pub mod agent;
pub mod flow;
pub mod kernel;
pub mod lab;
pub mod manifests;
pub mod matrix;
pub mod netns;
pub mod overlay;
pub mod peers;
pub mod process;
pub mod raw;
pub mod raw_bfd;
pub mod raw_router;
pub mod raw_session;
pub mod routes;
pub mod scenario;
pub mod wait;

pub use lab::Lab;
pub use netns::Namespace;
