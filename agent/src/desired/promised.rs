//! Fields that are promised and not there yet.
//!
//! The schema knows only what works, and drops what it does not know. For these that would be wrong: who limits the
//! prefixes of a neighbour, or sets a range for neighbours, counts on it. So the object is refused by name of the field.

use super::objects::Kind;

const PEER: [&str; 0] = [];

/// The fields of `kind` that must not be dropped in silence.
#[must_use]
pub fn promised(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::BgpPeer => &PEER,
        _ => &[],
    }
}
