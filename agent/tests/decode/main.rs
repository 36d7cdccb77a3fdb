//! `cosmos decode` as a shell sees it.
//!
//! What is expected comes from the RFCs, named at each case, or from tshark, whose command is named there.

mod captures;
mod collectors;
mod cuts;
mod labels;
mod negotiated;
mod pasted;
mod sent;
mod streams;
mod support;
mod truth;
