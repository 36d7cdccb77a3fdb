//! AGGREGATOR (RFC 4271 §5.1.7): who formed an aggregate; canonically eight octets.

use std::fmt;
use std::net::Ipv4Addr;

use crate::describe::Fields;
use crate::error::Reason;
use crate::input::{Input, Malformed};
use crate::{Asn, SessionContext};

/// Who formed an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aggregator {
    /// Its AS.
    pub asn: Asn,
    /// Its BGP identifier.
    pub address: Ipv4Addr,
}

impl Aggregator {
    /// The canonical value.
    pub(crate) fn to_bytes(self) -> [u8; 8] {
        let [a, b, c, d] = self.asn.0.to_be_bytes();
        let [e, f, g, h] = self.address.octets();
        [a, b, c, d, e, f, g, h]
    }

    pub(crate) fn from_bytes(value: &[u8]) -> Option<Self> {
        let (asn, rest) = value.split_first_chunk()?;
        let address: [u8; 4] = *rest.first_chunk()?;
        Some(Self {
            asn: Asn(u32::from_be_bytes(*asn)),
            address: address.into(),
        })
    }

    /// As it is with two-octet AS numbers.
    fn from_old_bytes(value: &[u8]) -> Option<Self> {
        let (asn, rest) = value.split_first_chunk()?;
        let address: [u8; 4] = *rest.first_chunk()?;
        Some(Self {
            asn: Asn(u32::from(u16::from_be_bytes(*asn))),
            address: address.into(),
        })
    }

    /// The value for a speaker of two-octet AS numbers, and whether AS4_AGGREGATOR has to go with
    /// it (RFC 6793 §4.2.2).
    pub(crate) fn to_old_bytes(self) -> ([u8; 6], bool) {
        let [a, b] = self.asn.to_two_octets().to_be_bytes();
        let [c, d, e, f] = self.address.octets();
        ([a, b, c, d, e, f], !self.asn.fits_two_octets())
    }
}

impl fmt::Display for Aggregator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.asn, self.address)
    }
}

/// RFC 7606 §7.7 for the length, RFC 7607 §2 for AS 0.
pub(crate) fn read<'a>(
    value: Input<'a>,
    ctx: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    let wanted = if ctx.asn4 { 8 } else { 6 };
    let parsed = if ctx.asn4 {
        Aggregator::from_bytes(value)
    } else {
        Aggregator::from_old_bytes(value)
    };
    match parsed {
        Some(aggregator) if value.len() == wanted => check(aggregator, value).map(|()| {
            out.extend_from_slice(&aggregator.to_bytes());
        }),
        _ => Err(Malformed::new(
            value,
            "AGGREGATOR",
            Reason::Length(value.len()),
        )),
    }
}

/// RFC 7607 §2.
pub(super) fn check(aggregator: Aggregator, value: Input<'_>) -> Result<(), Malformed<'_>> {
    if aggregator.asn.0 == 0 {
        return Err(Malformed::new(value, "AGGREGATOR AS", Reason::Value(0)));
    }
    Ok(())
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match Aggregator::from_bytes(value) {
        Some(aggregator) => write!(f, "aggregator {aggregator}"),
        None => Ok(()),
    }
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    if let Some(aggregator) = Aggregator::from_bytes(value) {
        fields.number("as", aggregator.asn.0);
        fields.text("address", aggregator.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_form_says_as_trans_for_what_does_not_fit() {
        let address = Ipv4Addr::new(192, 0, 2, 1);
        let large = Aggregator {
            asn: Asn(4_200_000_000),
            address,
        };
        assert_eq!(large.to_old_bytes(), ([0x5b, 0xa0, 192, 0, 2, 1], true));
        let small = Aggregator {
            asn: Asn(65000),
            address,
        };
        assert_eq!(small.to_old_bytes(), ([0xfd, 0xe8, 192, 0, 2, 1], false));
        assert_eq!(Aggregator::from_bytes(&large.to_bytes()), Some(large));
        assert_eq!(large.to_string(), "4200000000 192.0.2.1");
    }
}
