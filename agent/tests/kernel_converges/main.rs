//! The kernel room against a simulated kernel that refuses, forgets, is written to by others and
//! loses notifications: it ends in the wanted state, and never touches what is not ours.

mod kept_out;
#[path = "../kernel_table/mod.rs"]
mod kernel_table;
mod law;
mod links;
mod repairs;
mod routers;
mod slices;
mod world;
