//! Values of the Tunnel Encapsulation attribute.

use super::overlay::{local, transitive};
use super::*;

const VXLAN: [u8; 16] = [0, 8, 0, 12, 6, 10, 0, 0, 0, 0, 0, 1, 192, 0, 2, 1];

/// A tunnel that ends at 192.0.2.1, with more sub-TLVs behind.
fn with_endpoint(tunnel_type: u8, more: &[u8]) -> Vec<u8> {
    let endpoint = &VXLAN[4..];
    let length = u8::try_from(endpoint.len() + more.len()).unwrap();
    [&[0, tunnel_type, 0, length], endpoint, more].concat()
}

#[test]
fn tunnel_encapsulation() {
    const BAD_ENDPOINT: [u8; 16] = [0, 8, 0, 12, 6, 10, 0, 0, 0, 0, 0, 1, 224, 0, 0, 1];
    let i = internal();
    let rfc = "RFC 9012 §13";
    let outside = Parts::good().with(attribute(0xc0, 23, &VXLAN));
    let domain = SessionContext {
        same_domain: true,
        ..external()
    };
    run(vec![
        case("VXLAN", rfc, &i, transitive(23, &VXLAN), uses(23, &VXLAN)),
        case(
            "of an external peer",
            "RFC 9012 §11",
            &external(),
            outside.clone(),
            Stays(D),
        ),
        case(
            "malformed, of an external peer",
            "RFC 9012 §11",
            &external(),
            Parts::good().with(attribute(0xc0, 23, &[0])),
            Stays(D),
        ),
        case(
            "of an external peer of the same domain",
            "RFC 9012 §11",
            &domain,
            outside,
            uses(23, &VXLAN),
        ),
        case("of no octet", rfc, &i, transitive(23, &[]), Stays(W)),
        case(
            "TLV overrun",
            rfc,
            &i,
            transitive(23, &VXLAN[..15]),
            Stays(W),
        ),
        case(
            "three octets of a TLV",
            rfc,
            &i,
            transitive(23, &[0, 8, 0]),
            Stays(W),
        ),
        case(
            "sub-TLV overrun",
            rfc,
            &i,
            transitive(23, &[0, 8, 0, 3, 6, 10, 0]),
            Stays(W),
        ),
        case(
            "sub-TLV of type 200 with half a length",
            rfc,
            &i,
            transitive(23, &[0, 8, 0, 2, 200, 0]),
            Stays(W),
        ),
        case(
            "unknown tunnel type",
            rfc,
            &i,
            transitive(23, &[0xff, 0xfe, 0, 0]),
            uses(23, &[0xff, 0xfe, 0, 0]),
        ),
        case(
            "unknown sub-TLV",
            rfc,
            &i,
            transitive(23, &with_endpoint(8, &[99, 0])),
            uses(23, &with_endpoint(8, &[99, 0])),
        ),
        case(
            "no endpoint",
            rfc,
            &i,
            transitive(23, &[0, 8, 0, 2, 99, 0]),
            Stays(W),
        ),
        case(
            "two endpoints",
            rfc,
            &i,
            transitive(23, &with_endpoint(8, &VXLAN[4..])),
            Stays(W),
        ),
        case(
            "one of two without an endpoint",
            rfc,
            &i,
            transitive(23, &[&[0, 2, 0, 0], &VXLAN[..]].concat()),
            uses(23, &VXLAN),
        ),
        case(
            "unknown tunnel type beside one without an endpoint",
            rfc,
            &i,
            transitive(23, &[0, 2, 0, 0, 0xff, 0xfe, 0, 0]),
            uses(23, &[0xff, 0xfe, 0, 0]),
        ),
        case(
            "no TLV but one with a bad endpoint",
            rfc,
            &i,
            transitive(23, &BAD_ENDPOINT),
            Stays(W),
        ),
        case(
            "one of two with a bad endpoint",
            rfc,
            &i,
            transitive(23, &[BAD_ENDPOINT, VXLAN].concat()),
            uses(23, &VXLAN),
        ),
        case("not transitive", rfc, &i, local(23, &VXLAN), Stays(W)),
        case(
            "SR policy with a preference of five octets",
            "RFC 9830 §5",
            &i,
            transitive(23, &[0, 15, 0, 7, 12, 5, 0, 0, 0, 0, 1]),
            Stays(W),
        ),
        case(
            "two SR policies",
            "RFC 9830 §2.2",
            &i,
            transitive(23, &[0, 15, 0, 0, 0, 15, 0, 0]),
            Stays(W),
        ),
        case(
            "SR policy with a color of two octets, which means nothing there",
            "RFC 9830 §2.3",
            &i,
            transitive(23, &with_endpoint(15, &[4, 2, 0, 0])),
            uses(23, &with_endpoint(15, &[4, 2, 0, 0])),
        ),
        case(
            "SR policy with a good one",
            "RFC 9830 §5",
            &i,
            transitive(23, &with_endpoint(15, &[12, 6, 0, 0, 0, 0, 0, 1])),
            uses(23, &with_endpoint(15, &[12, 6, 0, 0, 0, 0, 0, 1])),
        ),
    ]);
}

/// RFC 9012 §13 asks for "exactly one Tunnel Egress Endpoint sub-TLV" where the family is one that §6
/// lists: 1/1, 2/1, 1/4, 2/4, 1/128, 2/128, 25/70. RFC 9830 §2.3 has none for SR policies.
#[test]
fn families_say_whether_a_tunnel_has_an_endpoint() {
    let (v4, v6): (&[u8], &[u8]) = (&[192, 0, 2, 1], &NEXT_HOP_V6);
    let behind_rd = |hop: &[u8]| [&[0; 8], hop].concat();
    let rd = [0, 0, 0xfd, 0xe8, 0, 0, 0, 100];
    let vpn = [&[96, 0, 6, 0x41][..], &rd, &[10]].concat();
    let policy = [96, 0, 0, 0, 1, 0, 0, 0, 2, 10, 0, 0, 1];
    let (bare, good) = (&[0, 8, 0, 2, 99, 0][..], with_endpoint(8, &[99, 0]));
    let strict: [(u16, u8, Vec<u8>, Vec<u8>); 6] = [
        (2, 1, v6.into(), vec![8, 0x20]),
        (1, 4, v4.into(), vec![32, 0, 6, 0x41, 10]),
        (2, 4, v6.into(), vec![32, 0, 6, 0x41, 0x20]),
        (1, 128, behind_rd(v4), vpn.clone()),
        (2, 128, behind_rd(v6), vpn),
        (25, 70, v4.into(), evpn::MULTICAST.into()),
    ];
    for (afi, safi, hop, nlri) in &strict {
        let family = Family {
            afi: *afi,
            safi: *safi,
        };
        let ctx = SessionContext {
            families: FamilySet::from([family]),
            ..internal()
        };
        let announce = |tunnels: &[u8]| {
            let routes = attribute(0x80, 14, &reach(*afi, *safi, hop, nlri));
            let parts = transitive(23, tunnels).nlri(&[]).without(3);
            parts.with(routes)
        };
        let rfc = "RFC 9012 §6, §13";
        run(vec![
            case("without", rfc, &ctx, announce(bare), Stays(W)),
            case("with", rfc, &ctx, announce(&good), uses(23, &good)),
        ]);
    }
    let ctx = SessionContext {
        families: FamilySet::from([Family::IPV4_SR_POLICY]),
        ..internal()
    };
    let tunnel = [0, 15, 0, 8, 12, 6, 0, 0, 0, 0, 0, 1];
    let parts = transitive(23, &tunnel).nlri(&[]).without(3);
    let parts = parts.with(attribute(0xc0, 8, &[0xff, 0xff, 0xff, 2]));
    let parts = parts.with(attribute(0x80, 14, &reach(1, 73, v4, &policy)));
    let case = case("SR policy", "RFC 9830 §2.3", &ctx, parts, uses(23, &tunnel));
    run(vec![case]);
}

/// RFC 9012 §13: what has a bad endpoint is removed before the route goes on.
#[test]
fn what_remains_of_tunnels_is_canonical() {
    let tunnels = [
        0, 8, 0, 12, 6, 10, 0, 0, 0, 0, 0, 1, 224, 0, 0, 1, 0, 2, 0, 8, 6, 6, 0, 0, 0, 0, 0, 0,
    ];
    let (body, mut scratch) = (transitive(23, &tunnels).body(), AttrScratch::new());
    let decoded = decode(&body, &internal(), &mut scratch);
    let kept = decoded.update.attrs.get(AttrCode::TUNNEL_ENCAPSULATION);
    assert_eq!(kept, Some(&[0, 2, 0, 8, 6, 6, 0, 0, 0, 0, 0, 0][..]));
}
