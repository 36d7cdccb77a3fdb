//! A table dump in MRT format (RFC 6396 §4.3), the way to give GoBGP many routes at once.

use std::net::IpAddr;

use anyhow::{Context, Result};
use bytes::{BufMut, BytesMut};

const TABLE_DUMP_V2: u16 = 13;
const PEER_INDEX_TABLE: u16 = 1;
const RIB_IPV4_UNICAST: u16 = 2;
const RIB_IPV6_UNICAST: u16 = 4;

/// How much of MP_REACH_NLRI the entries of an IPv6 table hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MpReach {
    /// The next hop alone, as RFC 6396 §4.3.4 wants it.
    NextHop,
    /// The whole attribute: all that GoBGP 3.10 can read.
    Whole,
}

/// One dump with one path for each prefix: empty AS_PATH, ORIGIN IGP, `next_hop`.
pub(super) fn table_dump(
    v6: bool,
    prefixes: &[String],
    next_hop: IpAddr,
    mp_reach: MpReach,
) -> Result<BytesMut> {
    let mut out = BytesMut::new();
    let mut index = BytesMut::new();
    index.put_u32(0x0aff_0001); // collector
    index.put_u16(0); // view name length
    index.put_u16(1); // peers
    index.put_u8(2); // IPv4 address, AS of four octets
    index.put_u32(0x0aff_0001);
    index.put_u32(0);
    index.put_u32(0);
    record(&mut out, PEER_INDEX_TABLE, &index)?;
    let kind = if v6 {
        RIB_IPV6_UNICAST
    } else {
        RIB_IPV4_UNICAST
    };
    for (n, prefix) in prefixes.iter().enumerate() {
        let (address, length) = prefix.split_once('/').context("prefix without a length")?;
        let length: u8 = length.parse()?;
        let mut entry = BytesMut::new();
        entry.put_u32(u32::try_from(n)?);
        let octets = match address.parse()? {
            IpAddr::V4(a) => a.octets().to_vec(),
            IpAddr::V6(a) => a.octets().to_vec(),
        };
        let nlri = [&[length], &octets[..usize::from(length).div_ceil(8)]].concat();
        entry.put_slice(&nlri);
        let attributes = attributes(v6, next_hop, &nlri, mp_reach)?;
        entry.put_u16(1); // entries
        entry.put_u16(0); // peer index
        entry.put_u32(0); // originated
        entry.put_u16(u16::try_from(attributes.len())?);
        entry.put_slice(&attributes);
        record(&mut out, kind, &entry)?;
    }
    Ok(out)
}

fn record(out: &mut BytesMut, subtype: u16, body: &[u8]) -> Result<()> {
    out.put_u32(0);
    out.put_u16(TABLE_DUMP_V2);
    out.put_u16(subtype);
    out.put_u32(u32::try_from(body.len())?);
    out.put_slice(body);
    Ok(())
}

fn attributes(v6: bool, next_hop: IpAddr, nlri: &[u8], mp_reach: MpReach) -> Result<BytesMut> {
    let mut out = BytesMut::new();
    out.put_slice(&[0x40, 1, 1, 0]); // ORIGIN IGP
    out.put_slice(&[0x40, 2, 0]); // AS_PATH, empty
    match next_hop {
        IpAddr::V6(a) if v6 && mp_reach == MpReach::NextHop => {
            out.put_slice(&[0x80, 14, 17, 16]);
            out.put_slice(&a.octets());
        }
        IpAddr::V6(a) if v6 => {
            out.put_slice(&[0x80, 14, u8::try_from(21 + nlri.len())?, 0, 2, 1, 16]);
            out.put_slice(&a.octets());
            out.put_u8(0);
            out.put_slice(nlri);
        }
        IpAddr::V4(a) => {
            out.put_slice(&[0x40, 3, 4]);
            out.put_slice(&a.octets());
        }
        IpAddr::V6(_) => {
            anyhow::bail!("an IPv4 route with an IPv6 next hop has no place in a dump")
        }
    }
    Ok(out)
}
