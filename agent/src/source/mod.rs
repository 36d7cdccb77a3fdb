//! Where objects come from, and where their statuses go.
//!
//! ```text
//!   folder --directory--> documents --validate--> Objects --watch--> desired::build
//!                                                    statuses --> status_memory --> cosmos get
//! ```
//!
//! [`directory`] watches a folder of manifests and hands out the whole of what it holds, newest state only; it leaves alone
//! what somebody is writing (`unfinished`).
//! [`validate`] judges one document by the definitions that `cosmos crds` prints. [`status_memory`] keeps the
//! statuses that an API server would keep.

mod digest;
pub mod directory;
pub mod folder;
mod form;
pub mod status_memory;
mod structure;
mod unfinished;
pub mod validate;
