//! The BGP node agent.

pub mod desired;
