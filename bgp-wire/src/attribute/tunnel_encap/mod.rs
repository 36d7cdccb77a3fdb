//! TUNNEL_ENCAPSULATION (RFC 9012): the tunnels that lead to a next hop, and what has to be known to
//! use them. SR policies (RFC 9830) are a kind of tunnel.
//!
//! - `sub_tlv` is the table of what describes a tunnel.
//! - `segment` is the table of what a segment list of an SR policy is made of.
//!
//! That a tunnel needs exactly one Tunnel Egress Endpoint depends on the family of the route (RFC
//! 9012 §3.1, §6), which an attribute does not know: whoever uses the tunnel asks for it.

/// A table of kinds of sub-TLVs, one line each: number, registered name, the lengths it may have (none
/// for any), and what it is made of.
macro_rules! kinds {
    ($($number:tt $name:literal, [$($length:literal),*], [$($field:expr),*];)*) => {
        const KINDS: &[Kind] = &[$(Kind {
            number: $number,
            name: $name,
            lengths: &[$($length),*],
            layout: &[$($field),*],
        },)*];
    };
}

mod segment;
mod sub_tlv;

use std::fmt;

use super::ext_community::Names;
use super::layout::{self, Field};
use super::tlv::{self, Shape, Tlv};
use crate::SessionContext;
use crate::describe::{Fields, Node};
use crate::error::{Disposition, Reason};
use crate::faults::{Faults, severest};
use crate::input::{Input, Malformed};

/// A kind of sub-TLV.
struct Kind {
    number: u16,
    /// The registered name.
    name: &'static str,
    /// The lengths it may have; none for any.
    lengths: &'static [usize],
    layout: &'static [Field],
}

/// The registry "BGP Tunnel Encapsulation Attribute Tunnel Types": number, name in texts, registered
/// name.
pub(crate) const TUNNEL_TYPES: Names = &[
    (1, "l2tpv3", "L2TPv3 over IP"),
    (2, "gre", "GRE"),
    (
        3,
        "transmit-tunnel-endpoint",
        "Transmit tunnel endpoint (DEPRECATED)",
    ),
    (4, "ipsec", "IPsec in Tunnel-mode (DEPRECATED)"),
    (
        5,
        "ip-in-ip-ipsec",
        "IP in IP tunnel with IPsec Transport Mode (DEPRECATED)",
    ),
    (
        6,
        "mpls-in-ip-ipsec",
        "MPLS-in-IP tunnel with IPsec Transport Mode (DEPRECATED)",
    ),
    (7, "ip-in-ip", "IP in IP"),
    (8, "vxlan", "VXLAN Encapsulation"),
    (9, "nvgre", "NVGRE Encapsulation"),
    (10, "mpls", "MPLS Encapsulation"),
    (11, "mpls-in-gre", "MPLS in GRE Encapsulation"),
    (12, "vxlan-gpe", "VXLAN GPE Encapsulation"),
    (13, "mpls-in-udp", "MPLS in UDP Encapsulation"),
    (14, "ipv6-tunnel", "IPv6 Tunnel"),
    (15, "sr-policy", "SR Policy"),
    (16, "bare", "Bare"),
    (17, "sr-tunnel", "SR Tunnel (DEPRECATED)"),
    (18, "cloud-security", "Cloud Security"),
    (19, "geneve", "Geneve Encapsulation"),
    (20, "any-encapsulation", "Any-Encapsulation"),
    (21, "gtp", "GTP Tunnel Type"),
    (
        22,
        "dps",
        "Dynamic Path Selection (DPS) Tunnel Encapsulation",
    ),
    (24, "dps-policy", "Dynamic Path Selection (DPS) Policy"),
];

/// The tunnel type of an SR policy (RFC 9830 §2.2).
const SR_POLICY: u16 = 15;

/// Whether there is nothing but an SR policy, as far as can be read.
pub(crate) fn is_sr_policy(value: &[u8]) -> bool {
    let mut tunnels = tlv::iter(Shape::TwoTwo, value).peekable();
    tunnels.peek().is_some() && tunnels.all(|tunnel| tunnel.kind == SR_POLICY)
}

fn type_name(tunnel_type: u16) -> Option<&'static str> {
    TUNNEL_TYPES
        .iter()
        .find(|(number, ..)| *number == u32::from(tunnel_type))
        .map(|(.., registered)| *registered)
}

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    let start = out.len();
    let worst = severest(Disposition::TreatAsWithdraw, |note| {
        walk(value, |tunnel| out.extend_from_slice(tunnel.whole), note);
    });
    if worst.is_some_and(|error| !error.is_harmless()) {
        out.truncate(start);
    }
    worst.map_or(Ok(()), Err)
}

pub(crate) fn each_fault<'a>(value: Input<'a>, _: &SessionContext, all: &mut Faults<'a>) {
    walk(value, |_| {}, &mut |fault| all.add(fault));
}

/// Hands the tunnels that stay to `keep`, and all that is wrong to `note`.
fn walk<'a>(value: Input<'a>, mut keep: impl FnMut(Tlv<'a>), note: &mut dyn FnMut(Malformed<'a>)) {
    let (mut kept, mut policies, mut malformed) = (false, 0, false);
    let mut say = |fault: Malformed<'a>| {
        malformed |= !fault.is_harmless();
        note(fault);
    };
    let framing = tlv::each(Shape::TwoTwo, "Tunnel TLV", value, |tunnel| {
        let mut usable = true;
        // RFC 9830 §2.2: "A Tunnel Encapsulation Attribute MUST NOT contain more than one TLV of type
        // "SR Policy"; such updates MUST be considered malformed and handled by the
        // "treat-as-withdraw" strategy".
        policies += usize::from(tunnel.kind == SR_POLICY);
        if tunnel.kind == SR_POLICY && policies > 1 {
            let twice = Reason::Text("is not the only SR policy");
            say(Malformed::new(tunnel.whole, "Tunnel TLV", twice));
        }
        let sub_tlvs = tlv::each(
            Shape::OneVaries,
            "Tunnel Sub-TLV",
            tunnel.value,
            |sub_tlv| {
                if tunnel.kind == SR_POLICY {
                    sub_tlv::check_sr_policy(sub_tlv, &mut say);
                    return Ok(());
                }
                // RFC 9012 §13: a TLV with a malformed Tunnel Egress Endpoint "MUST be ignored" and "MUST
                // be removed from the Tunnel Encapsulation attribute before" the route is distributed.
                // Other malformed sub-TLVs count as unrecognized and stay.
                if let Some(fault) = sub_tlv::fault(tunnel.kind, sub_tlv) {
                    usable &= sub_tlv.kind != sub_tlv::TUNNEL_EGRESS_ENDPOINT;
                    say(fault.asking(Disposition::None));
                }
                Ok(())
            },
        );
        // RFC 9012 §13: "The final octet of a TLV MUST also be the final octet of its final
        // sub-TLV."
        sub_tlvs.unwrap_or_else(&mut say);
        if usable {
            kept = true;
            keep(tunnel);
        }
        Ok(())
    });
    framing.unwrap_or_else(&mut say);
    // RFC 9012 §13: treat-as-withdraw if the attribute "does not have any valid TLVs".
    if !kept && !malformed {
        let none = Reason::Text("has no valid TLV");
        note(Malformed::new(value, "TUNNEL_ENCAPSULATION", none));
    }
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut fields = Fields::new();
    describe(value, &mut fields);
    f.write_str("tunnel-encapsulation ")?;
    layout::show(&fields, f)
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    let tunnels = tlv::iter(Shape::TwoTwo, value).map(|tunnel: Tlv<'_>| {
        Node::fields(|fields| {
            fields.named("tunnel_type", tunnel.kind, type_name(tunnel.kind));
            let sub_tlvs = tlv::iter(Shape::OneVaries, tunnel.value);
            let sub_tlvs = sub_tlvs.map(|sub_tlv| sub_tlv::describe(tunnel.kind, sub_tlv));
            fields.list("sub_tlvs", sub_tlvs);
        })
    });
    fields.list("tunnels", tunnels);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Asn;

    fn read_it(value: &[u8]) -> Option<Vec<u8>> {
        let (ctx, mut out) = (SessionContext::new(Asn(1), Asn(1)), Vec::new());
        match read(value, &ctx, &mut out) {
            Err(error) if !error.is_harmless() => None,
            _ => Some(out),
        }
    }

    fn tunnel(kind: u16, sub_tlvs: &[u8]) -> Vec<u8> {
        let mut value = kind.to_be_bytes().to_vec();
        value.extend(u16::try_from(sub_tlvs.len()).unwrap().to_be_bytes());
        value.extend(sub_tlvs);
        value
    }

    /// RFC 9012 §3.1: four reserved octets, a family and an address of it.
    const ENDPOINT: [u8; 12] = [6, 10, 0, 0, 0, 0, 0, 1, 192, 0, 2, 1];

    /// RFC 9012 §13.
    #[test]
    fn tunnels_with_a_bad_endpoint_are_removed_and_others_stay() {
        let good = tunnel(8, &ENDPOINT);
        assert_eq!(read_it(&good), Some(good.clone()));
        for bad in [
            &[6, 10, 0, 0, 0, 0, 0, 1, 127, 0, 0, 1][..],
            &[6, 9, 0, 0, 0, 0, 0, 1, 192, 0, 2],
            &[6, 10, 0, 0, 0, 0, 0, 2, 192, 0, 2, 1],
            &[6, 7, 0, 0, 0, 0, 0, 0, 1],
            &[6, 5, 0, 0, 0, 0, 0],
            &[6, 10, 0, 0, 0, 0, 0, 9, 192, 0, 2, 1],
        ] {
            let bad = tunnel(8, bad);
            assert_eq!(read_it(&bad), None, "no TLV is left of {bad:?}");
            assert_eq!(read_it(&[&bad[..], &good].concat()), Some(good.clone()));
        }
        // Address family 0: the next hop of the route is the endpoint (RFC 9012 §3.1).
        for whole in [
            tunnel(8, &[6, 6, 0, 0, 0, 0, 0, 0]),
            // Unknown tunnels and sub-TLVs.
            tunnel(9999, &[99, 1, 7, 200, 0, 1, 7]),
            // A barebones TLV (RFC 9012 §4.1).
            tunnel(2, &[]),
            // Port 0 is malformed (RFC 9012 §3.3.2) and counts as unrecognized.
            tunnel(8, &[8, 2, 0, 0]),
        ] {
            assert_eq!(read_it(&whole), Some(whole.clone()));
        }
    }

    /// RFC 9012 §13.
    #[test]
    fn what_is_cut_short_is_malformed() {
        assert_eq!(read_it(&[]), None);
        let good = tunnel(8, &ENDPOINT);
        for cut in 1..good.len() {
            assert_eq!(read_it(&good[..cut]), None, "{cut}");
        }
        for overrun in [&[4][..], &[4, 1], &[128, 0], &[128, 0, 1]] {
            assert_eq!(read_it(&tunnel(8, overrun)), None, "{overrun:?}");
        }
    }

    /// RFC 9830 §5: any error in an SR policy makes the attribute malformed.
    #[test]
    fn a_bad_sub_tlv_of_an_sr_policy_is_malformed() {
        const PREFERENCE: [u8; 8] = [12, 6, 0, 0, 0, 0, 0, 100];
        let good = tunnel(15, &PREFERENCE);
        assert_eq!(read_it(&good), Some(good.clone()));
        let list = [
            128, 0, 17, 0, 9, 6, 0, 0, 0, 0, 0, 1, 1, 6, 0, 0, 0, 1, 1, 0xff,
        ];
        let good = tunnel(15, &list);
        assert_eq!(read_it(&good), Some(good.clone()));
        for bad in [
            &[12, 5, 0, 0, 0, 0, 0][..],
            &[13, 3, 0, 0, 1],
            &[20, 17, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
            &[14, 2, 0, 0],
            &[15, 1, 9],
            &[128, 0, 0],
            &[128, 0, 4, 0, 1, 1, 0],
            &[128, 0, 3, 0, 1, 9],
            &[129, 0, 0],
        ] {
            assert_eq!(read_it(&tunnel(15, bad)), None, "{bad:?}");
        }
    }

    #[test]
    fn tunnels_are_described_by_name() {
        let mut value = tunnel(8, &[1, 12, 0xc0, 0, 0, 100, 0, 1, 2, 3, 4, 5, 0, 0]);
        value.extend(tunnel(
            15,
            &[
                13, 6, 0x80, 0, 0, 1, 0, 0, 14, 3, 0, 0, 4, 129, 0, 3, 0, b'h', b'i',
            ],
        ));
        let line = fmt::from_fn(|f| show(&value, f)).to_string();
        assert_eq!(
            line,
            "tunnel-encapsulation tunnels [{tunnel_type VXLAN Encapsulation, sub_tlvs [{type Encapsulation, \
             vn_id_valid, mac_valid, vn_id 100, mac 00:01:02:03:04:05}]}, \
             {tunnel_type SR Policy, sub_tlvs [{type Binding SID, specified_binding_sid_only, label 16}, \
             {type ENLP, enlp Do not push a label}, {type SR Policy Candidate Path Name, name hi}]}]"
        );
    }
}
