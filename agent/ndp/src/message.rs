//! Router Solicitation (RFC 4861 §4.1) and Router Advertisement (§4.2), and their octets from the type of ICMPv6 on.
//!
//! ```text
//!     0                   1                   2                   3
//!     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//!    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//!    |  Type = 133   |     Code      |          Checksum             |
//!    |                            Reserved                           |
//!    |   Options ...
//!
//!    |  Type = 134   |     Code      |          Checksum             |
//!    | Cur Hop Limit |M|O|  Reserved |       Router Lifetime         |
//!    |                         Reachable Time                        |
//!    |                          Retrans Timer                        |
//!    |   Options ...
//!
//!    |     Type      |    Length     |              ...              |
//! ```
//!
//! The checksum is the kernel's business: it computes that of what leaves a socket of ICMPv6, and gives such a socket nothing whose
//! checksum is wrong (RFC 3542 §3.1).

use std::net::Ipv6Addr;

/// The type of a Router Solicitation.
pub const ROUTER_SOLICITATION: u8 = 133;
/// The type of a Router Advertisement.
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// RFC 4861 §6.1: what has passed a router does not have it any more.
pub const HOP_LIMIT: u8 = 255;
/// All nodes of a link.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// All routers of a link.
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

const SOLICITATION_LENGTH: usize = 8;
const ADVERTISEMENT_LENGTH: usize = 16;
/// Options are as long as a multiple of this.
const OPTION_UNIT: usize = 8;
const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;

/// A link-layer address of Ethernet.
pub type LinkAddress = [u8; 6];

/// How a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// From whom.
    pub source: Ipv6Addr,
    /// The hop limit of its IP header.
    pub hop_limit: u8,
}

/// What a router says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Advertisement {
    /// What hosts are to put in their headers; 0 to leave it to others.
    pub current_hop_limit: u8,
    /// The octet with the bits M and O.
    pub flags: u8,
    /// For how many seconds it is a default router; 0 if it is none.
    pub lifetime: u16,
    /// In milliseconds; 0 to leave it to others.
    pub reachable_time: u32,
    /// In milliseconds; 0 to leave it to others.
    pub retransmission_time: u32,
    /// Its link-layer address, where it says it and the link is an Ethernet.
    pub link_address: Option<LinkAddress>,
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// Somebody asks who is a router.
    Solicitation {
        /// Its link-layer address, where it says it and the link is an Ethernet.
        link_address: Option<LinkAddress>,
    },
    /// A router says that it is one.
    Advertisement(Advertisement),
}

/// Why a message is discarded (RFC 4861 §6.1.1, §6.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Discard {
    /// Its hop limit is not 255: it may have come from another link.
    #[error("hop limit")]
    HopLimit,
    /// It is neither of the two.
    #[error("type")]
    Type,
    /// Its code is not 0.
    #[error("code")]
    Code,
    /// It is shorter than its type is, or than its options say.
    #[error("length")]
    Length,
    /// An option has no length.
    #[error("option length")]
    OptionLength,
    /// An advertisement is not from a link-local address.
    #[error("source")]
    Source,
    /// A solicitation from nobody has a link-layer address.
    #[error("link-layer address of nobody")]
    LinkAddress,
    /// It is our own.
    #[error("own")]
    Own,
}

impl Message {
    /// Reads one, with the checks of RFC 4861 §6.1.1 and §6.1.2 but that of the checksum, which the kernel makes.
    ///
    /// # Errors
    /// The first check that it does not pass.
    pub fn decode(octets: &[u8], arrival: &Arrival) -> Result<Self, Discard> {
        if arrival.hop_limit != HOP_LIMIT {
            return Err(Discard::HopLimit);
        }
        let [kind, code, _, _, body @ ..] = octets else {
            return Err(Discard::Length);
        };
        let message = match (*kind, body) {
            (ROUTER_SOLICITATION, [_, _, _, _, options @ ..]) => Self::Solicitation {
                link_address: source_link_address(options)?,
            },
            (
                ROUTER_ADVERTISEMENT,
                [
                    current_hop_limit,
                    flags,
                    l0,
                    l1,
                    a0,
                    a1,
                    a2,
                    a3,
                    r0,
                    r1,
                    r2,
                    r3,
                    options @ ..,
                ],
            ) => Self::Advertisement(Advertisement {
                current_hop_limit: *current_hop_limit,
                flags: *flags,
                lifetime: u16::from_be_bytes([*l0, *l1]),
                reachable_time: u32::from_be_bytes([*a0, *a1, *a2, *a3]),
                retransmission_time: u32::from_be_bytes([*r0, *r1, *r2, *r3]),
                link_address: source_link_address(options)?,
            }),
            (ROUTER_SOLICITATION | ROUTER_ADVERTISEMENT, _) => return Err(Discard::Length),
            _ => return Err(Discard::Type),
        };
        if *code != 0 {
            return Err(Discard::Code);
        }
        match message {
            // "IP Source Address is a link-local address. Routers must use their link-local address as the source for Router
            // Advertisement and Redirect messages so that hosts can uniquely identify routers."
            Self::Advertisement(_) if !arrival.source.is_unicast_link_local() => {
                Err(Discard::Source)
            }
            // "If the IP source address is the unspecified address, there is no source link-layer address option in the message."
            Self::Solicitation {
                link_address: Some(_),
            } if arrival.source.is_unspecified() => Err(Discard::LinkAddress),
            message => Ok(message),
        }
    }

    /// Writes it, with a checksum of zero.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(ADVERTISEMENT_LENGTH + OPTION_UNIT);
        let link_address = match self {
            Self::Solicitation { link_address } => {
                out.push(ROUTER_SOLICITATION);
                out.resize(SOLICITATION_LENGTH, 0);
                link_address
            }
            Self::Advertisement(advertisement) => {
                out.extend([ROUTER_ADVERTISEMENT, 0, 0, 0]);
                out.extend([advertisement.current_hop_limit, advertisement.flags]);
                out.extend(advertisement.lifetime.to_be_bytes());
                out.extend(advertisement.reachable_time.to_be_bytes());
                out.extend(advertisement.retransmission_time.to_be_bytes());
                &advertisement.link_address
            }
        };
        if let Some(link_address) = link_address {
            out.extend([SOURCE_LINK_LAYER_ADDRESS, 1]);
            out.extend(link_address);
        }
        out
    }
}

/// The link-layer address among the options, all of which are looked at, as one without a length spoils the message wherever it is.
///
/// RFC 4861 §6.1.2: "All included options have a length that is greater than zero"; and of options that a message of this kind does
/// not have: "Hosts MUST ignore any options they do not recognize and continue processing" (§4.6 of unknown ones).
fn source_link_address(mut options: &[u8]) -> Result<Option<LinkAddress>, Discard> {
    let mut found = None;
    while let [kind, units, ..] = *options {
        let length = usize::from(units) * OPTION_UNIT;
        if length == 0 {
            return Err(Discard::OptionLength);
        }
        let (option, rest) = options.split_at_checked(length).ok_or(Discard::Length)?;
        // Of another length it is that of another kind of link.
        if let (SOURCE_LINK_LAYER_ADDRESS, [_, _, address @ ..]) = (kind, option) {
            found = found.or_else(|| address.try_into().ok());
        }
        options = rest;
    }
    match options {
        [] => Ok(found),
        _ => Err(Discard::Length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: LinkAddress = [2, 0, 0, 0, 0, 1];
    const FROM: Arrival = Arrival {
        source: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
        hop_limit: 255,
    };

    /// RFC 4861 §4.2, with an MTU and a source link-layer address, as FRR 8.4 sends it.
    fn advertisement() -> Vec<u8> {
        let mut octets = vec![134, 0, 0x12, 0x34, 64, 0xc0, 0x07, 0x08];
        octets.extend([0, 0, 0x75, 0x30, 0, 0, 0x03, 0xe8]);
        octets.extend([5, 1, 0, 0, 0, 0, 0x05, 0xdc]);
        octets.extend([1, 1, 2, 0, 0, 0, 0, 1]);
        octets
    }

    #[test]
    fn every_field_of_an_advertisement_is_read_where_it_stands() {
        let wanted = Advertisement {
            current_hop_limit: 64,
            flags: 0xc0,
            lifetime: 1800,
            reachable_time: 30_000,
            retransmission_time: 1000,
            link_address: Some(MAC),
        };
        let read = Message::decode(&advertisement(), &FROM);
        assert_eq!(read, Ok(Message::Advertisement(wanted)));
    }

    #[test]
    fn a_solicitation_is_read_with_and_without_an_address() {
        let mut octets = vec![133, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        let none = Message::Solicitation { link_address: None };
        assert_eq!(
            Message::decode(&octets, &FROM),
            Ok(none),
            "reserved is ignored"
        );
        octets.extend([1, 1, 2, 0, 0, 0, 0, 1]);
        let link_address = Some(MAC);
        assert_eq!(
            Message::decode(&octets, &FROM),
            Ok(Message::Solicitation { link_address })
        );
        // §6.1.1, the last rule.
        let nobody = Arrival {
            source: Ipv6Addr::UNSPECIFIED,
            ..FROM
        };
        assert_eq!(Message::decode(&octets, &nobody), Err(Discard::LinkAddress));
        assert_eq!(Message::decode(&octets[..8], &nobody), Ok(none));
    }

    /// RFC 4861 §6.1.2, rule by rule.
    #[test]
    fn what_breaks_a_rule_is_discarded() {
        let whole = advertisement();
        let with = |at: usize, octet: u8| {
            let mut octets = whole.clone();
            octets[at] = octet;
            octets
        };
        let far = Arrival {
            hop_limit: 254,
            ..FROM
        };
        let global = Arrival {
            source: "2001:db8::1".parse().unwrap(),
            ..FROM
        };
        for (octets, arrival, why) in [
            (whole.clone(), far, Discard::HopLimit),
            (whole.clone(), global, Discard::Source),
            (with(1, 1), FROM, Discard::Code),
            (with(0, 135), FROM, Discard::Type),
            (whole[..15].to_vec(), FROM, Discard::Length),
            (with(17, 0), FROM, Discard::OptionLength),
            (with(25, 0), FROM, Discard::OptionLength),
            (with(25, 2), FROM, Discard::Length),
            (whole[..31].to_vec(), FROM, Discard::Length),
            (Vec::new(), FROM, Discard::Length),
        ] {
            assert_eq!(Message::decode(&octets, &arrival), Err(why), "{octets:?}");
        }
    }

    #[test]
    fn options_that_nobody_knows_are_passed_over() {
        let mut octets = advertisement()[..16].to_vec();
        octets.extend([253, 2]);
        octets.extend([0xff; 14]);
        // The address of another kind of link, then a second address of this one.
        octets.extend([1, 2]);
        octets.extend([7; 14]);
        octets.extend([1, 1, 2, 0, 0, 0, 0, 1]);
        octets.extend([1, 1, 2, 0, 0, 0, 0, 2]);
        let Ok(Message::Advertisement(read)) = Message::decode(&octets, &FROM) else {
            panic!("not read");
        };
        assert_eq!(read.link_address, Some(MAC));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_again(fields: (u8, u8, u16, u32, u32), mac: Option<[u8; 6]>) {
            let advertisement = Message::Advertisement(Advertisement {
                current_hop_limit: fields.0,
                flags: fields.1,
                lifetime: fields.2,
                reachable_time: fields.3,
                retransmission_time: fields.4,
                link_address: mac,
            });
            for message in [advertisement, Message::Solicitation { link_address: mac }] {
                let octets = message.encode();
                assert_eq!(octets.len() % OPTION_UNIT, 0);
                assert_eq!(Message::decode(&octets, &FROM), Ok(message));
            }
        }

        #[test]
        fn anything_is_read_or_discarded(octets: Vec<u8>, kind: bool, hop_limit: bool) {
            let mut octets = octets;
            if let Some(first) = octets.first_mut() {
                *first = if kind { 133 } else { 134 };
            }
            let arrival = Arrival { hop_limit: if hop_limit { 255 } else { 64 }, ..FROM };
            let read = Message::decode(&octets, &arrival);
            assert!(hop_limit || read.is_err());
        }
    }
}
