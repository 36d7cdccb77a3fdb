//! The `cosmos` binary.

fn main() {}
