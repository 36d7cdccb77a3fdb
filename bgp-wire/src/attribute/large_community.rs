//! LARGE_COMMUNITIES (RFC 8092).

use std::fmt;
use std::str::FromStr;

use super::sorted;
use crate::SessionContext;
use crate::describe::{Fields, Node};
use crate::input::{Input, Malformed};
use crate::text::{ParseTextError, parse};

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

/// Reads three numbers with `:` between them.
impl FromStr for LargeCommunity {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, "large community", |scanner| {
            let global = scanner.u32()?;
            scanner.expect(":")?;
            let data1 = scanner.u32()?;
            scanner.expect(":")?;
            let data2 = scanner.u32()?;
            Ok(Self {
                global,
                data1,
                data2,
            })
        })
    }
}

/// RFC 8092 §3: "A receiving speaker MUST silently remove redundant BGP Large Community values from a
/// BGP Large Community attribute", which sorting does by itself.
pub(crate) fn read<'a>(
    value: Input<'a>,
    ctx: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    sorted::read::<12>("LARGE_COMMUNITIES", value, ctx, out)?;
    if ctx.keep_order {
        sorted::drop_repeated::<12>(value, out);
    }
    Ok(())
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

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    fields.list("large_communities", iter(value).map(Node::text));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8092 §3.
    #[test]
    fn repeated_ones_go_and_the_order_stays() {
        let ctx = SessionContext {
            keep_order: true,
            ..SessionContext::new(crate::Asn(1), crate::Asn(1))
        };
        let [one, two, three] = [1, 2, 3].map(|number| [number; 12]);
        for (value, kept) in [
            (vec![three, one, two], vec![]),
            (vec![one, two, three], vec![]),
            (vec![three, one, three, two, one], vec![three, one, two]),
            (vec![one, one], vec![one]),
        ] {
            let mut out = vec![7];
            read(value.as_flattened(), &ctx, &mut out).unwrap();
            assert_eq!(out[1..], *kept.as_flattened());
        }
    }

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
        for (text, character) in [
            ("1:2", 4),
            ("1:2:3:4", 6),
            ("1:2:4294967296", 5),
            ("a:b:c", 1),
            ("1::2", 3),
        ] {
            let error = text.parse::<LargeCommunity>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
    }
}
