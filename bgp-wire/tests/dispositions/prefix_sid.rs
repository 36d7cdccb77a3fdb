//! Values of BGP Prefix-SID, and of the SRv6 services in it.

use super::overlay::transitive;
use super::*;

#[test]
fn prefix_sid() {
    const INDEX: [u8; 10] = [1, 0, 7, 0, 0, 0, 0, 0, 0, 9];
    let i = internal();
    let mut service = vec![5, 0, 25, 0, 1, 0, 21, 0];
    service.extend([
        0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20, 0,
    ]);
    let outside = Parts::good().with(attribute(0xc0, 40, &INDEX));
    let domain = SessionContext {
        same_domain: true,
        ..external()
    };
    let mut cut = service.clone();
    cut[6] = 20;
    let (srgb, srv6) = ("RFC 8669 §3.2, §6", "RFC 9252 §7");
    run(vec![
        case(
            "label index",
            "RFC 8669 §3.1",
            &i,
            transitive(40, &INDEX),
            uses(40, &INDEX),
        ),
        case(
            "SRv6 L3 service",
            srv6,
            &i,
            transitive(40, &service),
            uses(40, &service),
        ),
        case(
            "of an external peer",
            "RFC 8669 §4",
            &external(),
            outside.clone(),
            Stays(D),
        ),
        case(
            "of an external peer of the same domain",
            "RFC 8669 §4",
            &domain,
            outside,
            uses(40, &INDEX),
        ),
        case(
            "of no octet",
            "RFC 8669 §6",
            &i,
            transitive(40, &[]),
            Stays(D),
        ),
        case(
            "label index of six octets",
            "RFC 8669 §3.1, §6",
            &i,
            transitive(40, &[1, 0, 6, 0, 0, 0, 0, 0, 9]),
            Stays(D),
        ),
        case(
            "TLV overrun",
            "RFC 8669 §6",
            &i,
            transitive(40, &INDEX[..9]),
            Stays(D),
        ),
        case(
            "SRGB without a range",
            srgb,
            &i,
            transitive(40, &[3, 0, 2, 0, 0]),
            Stays(D),
        ),
        case(
            "unknown TLV",
            "RFC 8669 §3",
            &i,
            transitive(40, &[99, 0, 0]),
            uses(40, &[99, 0, 0]),
        ),
        case(
            "service of no octet",
            srv6,
            &i,
            transitive(40, &[5, 0, 0]),
            Stays(W),
        ),
        case(
            "service beyond the attribute",
            srv6,
            &i,
            transitive(40, &service[..27]),
            Stays(W),
        ),
        case(
            "SID information of 20 octets",
            srv6,
            &i,
            transitive(40, &cut),
            Stays(W),
        ),
        case(
            "L2 service with a sub-TLV overrun",
            srv6,
            &i,
            transitive(40, &[6, 0, 4, 0, 9, 0, 1]),
            Stays(W),
        ),
        case(
            "both malformed: the severer counts",
            "RFC 7606 §3 h",
            &i,
            transitive(40, &[1, 0, 1, 0, 5, 0, 0]),
            Stays(W),
        ),
        case(
            "malformed service, nothing reachable",
            "RFC 7606 §5.2, RFC 4271 §6.3",
            &i,
            transitive(40, &[5, 0, 0]).nlri(&[]),
            Ends(5, attribute(0xc0, 40, &[5, 0, 0])),
        ),
    ]);
}
