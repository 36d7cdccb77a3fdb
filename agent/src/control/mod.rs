//! The control socket: what people and tools ask a running agent.
//!
//! Nothing here changes anything. A request is one line of JSON over a Unix socket, the answer is a stream of
//! lines of JSON, made page by page from read-only views, so that a table of a million routes never exists as a whole
//! on either side.
//!
//! | file | |
//! |---|---|
//! | [`protocol`] | PURE: requests and replies |
//! | [`views`], [`sessions`] | PURE: what the rest of the agent shows of itself, plain data behind one trait |
//! | [`routes`] | PURE: rows and explanations of routes and kernel entries, and the traits that page them |
//! | [`rib_table`], [`kernel_fib`] | PURE: the tables and the kernel room behind these traits |
//! | `explainer` | PURE: why a route is as it is, in words |
//! | `in_order` | PURE: destinations in order, in bounded memory |
//! | `seek` | PURE: what covers an address where there are route distinguishers |
//! | `fields` | PURE: named fields of NLRI as JSON |
//! | [`answer`], `row_walk`, `explaining` | PURE: request and views to a stream of replies |
//! | [`server`] | EDGE: the socket, its connections, their back-pressure |

pub mod answer;
pub mod dynamic;
mod explainer;
mod explaining;
mod fields;
mod in_order;
pub mod kernel_fib;
pub mod protocol;
pub mod rib_table;
pub mod routes;
mod row_walk;
mod seek;
pub mod server;
pub mod sessions;
pub mod views;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod rib_tests;
#[cfg(test)]
mod server_tests;
