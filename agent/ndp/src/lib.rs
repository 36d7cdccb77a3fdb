//! How two routers on a link find each other: Router Advertisements and Router Solicitations of Neighbor Discovery (RFC 4861),
//! without IO and without a clock: it opens no socket, asks nobody for the time, starts no thread and never waits. Messages and time
//! come in as arguments; messages and deadlines go out as values. The same calls with the same seed give the same messages.
//!
//! [`Link`] is what one link needs. Its methods are of the kinds of the house: getters; `handle_*`, which say what happened; and
//! `poll_*`, which say what is to be done now. After any `handle_*`, a driver takes everything from [`Link::poll_transmit`] and
//! sleeps until [`Link::poll_timeout`] or until something comes.
//!
//! | file | holds |
//! |---|---|
//! | `message.rs` | both messages (§4.1, §4.2), their octets, and what is wrong with them (§6.1) |
//! | `schedule.rs` | when we speak (§6.2.4, §6.2.6, §6.3.7) |
//! | `routers.rs` | who was heard, and which of them is the neighbour |
//! | `link.rs` | the three together |
//! | `random.rs` | jitter from a seed |
//!
//! We advertise to be found and for nothing else: the lifetime as a default router is zero, no prefix is told, and every parameter
//! is left to others (§4.2: zero is "unspecified (by this router)"). So hosts on the link, should there be any, do nothing other than
//! they did before; and when we stop there is nothing to take back (§6.2.5 has a router that ceases send a lifetime of zero, which
//! is what we send all the time).

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

mod link;
mod message;
mod random;
mod routers;
mod schedule;

pub use link::{Link, Own, Transmit};
pub use message::{
    ALL_NODES, ALL_ROUTERS, Advertisement, Arrival, Discard, HOP_LIMIT, LinkAddress, Message,
    ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION,
};
