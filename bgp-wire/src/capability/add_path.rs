//! ADD-PATH (RFC 7911 §4).

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::{Capability, family, put_family};
use crate::Family;
use crate::error::Reason;
use crate::input::{self, Input, Malformed, Parsed};

pub(super) const CODE: u8 = 69;

/// The direction in which the sender of the capability can handle several paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddPathMode {
    /// It can receive them.
    Receive,
    /// It wants to send them.
    Send,
    /// Both.
    Both,
}

impl AddPathMode {
    /// The mode for two wishes; `None` for neither.
    pub fn new(receive: bool, send: bool) -> Option<Self> {
        match (receive, send) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::Receive),
            (false, true) => Some(Self::Send),
            (false, false) => None,
        }
    }

    /// Whether several paths can be received.
    pub fn receives(self) -> bool {
        matches!(self, Self::Receive | Self::Both)
    }

    /// Whether several paths are to be sent.
    pub fn sends(self) -> bool {
        matches!(self, Self::Send | Self::Both)
    }

    /// The name of the mode.
    pub fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Send => "send",
            Self::Both => "both",
        }
    }

    pub(super) fn code(self) -> u8 {
        match self {
            Self::Receive => 1,
            Self::Send => 2,
            Self::Both => 3,
        }
    }
}

/// RFC 7911 §4: "If any other value is received, then the capability SHOULD be treated as not
/// understood and ignored".
pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    input::all(value, one).map(Capability::AddPath)
}

fn one(input: Input<'_>) -> Parsed<'_, (Family, AddPathMode)> {
    let (rest, family) = family(input)?;
    let (after, code) = input::u8("Send/Receive")(rest)?;
    let mode = match code {
        1 => AddPathMode::Receive,
        2 => AddPathMode::Send,
        3 => AddPathMode::Both,
        other => {
            return Err(
                Malformed::new(rest, "Send/Receive", Reason::Value(u32::from(other))).failure(),
            );
        }
    };
    Ok((after, (family, mode)))
}

pub(super) fn encode(families: &[(Family, AddPathMode)], out: &mut BytesMut) {
    for (family, mode) in families {
        put_family(*family, out);
        out.put_u8(mode.code());
    }
}

pub(super) fn show(families: &[(Family, AddPathMode)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    families
        .iter()
        .try_for_each(|(family, mode)| write!(f, " {family} {}", mode.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    #[test]
    fn directions_round_trip() {
        let modes = [AddPathMode::Receive, AddPathMode::Send, AddPathMode::Both];
        let capability =
            Capability::AddPath(modes.map(|mode| (Family::IPV4_UNICAST, mode)).to_vec());
        assert_eq!(round_trip(&capability), capability);
        for mode in modes {
            assert_eq!(AddPathMode::new(mode.receives(), mode.sends()), Some(mode));
        }
    }
}
