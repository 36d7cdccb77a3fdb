//! BGP Role (RFC 9234 §4.1): how the sender stands to the receiver, as the sender sees it.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::Capability;
use crate::input::{self, Input, Malformed, malformed};

pub(super) const CODE: u8 = Role::CODE;

/// The role that a speaker has on a session with another AS. Any octet is one; only five have a
/// meaning (RFC 9234, table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(pub u8);

impl Role {
    /// The code of the capability.
    pub(crate) const CODE: u8 = 9;

    /// Sells transit to the peer.
    pub const PROVIDER: Self = Self(0);
    /// Is a route server.
    pub const RS: Self = Self(1);
    /// Is a client of a route server.
    pub const RS_CLIENT: Self = Self(2);
    /// Buys transit of the peer.
    pub const CUSTOMER: Self = Self(3);
    /// Exchanges its own and its customers' routes.
    pub const PEER: Self = Self(4);

    /// The name in the registry "BGP Role Value".
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::PROVIDER => "Provider",
            Self::RS => "RS",
            Self::RS_CLIENT => "RS-Client",
            Self::CUSTOMER => "Customer",
            Self::PEER => "Peer",
            _ => return None,
        })
    }

    /// The role that the other side must have (RFC 9234 §4.2, table 2). There is none for a role
    /// that has no meaning.
    pub fn counterpart(self) -> Option<Self> {
        Some(match self {
            Self::PROVIDER => Self::CUSTOMER,
            Self::CUSTOMER => Self::PROVIDER,
            Self::RS => Self::RS_CLIENT,
            Self::RS_CLIENT => Self::RS,
            Self::PEER => Self::PEER,
            _ => return None,
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "role {}", self.0),
        }
    }
}

pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    let (rest, role) = input::u8("Role")(value).map_err(malformed)?;
    input::end("Role", rest)?;
    Ok(Capability::Role(Role(role)))
}

pub(super) fn encode(role: Role, out: &mut BytesMut) {
    out.put_u8(role.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    /// RFC 9234 §4.1, table 1.
    #[test]
    fn every_octet_round_trips_and_five_have_names() {
        let names = ["Provider", "RS", "RS-Client", "Customer", "Peer"];
        for octet in 0..=u8::MAX {
            let capability = Capability::from_value(9, &[octet]);
            assert_eq!(capability, Capability::Role(Role(octet)));
            assert_eq!(round_trip(&capability), capability);
            assert_eq!(Role(octet).name(), names.get(usize::from(octet)).copied());
        }
        assert_eq!(Capability::Role(Role(3)).to_string(), "role Customer");
        assert_eq!(Capability::Role(Role(9)).to_string(), "role 9");
    }

    /// RFC 9234 §4.2, table 2.
    #[test]
    fn roles_correspond_in_pairs() {
        for (local, remote) in [(0, 3), (3, 0), (1, 2), (2, 1), (4, 4)] {
            assert_eq!(Role(local).counterpart(), Some(Role(remote)));
        }
        assert_eq!(Role(5).counterpart(), None);
    }
}
