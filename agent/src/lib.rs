//! The BGP node agent.

pub mod allocator;
pub mod args;
pub mod bfd;
pub mod cli;
pub mod control;
pub mod desired;
pub mod kernel;
mod mapped_code;
pub mod ndp;
pub mod observe;
pub mod run;
mod seldom;
pub mod source;
pub mod speaker;
mod state_file;
mod vital;
