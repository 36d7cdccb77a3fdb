//! The kernel room: best paths into the Linux kernel, and what the kernel knows back to the tables.
//!
//! The kernel is one more reader of the tables. It is rung once when something changed, drains the
//! newest state in its own time, compares what is wanted with what is installed and writes the
//! difference in batches; it never translates an event into a route command. Whatever happens in
//! between (lost notifications, refusals, links that come and go, someone else at the same table) ends
//! in the wanted state, because the comparison is made again.
//!
//! ```text
//!   RIB (each router)                                             kernel
//!    | ring, drain          ^ how a next hop is reached              ^ batches     | notifications, dumps
//!    v                      |                                        |             v
//!   source  --changes-->  resolve <--- table <--events--------- writer       monitor, netlink   EDGE
//!    |                      |            (of others)                 ^             |
//!    v                      v                                        |             |
//!   view ---- wanted ---> engine --- diff ---> batches --- message --+             |
//!              ^            ^                                                      |
//!              +-- retry ---+------------------ event, audit <---------------------+
//! ```
//!
//! | file | job |
//! |---|---|
//! | model | the words: ownership, next-hop sets, routes, events, messages, outcomes |
//! | source | what is read from a table, as a trait |
//! | host, table | links and addresses; routes of others and the longest match over them |
//! | redistribute | what of it a router may originate |
//! | off_link | next hops that are elsewhere, for the log |
//! | neighbours | who must stay reachable on his link, whatever we are told |
//! | resolve, reach, unreached, resolver | how a next hop is reached, or why not; who asked |
//! | view | wanted routes and what of them is installed |
//! | contest | which of several routers has a destination |
//! | wanted | what the kernel should have for a destination, or why not |
//! | diff | one destination: wanted against installed, as messages |
//! | engine | the state machine over all of these: pure, in slices |
//! | batch, retry, second, event, audit, walks | its parts: messages and answers, notifications, dumps, slices |
//! | report, rows, kept_out, strays | what people see of it |
//! | message, facts | bytes |
//! | writer, netlink, monitor, bell, task | EDGE: sockets and the loop |
//! | marks | EDGE: what earlier runs marked their routes with |
//! | handle | the door |
//!
//! **Ours** is what carries our protocol number, our metric and our table, all three
//! ([`model::Ownership`]). Nothing else is ever touched. The prefix of a connected network and an address of
//! the host are the kernel's; a longer prefix within such a network, as a neighbour's host route, is a
//! route like any other, unless it leads packets for a neighbour to somebody else.

mod audit;
mod batch;
mod bell;
mod contest;
mod diff;
mod engine;
mod event;
mod facts;
mod handle;
mod host;
mod kept_out;
mod marks;
mod message;
pub mod model;
mod monitor;
mod neighbours;
mod netlink;
mod off_link;
mod only_one;
mod reach;
mod redistribute;
mod report;
mod resolve;
mod resolver;
mod retry;
mod rib_source;
mod rows;
mod second;
mod source;
mod stats;
mod strays;
mod table;
mod task;
mod unreached;
mod view;
mod walks;
mod wanted;
mod writer;

pub use engine::Engine;
pub use handle::{KernelError, KernelHandle, KernelOptions, start};
pub use host::KernelFacts;
pub use kept_out::{Fate, KeptOut, KeptOutNews, Others, Why};
pub use model::FibConfig;
pub use reach::Reach;
pub(crate) use redistribute::is_told_on;
pub use report::{FibPage, FibRow, FibState, Hop, HopReport, Refused, RouterFibStatus};
pub use resolver::Resolver;
pub use rib_source::RibSource;
pub use source::{FibSource, HopKey, HopState, OwnRoute, RouteChange, Walk, is_link_local};
pub use stats::{Histogram, HistogramSnapshot, KernelStats};
pub use strays::RemovedStrays;
pub use table::IpFamily;
pub use unreached::Unreached;
pub use writer::{MAX_MESSAGES, Writer};
