//! BGP-4 messages to bytes and back.
