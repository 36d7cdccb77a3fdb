//! The machine from outside: two of them on a simulated network (`pair`), one against a neighbour played by hand (`raw`), and
//! whatever else can come in whatever order (`random`), and long histories of two nodes in bad weather (`history`).

mod disabled;
mod endings;
mod establish;
mod helper;
mod history;
mod messages;
mod not_used;
mod pair;
mod random;
mod raw;
mod reconfigure;
mod restart;
mod roles;
mod timers;
mod two_ases;
