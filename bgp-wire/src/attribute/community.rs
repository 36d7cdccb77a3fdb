//! COMMUNITIES (RFC 1997).

use std::fmt;
use std::str::FromStr;

use super::sorted;
use crate::SessionContext;
use crate::input::{Input, Malformed};

/// A community: by custom an AS and a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u32);

impl Community {
    /// Not to be told to external peers (RFC 1997).
    pub const NO_EXPORT: Self = Self(0xffff_ff01);
    /// Not to be told to any peer (RFC 1997).
    pub const NO_ADVERTISE: Self = Self(0xffff_ff02);
    /// Not to be told to external peers, also not inside of a confederation (RFC 1997).
    pub const NO_EXPORT_SUBCONFED: Self = Self(0xffff_ff03);
    /// Not to be told to bilateral peers (RFC 3765).
    pub const NO_PEER: Self = Self(0xffff_ff04);
    /// About to be shut down (RFC 8326).
    pub const GRACEFUL_SHUTDOWN: Self = Self(0xffff_0000);
    /// Accept the own community (RFC 7611).
    pub const ACCEPT_OWN: Self = Self(0xffff_0001);
    /// Stale, kept by long-lived graceful restart (RFC 9494).
    pub const LLGR_STALE: Self = Self(0xffff_0006);
    /// Not to be kept by long-lived graceful restart (RFC 9494).
    pub const NO_LLGR: Self = Self(0xffff_0007);
    /// Traffic is to be dropped (RFC 7999).
    pub const BLACKHOLE: Self = Self(0xffff_029a);

    /// `high:low`.
    pub const fn new(high: u16, low: u16) -> Self {
        Self(((high as u32) << 16) | low as u32)
    }

    /// The two halves.
    pub fn halves(self) -> (u16, u16) {
        let [a, b, c, d] = self.0.to_be_bytes();
        (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
    }
}

const NAMES: &[(Community, &str)] = &[
    (Community::NO_EXPORT, "no-export"),
    (Community::NO_ADVERTISE, "no-advertise"),
    (Community::NO_EXPORT_SUBCONFED, "no-export-subconfed"),
    (Community::NO_PEER, "no-peer"),
    (Community::GRACEFUL_SHUTDOWN, "graceful-shutdown"),
    (Community::ACCEPT_OWN, "accept-own"),
    (Community::LLGR_STALE, "llgr-stale"),
    (Community::NO_LLGR, "no-llgr"),
    (Community::BLACKHOLE, "blackhole"),
];

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(community, _)| community == self) {
            Some((_, name)) => f.pad(name),
            None => {
                let (high, low) = self.halves();
                write!(f, "{high}:{low}")
            }
        }
    }
}

/// A text that is no community of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind}: expected {expected}")]
pub struct ParseCommunityError {
    pub(super) text: Box<str>,
    pub(super) kind: &'static str,
    pub(super) expected: &'static str,
}

/// Reads `65000:100` and the well-known names.
impl FromStr for Community {
    type Err = ParseCommunityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        if let Some((community, _)) = NAMES.iter().find(|(_, name)| *name == lower) {
            return Ok(*community);
        }
        let halves = text
            .split_once(':')
            .and_then(|(high, low)| Some(Self::new(number(high)?, number(low)?)));
        halves.ok_or_else(|| ParseCommunityError {
            text: text.into(),
            kind: "community",
            expected: "`65000:100` (both below 65536) or a name such as `no-export`",
        })
    }
}

/// A number in digits only.
pub(super) fn number<T: FromStr>(text: &str) -> Option<T> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    sorted::read::<4>("COMMUNITIES", value, out)
}

pub(super) fn iter(value: &[u8]) -> impl Iterator<Item = Community> + Clone + use<'_> {
    value
        .as_chunks()
        .0
        .iter()
        .map(|four| Community(u32::from_be_bytes(*four)))
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("communities")?;
    iter(value).try_for_each(|community| write!(f, " {community}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back() {
        for (text, community) in [
            ("65000:100", Community::new(65000, 100)),
            ("0:0", Community(0)),
            ("no-export", Community::NO_EXPORT),
            ("blackhole", Community::new(65535, 666)),
        ] {
            assert_eq!(text.parse(), Ok(community));
            assert_eq!(community.to_string(), text);
        }
        for text in ["", "1", "65536:1", "1:65536", "1:2:3", "+1:2", "no-exports"] {
            assert!(text.parse::<Community>().is_err(), "{text}");
        }
    }
}
