//! What the fuzz targets share: a session context chosen by the first octet of the input.

use bgp_wire::{Asn, Encoding, Family, FamilySet, PeerKind, SessionContext};

/// Splits the octet that chooses the context from the rest.
///
/// Bits: 1 four-octet AS numbers, 2 ADD-PATH both ways, 4 internal peer, 8 extended messages, 16 IPv6 next hops for IPv4,
/// 32 without IPv6, 64 AS_SETs accepted, 128 first AS not enforced.
#[must_use]
pub fn context(input: &[u8]) -> Option<(SessionContext, &[u8])> {
    let (&bits, rest) = input.split_first()?;
    let bit = |n: u8| bits & n != 0;
    let mut families = FamilySet::from([Family::IPV4_UNICAST]);
    if !bit(32) {
        families.insert(Family::IPV6_UNICAST);
    }
    let among = |on: bool| if on { families } else { FamilySet::EMPTY };
    let remote = if bit(4) { Asn(65000) } else { Asn(100_001) };
    let context = SessionContext {
        peer_kind: if bit(4) {
            PeerKind::Internal
        } else {
            PeerKind::External
        },
        asn4: bit(1),
        max_message: if bit(8) { 65_535 } else { 4096 },
        families,
        add_path_receive: among(bit(2)),
        add_path_send: among(bit(2)),
        extended_next_hop: if bit(16) {
            FamilySet::from([Family::IPV4_UNICAST])
        } else {
            FamilySet::EMPTY
        },
        accept_as_set: bit(64),
        enforce_first_as: !bit(128),
        ..SessionContext::new(Asn(65000), remote)
    };
    Some((context, rest))
}

/// How a session of this context writes.
#[must_use]
pub fn encoding(context: &SessionContext) -> Encoding {
    Encoding {
        asn4: context.asn4,
        add_path: context.add_path_send.contains(Family::IPV4_UNICAST),
        max_message: context.max_message,
        mp_ipv4: false,
    }
}
