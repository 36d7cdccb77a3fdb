//! What the benchmarks run on: real updates from a route collector, and made-up ones.
//!
//! The real updates ([`real_messages`]) say what the codec costs on what the Internet sends. The made-up tables ([`Table`]) have
//! their proportions (about seven prefixes an UPDATE, one attribute set for about thirteen prefixes, paths of two to six AS numbers,
//! up to six communities) at 10,000, 100,000 and a million routes. [`overlay`] has the updates of the families that no collector
//! shows. Nothing here is random: two runs measure the same work.

mod collector;
pub mod overlay;
pub mod router;
mod table;

use bgp_wire::{Asn, Encoding, Family, FamilySet, SessionContext};

pub use collector::{RealMessage, real_messages};
pub use table::Table;

/// The AS of the router that is measured.
pub const LOCAL_AS: Asn = Asn(64600);
/// The AS of the peer that announces.
pub const PEER_AS: Asn = Asn(100_001);

/// The context of a session with both unicast families.
#[must_use]
pub fn context(asn4: bool) -> SessionContext {
    let mut families = FamilySet::default();
    families.insert(Family::IPV4_UNICAST);
    families.insert(Family::IPV6_UNICAST);
    SessionContext {
        asn4,
        families,
        enforce_first_as: false,
        ..SessionContext::new(LOCAL_AS, PEER_AS)
    }
}

/// How UPDATEs are written.
pub const ENCODING: Encoding = Encoding {
    asn4: true,
    add_path: false,
    max_message: 4096,
    mp_ipv4: false,
};
