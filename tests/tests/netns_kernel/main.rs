//! The kernel room against the real kernel, in a network namespace of each test's own.

mod beside_others;
mod host_routes;
#[path = "../../../agent/tests/kernel_table/mod.rs"]
mod kernel_table;
mod node;
mod planes;
mod storm;
mod truth;
mod writing;
