//! TABLE_DUMP_V2 (RFC 6396 §4.3, RFC 8050 §4) and TABLE_DUMP (RFC 6396 §4.2): the routes a collector has.

use std::net::IpAddr;

use bgp_wire::{AFI_IPV4, AFI_IPV6, Asn, Family, RouterId};

use super::{Content, Fields, Wrong};

/// The peers of a collector, by whose place in the list the routes after it name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerIndex<'a> {
    /// The BGP identifier of the collector.
    pub collector: RouterId,
    /// The name of the view, as it is in the record.
    pub view: &'a [u8],
    /// The peers.
    pub peers: Vec<Peer>,
}

/// A peer of a collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its BGP identifier.
    pub id: RouterId,
    /// Its address.
    pub address: IpAddr,
    /// Its AS.
    pub asn: Asn,
}

/// The routes to one prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rib<'a> {
    /// The number of the record in the dump.
    pub sequence: u32,
    /// The family of the prefix.
    pub family: Family,
    /// The prefix, as it is in an UPDATE without a path identifier.
    pub nlri: &'a [u8],
    /// How many routes there are, as the record says.
    pub count: u16,
    /// The routes.
    pub entries: Entries<'a>,
}

/// The routes of a [`Rib`], in order. `None` comes early if the record ends before its last one;
/// [`Entries::is_whole`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entries<'a> {
    left: u16,
    add_path: bool,
    fields: Fields<'a>,
}

/// One route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The place of the peer in the [`PeerIndex`].
    pub peer: u16,
    /// When it came, in seconds since 1970.
    pub originated: u32,
    /// The path identifier, if it has one.
    pub path_id: Option<u32>,
    /// The path attributes, with four octets for each AS. MP_REACH_NLRI holds the next hop only (RFC
    /// 6396 §4.3.4), though some collectors write it whole.
    pub attributes: &'a [u8],
}

/// A route, in the older form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableDump<'a> {
    /// The view.
    pub view: u16,
    /// The number of the record in the dump.
    pub sequence: u16,
    /// The prefix.
    pub prefix: IpAddr,
    /// Its length.
    pub bits: u8,
    /// When it came, in seconds since 1970.
    pub originated: u32,
    /// The address of the peer.
    pub peer: IpAddr,
    /// The AS of the peer.
    pub peer_as: Asn,
    /// The path attributes, with two octets for each AS.
    pub attributes: &'a [u8],
}

pub(super) fn subtype_name(subtype: u16) -> Option<&'static str> {
    Some(match subtype {
        1 => "PEER_INDEX_TABLE",
        2 => "RIB_IPV4_UNICAST",
        3 => "RIB_IPV4_MULTICAST",
        4 => "RIB_IPV6_UNICAST",
        5 => "RIB_IPV6_MULTICAST",
        6 => "RIB_GENERIC",
        7 => "GEO_PEER_TABLE",
        8 => "RIB_IPV4_UNICAST_ADDPATH",
        9 => "RIB_IPV4_MULTICAST_ADDPATH",
        10 => "RIB_IPV6_UNICAST_ADDPATH",
        11 => "RIB_IPV6_MULTICAST_ADDPATH",
        12 => "RIB_GENERIC_ADDPATH",
        _ => return None,
    })
}

pub(super) fn read(subtype: u16, body: &[u8]) -> Result<Content<'_>, Wrong> {
    let mut fields = Fields(body);
    let family = match subtype {
        1 => return peer_index(fields).map(Content::PeerIndex),
        2 | 8 => Family::new(AFI_IPV4, 1),
        3 | 9 => Family::new(AFI_IPV4, 2),
        4 | 10 => Family::new(AFI_IPV6, 1),
        5 | 11 => Family::new(AFI_IPV6, 2),
        6 | 12 => Family::new(0, 0),
        _ => return Ok(Content::Unknown),
    };
    let sequence = fields.u32("Sequence Number")?;
    let family = if family.afi == 0 {
        Family::new(
            fields.u16("Address Family Identifier")?,
            fields.u8("Subsequent AFI")?,
        )
    } else {
        family
    };
    // Where the NLRI ends, and so what follows, only their family tells.
    if !family.is_supported() {
        return Ok(Content::UnknownFamily(family));
    }
    let length = nlri_length(family, fields.0).ok_or(Wrong("Prefix"))?;
    let nlri = fields.octets(length, "Prefix")?;
    let count = fields.u16("Entry Count")?;
    Ok(Content::Rib(Rib {
        sequence,
        family,
        nlri,
        count,
        entries: Entries {
            left: count,
            add_path: subtype >= 8,
            fields,
        },
    }))
}

/// How many octets the NLRI at the front takes. A record of the generic form does not say it, so the
/// families have to be known.
fn nlri_length(family: Family, nlri: &[u8]) -> Option<usize> {
    let first = usize::from(*nlri.first()?);
    match (family.afi, family.safi) {
        // A length in octets: flow specification (RFC 8955 §4.1), VPLS (RFC 4761 §3.2.2), EVPN and
        // multicast VPN behind a type, BGP-LS behind one of two octets.
        (_, 133 | 134) if first < 0xf0 => Some(1 + first),
        (_, 133 | 134) => Some(2 + ((first & 0x0f) << 8 | usize::from(*nlri.get(1)?))),
        (25, 65) => Some(2 + (first << 8 | usize::from(*nlri.get(1)?))),
        (25, 70) | (_, 5) => Some(2 + usize::from(*nlri.get(1)?)),
        (16388, _) => {
            let length = [*nlri.get(2)?, *nlri.get(3)?];
            Some(4 + usize::from(u16::from_be_bytes(length)))
        }
        // A length in bits.
        _ => Some(1 + first.div_ceil(8)),
    }
}

impl Entries<'_> {
    /// Whether all entries that the record announces are there.
    pub fn is_whole(mut self) -> bool {
        self.by_ref().for_each(drop);
        self.left == 0
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.left.checked_sub(1)?;
        let mut fields = self.fields;
        let entry = entry(&mut fields, self.add_path).ok()?;
        self.fields = fields;
        self.left = left;
        Some(entry)
    }
}

fn entry<'a>(fields: &mut Fields<'a>, add_path: bool) -> Result<Entry<'a>, Wrong> {
    let peer = fields.u16("Peer Index")?;
    let originated = fields.u32("Originated Time")?;
    let path_id = if add_path {
        Some(fields.u32("Path Identifier")?)
    } else {
        None
    };
    let length = fields.u16("Attribute Length")?;
    Ok(Entry {
        peer,
        originated,
        path_id,
        attributes: fields.octets(usize::from(length), "BGP Attributes")?,
    })
}

fn peer_index(mut fields: Fields<'_>) -> Result<PeerIndex<'_>, Wrong> {
    let collector = RouterId(fields.u32("Collector BGP ID")?);
    let length = fields.u16("View Name Length")?;
    let view = fields.octets(usize::from(length), "View Name")?;
    let count = fields.u16("Peer Count")?;
    let mut peers = Vec::new();
    for _ in 0..count {
        // RFC 6396 §4.3.1: bit 0 is the address, bit 1 the AS.
        let kind = fields.u8("Peer Type")?;
        let id = RouterId(fields.u32("Peer BGP ID")?);
        let afi = if kind & 1 == 0 { AFI_IPV4 } else { AFI_IPV6 };
        let address = fields.address(afi, "Peer IP Address")?;
        let asn = Asn(fields.asn(kind & 2 != 0, "Peer AS")?);
        peers.push(Peer { id, address, asn });
    }
    Ok(PeerIndex {
        collector,
        view,
        peers,
    })
}

pub(super) fn read_old(subtype: u16, body: &[u8]) -> Result<Content<'_>, Wrong> {
    if !matches!(subtype, AFI_IPV4 | AFI_IPV6) {
        return Ok(Content::Unknown);
    }
    let mut fields = Fields(body);
    let view = fields.u16("View Number")?;
    let sequence = fields.u16("Sequence Number")?;
    let prefix = fields.address(subtype, "Prefix")?;
    let bits = fields.u8("Prefix Length")?;
    if bits > if prefix.is_ipv4() { 32 } else { 128 } {
        return Err(Wrong("Prefix Length"));
    }
    let _status = fields.u8("Status")?;
    let originated = fields.u32("Originated Time")?;
    let peer = fields.address(subtype, "Peer IP Address")?;
    let peer_as = Asn(u32::from(fields.u16("Peer AS")?));
    let length = fields.u16("Attribute Length")?;
    Ok(Content::TableDump(TableDump {
        view,
        sequence,
        prefix,
        bits,
        originated,
        peer,
        peer_as,
        attributes: fields.octets(usize::from(length), "BGP Attribute")?,
    }))
}
