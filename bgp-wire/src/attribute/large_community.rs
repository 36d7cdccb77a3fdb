//! LARGE_COMMUNITIES (RFC 8092).

use std::fmt;
use std::str::FromStr;

use super::community::{ParseCommunityError, number};
use super::sorted;
use crate::SessionContext;
use crate::input::{Input, Malformed};

/// A large community: an AS and two numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity {
    /// Global Administrator.
    pub global: u32,
    /// Local Data Part 1.
    pub data1: u32,
    /// Local Data Part 2.
    pub data2: u32,
}

impl LargeCommunity {
    pub(super) fn from_bytes(bytes: [u8; 12]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
        Self {
            global: u32::from_be_bytes([a, b, c, d]),
            data1: u32::from_be_bytes([e, f, g, h]),
            data2: u32::from_be_bytes([i, j, k, l]),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; 12] {
        let [a, b, c, d] = self.global.to_be_bytes();
        let [e, f, g, h] = self.data1.to_be_bytes();
        let [i, j, k, l] = self.data2.to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.global, self.data1, self.data2)
    }
}

impl FromStr for LargeCommunity {
    type Err = ParseCommunityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':').map(number);
        let mut part = || parts.next().flatten();
        match (part(), part(), part(), parts.next()) {
            (Some(global), Some(data1), Some(data2), None) => Ok(Self {
                global,
                data1,
                data2,
            }),
            _ => Err(ParseCommunityError {
                text: text.into(),
                kind: "large community",
                expected: "`65000:1:2`, three numbers below 4294967296",
            }),
        }
    }
}

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    sorted::read::<12>("LARGE_COMMUNITIES", value, out)
}

pub(super) fn iter(value: &[u8]) -> impl Iterator<Item = LargeCommunity> + Clone + use<'_> {
    value
        .as_chunks()
        .0
        .iter()
        .map(|twelve| LargeCommunity::from_bytes(*twelve))
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("large-communities")?;
    iter(value).try_for_each(|community| write!(f, " {community}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back() {
        let community = LargeCommunity {
            global: 4_200_000_000,
            data1: 1,
            data2: u32::MAX,
        };
        assert_eq!(community.to_string(), "4200000000:1:4294967295");
        assert_eq!(community.to_string().parse(), Ok(community));
        assert_eq!(LargeCommunity::from_bytes(community.to_bytes()), community);
        for text in ["1:2", "1:2:3:4", "1:2:4294967296", "a:b:c", "1::2"] {
            assert!(text.parse::<LargeCommunity>().is_err(), "{text}");
        }
    }
}
