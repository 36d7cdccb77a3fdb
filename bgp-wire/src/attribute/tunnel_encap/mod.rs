//! TUNNEL_ENCAPSULATION (RFC 9012): the tunnels that lead to a next hop, and what has to be known to
//! use them. SR policies (RFC 9830) are a kind of tunnel.
//!
//! - `sub_tlv` is the table of what describes a tunnel.
//! - `segment` is the table of what a segment list of an SR policy is made of.
//!
//! That a tunnel needs exactly one Tunnel Egress Endpoint depends on the family of the routes (RFC 9012
//! §6, §13), which an attribute does not know: there are two ways to read one.

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
use crate::describe::{Fields, Node};
use crate::error::{Disposition, Reason};
use crate::faults::{Faults, severest};
use crate::input::{Input, Malformed};
use crate::{Family, SessionContext};

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

/// Whether the tunnels of routes of this family say where they end: "one of those explicitly listed in
/// the first paragraph of Section 6" of RFC 9012.
pub(crate) fn needs_endpoints(family: Family) -> bool {
    matches!(
        family,
        Family::IPV4_UNICAST
            | Family::IPV6_UNICAST
            | Family::IPV4_LABELED
            | Family::IPV6_LABELED
            | Family::IPV4_VPN
            | Family::IPV6_VPN
            | Family::L2VPN_EVPN
    )
}

/// Reads the tunnels of routes of other families.
pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    read_tunnels(value, Endpoint::Optional, out)
}

pub(crate) fn each_fault<'a>(value: Input<'a>, _: &SessionContext, all: &mut Faults<'a>) {
    walk(value, Endpoint::Optional, |_| {}, &mut |fault| {
        all.add(fault)
    });
}

/// Reads tunnels of which each says where it ends.
pub(crate) fn read_with_endpoints<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    read_tunnels(value, Endpoint::One, out)
}

pub(crate) fn each_fault_with_endpoints<'a>(
    value: Input<'a>,
    _: &SessionContext,
    all: &mut Faults<'a>,
) {
    walk(value, Endpoint::One, |_| {}, &mut |fault| all.add(fault));
}

/// How often a tunnel says where it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    One,
    Optional,
}

fn read_tunnels<'a>(
    value: Input<'a>,
    endpoint: Endpoint,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    let start = out.len();
    let worst = severest(Disposition::TreatAsWithdraw, |note| {
        let keep = |tunnel: Tlv<'a>| out.extend_from_slice(tunnel.whole);
        walk(value, endpoint, keep, note);
    });
    if worst.is_some_and(|error| !error.is_harmless()) {
        out.truncate(start);
    }
    worst.map_or(Ok(()), Err)
}

/// Hands the tunnels that stay to `keep`, and all that is wrong to `note`.
fn walk<'a>(
    value: Input<'a>,
    endpoint: Endpoint,
    mut keep: impl FnMut(Tlv<'a>),
    note: &mut dyn FnMut(Malformed<'a>),
) {
    let (mut kept, mut policies, mut malformed) = (false, 0, false);
    let mut say = |fault: Malformed<'a>| {
        malformed |= !fault.is_harmless();
        note(fault);
    };
    let framing = tlv::each(Shape::TwoTwo, "Tunnel TLV", value, |tunnel| {
        // RFC 9830 §2.2: "A Tunnel Encapsulation Attribute MUST NOT contain more than one TLV of type
        // "SR Policy"; such updates MUST be considered malformed and handled by the
        // "treat-as-withdraw" strategy".
        policies += usize::from(tunnel.kind == SR_POLICY);
        if tunnel.kind == SR_POLICY && policies > 1 {
            let twice = Reason::Text("is not the only SR policy");
            say(Malformed::new(tunnel.whole, "Tunnel TLV", twice));
        }
        if stays(tunnel, endpoint, &mut say) {
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

/// Says what is wrong with a tunnel. Whether it stays.
fn stays<'a>(tunnel: Tlv<'a>, endpoint: Endpoint, say: &mut dyn FnMut(Malformed<'a>)) -> bool {
    let (mut seen, mut endpoints, mut bad_endpoint) = (Seen::default(), 0, false);
    let sub_tlvs = tlv::each(
        Shape::OneVaries,
        "Tunnel Sub-TLV",
        tunnel.value,
        |sub_tlv| {
            let is_endpoint = sub_tlv.kind == sub_tlv::TUNNEL_EGRESS_ENDPOINT;
            endpoints += usize::from(is_endpoint);
            // RFC 9012 §13: of those that "MUST NOT occur more than once" "all but the first occurrence of
            // each such sub-TLV type MUST be disregarded. However, the Tunnel TLV containing them MUST NOT
            // be considered to be malformed". RFC 9830 §2.4 says the same of those of a policy.
            let is_single = sub_tlv::is_single(tunnel.kind, sub_tlv.kind);
            if is_single && seen.has(sub_tlv.kind) {
                let unused = Reason::Odd("is not the first, which alone is used");
                let again = Malformed::new(sub_tlv.whole, sub_tlv::name(sub_tlv.kind), unused);
                say(again.asking(Disposition::None));
                return Ok(());
            }
            if tunnel.kind == SR_POLICY {
                seen.mark(sub_tlv.kind);
                sub_tlv::check_sr_policy(sub_tlv, say);
                return Ok(());
            }
            // RFC 9012 §13: "if a TLV contains a sub-TLV that is malformed, the sub-TLV MUST be treated as
            // if it were an unrecognized sub-TLV": it stays, and the TLV is processed "as if the
            // unrecognized sub-TLV had not been present", so that one behind it can be the first.
            match sub_tlv::fault(tunnel.kind, sub_tlv) {
                None => seen.mark(sub_tlv.kind),
                Some(fault) => {
                    bad_endpoint |= is_endpoint;
                    say(fault.asking(Disposition::None));
                }
            }
            Ok(())
        },
    );
    // RFC 9012 §13: "The final octet of a TLV MUST also be the final octet of its final sub-TLV."
    let is_whole = sub_tlvs.map_err(&mut *say).is_ok();
    // RFC 9012 §13 of a tunnel type that is not recognized: "MUST interpret the attribute as if that TLV
    // had not been present", and "the unrecognized TLV MUST remain in the attribute".
    if type_name(tunnel.kind).is_none() {
        return true;
    }
    // RFC 9012 §13: with a malformed Tunnel Egress Endpoint "the entire TLV MUST be ignored and MUST be
    // removed from the Tunnel Encapsulation attribute before the route carrying that attribute is
    // distributed", and one that "does not contain exactly one Tunnel Egress Endpoint sub-TLV MUST be
    // treated as if it contained a malformed" one.
    let wanting = endpoint == Endpoint::One && endpoints != 1;
    if wanting && is_whole {
        let one = Reason::Text("does not have exactly one Tunnel Egress Endpoint");
        say(Malformed::new(tunnel.whole, "Tunnel TLV", one).asking(Disposition::None));
    }
    !bad_endpoint && !wanting
}

/// The kinds of sub-TLVs that have been there.
#[derive(Default)]
struct Seen([u128; 2]);

impl Seen {
    /// The word and the bit of a kind, which is a number of one octet.
    fn place(kind: u16) -> (usize, u128) {
        (usize::from(kind >> 7), 1 << (kind & 127))
    }

    fn has(&self, kind: u16) -> bool {
        let (word, bit) = Self::place(kind);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn mark(&mut self, kind: u16) {
        let (word, bit) = Self::place(kind);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
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
        read_by(read, value)
    }

    fn read_by(read: crate::attribute::table::Read, value: &[u8]) -> Option<Vec<u8>> {
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
        // An unknown sub-TLV, and port 0, which is malformed (RFC 9012 §3.3.2) and counts as one.
        for sub_tlv in [&[99, 1, 7][..], &[200, 0, 1, 7], &[8, 2, 0, 0]] {
            let whole = tunnel(8, &[&ENDPOINT[..], sub_tlv].concat());
            assert_eq!(read_by(read_with_endpoints, &whole), Some(whole.clone()));
        }
    }

    /// RFC 9012 §13. A barebones TLV has an endpoint, too: the next hop or family 0, which stands for it
    /// (§3.1, §4.1).
    #[test]
    fn a_tunnel_without_exactly_one_endpoint_is_removed_where_the_family_asks_for_it() {
        const NEXT_HOP: [u8; 8] = [6, 6, 0, 0, 0, 0, 0, 0];
        for barebones in [&ENDPOINT[..], &NEXT_HOP] {
            let good = tunnel(2, barebones);
            assert_eq!(read_by(read_with_endpoints, &good), Some(good.clone()));
            for bad in [tunnel(2, &[]), tunnel(8, &[barebones, &NEXT_HOP].concat())] {
                assert_eq!(read_by(read_with_endpoints, &bad), None, "{bad:?}");
                let both = [&bad[..], &good].concat();
                assert_eq!(read_by(read_with_endpoints, &both), Some(good.clone()));
                assert_eq!(read_it(&both), Some(both.clone()));
            }
        }
        // What is not known is as if it were not there.
        let unknown = tunnel(9999, &[99, 1, 7, 200, 0, 1, 7]);
        assert_eq!(
            read_by(read_with_endpoints, &unknown),
            Some(unknown.clone())
        );
    }

    fn reasons(value: &[u8]) -> Vec<(&'static str, Reason)> {
        let mut all = Faults::default();
        each_fault_with_endpoints(value, &SessionContext::new(Asn(1), Asn(1)), &mut all);
        let harmless = all.iter().inspect(|fault| assert!(fault.is_harmless()));
        harmless.map(|fault| (fault.field, fault.reason)).collect()
    }

    /// RFC 9012 §3.4.1, §3.4.2, §3.5, §3.6, §3.7: such a sub-TLV counts as unrecognized (§13), so that its
    /// octets are shown and the tunnel stays.
    #[test]
    fn malformed_sub_tlvs_are_told_and_mean_nothing() {
        let not_a_color = Reason::Text("is no Color extended community");
        for (bad, field, reason) in [
            (
                &[2, 2, 0xff, 0xff][..],
                "Protocol Type",
                Reason::Value(0xffff),
            ),
            (&[4, 8, 0, 2, 0, 0, 0, 0, 0, 1], "Color", not_a_color),
            (&[4, 7, 3, 0x0b, 0, 0, 0, 0, 1], "Color", Reason::Length(7)),
            (&[9, 1, 0], "Embedded Label Handling", Reason::Value(0)),
            (&[9, 1, 3], "Embedded Label Handling", Reason::Value(3)),
            (&[10, 0], "MPLS Label Stack", Reason::Length(0)),
            (&[10, 3, 0, 6, 0x41], "MPLS Label Stack", Reason::Length(3)),
            (
                &[10, 5, 0, 6, 0x41, 0, 0],
                "MPLS Label Stack",
                Reason::Length(5),
            ),
            (&[11, 2, 1, 0], "Prefix-SID", Reason::Truncated),
            (&[11, 5, 1, 0, 2, 0, 0], "Prefix-SID", Reason::Length(2)),
            (&[11, 0], "Prefix-SID", Reason::Length(0)),
        ] {
            let whole = tunnel(8, &[&ENDPOINT[..], bad].concat());
            assert_eq!(reasons(&whole), [(field, reason)], "{bad:?}");
            assert_eq!(read_by(read_with_endpoints, &whole), Some(whole.clone()));
            let line = fmt::from_fn(|f| show(&whole, f)).to_string();
            let octets: String = bad[2..].iter().map(|one| format!("{one:02x}")).collect();
            let shown = format!("{{type {field}, value 0x{octets}}}");
            assert!(line.contains(&shown), "{line}");
        }
        for good in [
            &[2, 2, 8, 0][..],
            &[4, 8, 3, 0x0b, 0, 0, 0, 0, 0, 1],
            &[9, 1, 1],
            &[10, 8, 0, 6, 0x40, 0xff, 0, 6, 0x51, 0xff],
            &[11, 10, 1, 0, 7, 0, 0, 0, 0, 0, 0, 5],
        ] {
            assert_eq!(
                reasons(&tunnel(8, &[&ENDPOINT[..], good].concat())),
                [],
                "{good:?}"
            );
        }
    }

    /// RFC 9012 §13 names those of which the first counts; a Color may be there several times (§3.4.2).
    #[test]
    fn of_sub_tlvs_that_may_be_there_once_the_first_is_used() {
        let again = Reason::Odd("is not the first, which alone is used");
        for (one, field) in [
            (
                &[1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
                "Encapsulation",
            ),
            (&[7, 1, 0], "DS Field"),
            (&[8, 2, 0x12, 0xb5], "UDP Destination Port"),
            (&[9, 1, 1], "Embedded Label Handling"),
            (&[10, 4, 0, 6, 0x41, 0xff], "MPLS Label Stack"),
            (&[11, 10, 1, 0, 7, 0, 0, 0, 0, 0, 0, 5], "Prefix-SID"),
        ] {
            let whole = tunnel(8, &[&ENDPOINT[..], one, one].concat());
            assert_eq!(reasons(&whole), [(field, again)]);
            assert_eq!(read_by(read_with_endpoints, &whole), Some(whole.clone()));
        }
        let color = [4, 8, 3, 0x0b, 0, 0, 0, 0, 0, 1];
        assert_eq!(
            reasons(&tunnel(8, &[&ENDPOINT[..], &color, &color].concat())),
            []
        );
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

    /// RFC 9012 §13: a malformed sub-TLV is as one that is not recognized, and with such a one the TLV is
    /// processed "as if the unrecognized sub-TLV had not been present".
    #[test]
    fn a_malformed_sub_tlv_is_not_the_first_of_its_kind() {
        let again = Reason::Odd("is not the first, which alone is used");
        let (bad, good) = ([8, 2, 0, 0], [8, 2, 0x12, 0xb5]);
        let port = |reason| ("UDP Destination Port", reason);
        let of_two = |one: &[u8], two: &[u8]| reasons(&tunnel(8, &[&ENDPOINT, one, two].concat()));
        assert_eq!(of_two(&bad, &good), [port(Reason::Value(0))]);
        assert_eq!(of_two(&good, &bad), [port(again)]);
        let all = tunnel(8, &[&ENDPOINT[..], &bad, &good, &good].concat());
        assert_eq!(reasons(&all), [port(Reason::Value(0)), port(again)]);
        assert_eq!(read_by(read_with_endpoints, &all), Some(all.clone()));
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

    /// RFC 9830 §2.4: "only the first instance of that TLV/sub-TLV is used: the other instances MUST be ignored
    /// and MUST NOT considered to be malformed". §2.4.1, §2.4.2, §2.4.5 to §2.4.8 each "MUST NOT appear more
    /// than once"; of SRv6 Binding SIDs (§2.4.3) and segment lists (§2.4.4) there may be several.
    #[test]
    fn of_sub_tlvs_of_a_policy_that_may_be_there_once_the_first_is_used() {
        let again = Reason::Odd("is not the first, which alone is used");
        for (one, field, other) in [
            (
                &[12, 6, 0, 0, 0, 0, 0, 9][..],
                "Preference",
                &[12, 1, 0][..],
            ),
            (&[13, 2, 0, 0], "Binding SID", &[13, 1, 0]),
            (&[14, 3, 0, 0, 4], "ENLP", &[14, 0]),
            (&[15, 2, 9, 0], "Priority", &[15, 1, 9]),
            (
                &[129, 0, 2, 0, b'a'],
                "SR Policy Candidate Path Name",
                &[129, 0, 0],
            ),
            (&[130, 0, 2, 0, b'a'], "SR Policy Name", &[130, 0, 0]),
        ] {
            let good = tunnel(15, one);
            assert_eq!(faults_of(&good), []);
            // However the second one is.
            for second in [one, other] {
                let twice = tunnel(15, &[one, second].concat());
                assert_eq!(faults_of(&twice), [(field, again)], "{second:?}");
                assert_eq!(read_it(&twice), Some(twice.clone()));
            }
        }
        let list = [128, 0, 9, 0, 1, 6, 0, 0, 0, 1, 1, 0xff];
        assert_eq!(faults_of(&tunnel(15, &[list, list].concat())), []);
    }

    fn faults_of(value: &[u8]) -> Vec<(&'static str, Reason)> {
        let mut all = Faults::default();
        each_fault(value, &SessionContext::new(Asn(1), Asn(1)), &mut all);
        all.iter()
            .map(|fault| (fault.field, fault.reason))
            .collect()
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
