//! The fields of a BGPPeer that keep a session from doing harm, each with and without, as a BIRD behind the agent sees it.

mod chain;
mod graceful_shutdown;
mod local_as;
mod max_prefixes;
mod next_hops;
mod not_used;
mod reflected_back;
mod roles;
