//! ORIGIN (RFC 4271 §5.1.1).

use std::fmt;
use std::str::FromStr;

use crate::SessionContext;
use crate::describe::Fields;
use crate::error::Reason;
use crate::input::{Input, Malformed};

/// Where a route came into BGP. The order is that of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// From inside of its AS.
    Igp,
    /// From EGP.
    Egp,
    /// From something else.
    Incomplete,
}

impl Origin {
    /// The origin with this number.
    #[inline]
    pub fn from_u8(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Igp),
            1 => Some(Self::Egp),
            2 => Some(Self::Incomplete),
            _ => None,
        }
    }

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Igp => "IGP",
            Self::Egp => "EGP",
            Self::Incomplete => "INCOMPLETE",
        }
    }

    /// The number of the origin.
    pub fn code(self) -> u8 {
        match self {
            Self::Igp => 0,
            Self::Egp => 1,
            Self::Incomplete => 2,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Igp => "igp",
            Self::Egp => "egp",
            Self::Incomplete => "incomplete",
        })
    }
}

/// A text that is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `igp`, `egp` or `incomplete`")]
pub struct ParseOriginError;

impl FromStr for Origin {
    type Err = ParseOriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "igp" => Ok(Self::Igp),
            "egp" => Ok(Self::Egp),
            "incomplete" => Ok(Self::Incomplete),
            _ => Err(ParseOriginError),
        }
    }
}

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    _: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    match value {
        [0..=2] => Ok(()),
        [code] => Err(Malformed::new(
            value,
            "ORIGIN",
            Reason::Value(u32::from(*code)),
        )),
        _ => Err(Malformed::new(value, "ORIGIN", Reason::Length(value.len()))),
    }
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value.first().copied().and_then(Origin::from_u8) {
        Some(origin) => write!(f, "origin {origin}"),
        None => Ok(()),
    }
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    if let Some(origin) = value.first().copied().and_then(Origin::from_u8) {
        fields.named("origin", origin.code(), Some(origin.name()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_numbers_agree() {
        for code in 0..=2 {
            let origin = Origin::from_u8(code).unwrap();
            assert_eq!(origin.code(), code);
            assert_eq!(origin.to_string().parse(), Ok(origin));
        }
        assert_eq!(Origin::from_u8(3), None);
        assert!("none".parse::<Origin>().is_err());
    }
}
