//! What the printed definitions accept and refuse, each case with what a person is told.

mod advertisements;
mod documents;
mod overlays;
mod peers;
mod policies;
mod routers;
mod support;
