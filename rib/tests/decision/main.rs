//! The decision process: named cases as text, and its laws.
//!
//! A case in the `*.txt` files of this folder is a line `case NAME [setting=value ...]`, one line
//! for each path, `----`, and what `explain` and `multipath` say about them. Every case is also
//! tried in every order of its paths. `UPDATE_EXPECT=1 cargo test -p rib --test decision` writes
//! what is said now into the files; read the difference before it is committed.

mod cases;
mod laws;
mod paths;
