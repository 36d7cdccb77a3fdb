//! A folder of manifests on disk: what is seen of it while it changes, and what a check says of it.

mod checking;
mod following;
mod reading;
mod scratch;
