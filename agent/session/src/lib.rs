//! The BGP finite state machine, without IO and without a clock.
