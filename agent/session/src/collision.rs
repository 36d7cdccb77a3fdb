//! Which of two connections to one peer is kept.

use bgp_wire::{Asn, RouterId};

/// Who opened a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// We did.
    Outgoing,
    /// The peer did.
    Incoming,
}

impl Side {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Outgoing => Self::Incoming,
            Self::Incoming => Self::Outgoing,
        }
    }
}

/// RFC 4271 §6.8, applied when an OPEN has come in on one of two connections and the other is in OpenConfirm:
///
/// > 1) The BGP Identifier of the local system is compared to the BGP Identifier of the remote system (as specified in
/// >    the OPEN message). Comparing BGP Identifiers is done by converting them to host byte order and treating them as
/// >    4-octet unsigned integers.
/// >
/// > 2) If the value of the local BGP Identifier is less than the remote one, the local system closes the BGP connection
/// >    that already exists (the one that is already in the OpenConfirm state), and accepts the BGP connection initiated by
/// >    the remote system.
/// >
/// > 3) Otherwise, the local system closes the newly created BGP connection (the one associated with the newly received
/// >    OPEN message), and continues to use the existing one (the one that is already in the OpenConfirm state).
///
/// The text takes it that the newcomer was opened by the remote system when its identifier is higher; both sides only
/// agree if that is the rule: the connection that the side with the higher identifier *opened* is kept, whichever came
/// first. For equal identifiers RFC 6286 §2.3 has the higher AS number decide.
///
/// Returns which connection is kept.
pub fn survivor(local: (RouterId, Asn), remote: (RouterId, Asn)) -> Side {
    if local < remote {
        Side::Incoming
    } else {
        Side::Outgoing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_keep_the_same_connection() {
        // (identifier, AS) of A and B, and whose connection is kept.
        let table = [
            ((1, 65001), (2, 65002), 'B'),
            ((2, 65001), (1, 65002), 'A'),
            ((1, 65001), (1, 65002), 'B'),
            ((1, 65002), (1, 65001), 'A'),
            ((0x0100_0000, 1), (0x00ff_ffff, 2), 'A'),
        ];
        for (a, b, kept) in table {
            let speaker = |(id, asn)| (RouterId(id), Asn(asn));
            let at_a = survivor(speaker(a), speaker(b));
            let at_b = survivor(speaker(b), speaker(a));
            assert_eq!(at_a == Side::Outgoing, kept == 'A', "A={a:?} B={b:?}");
            assert_eq!(at_b, at_a.other(), "A={a:?} B={b:?}");
        }
    }
}
