//! The BGP node agent.
