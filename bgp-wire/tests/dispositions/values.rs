//! Values of well-known attributes.

use super::*;

#[test]
fn well_known_values() {
    let (e, i) = (external(), internal());
    let value = |code: u8, value: &[u8]| Parts::good().replaced(code, attribute(0x40, code, value));
    run(vec![
        case(
            "ORIGIN of no octet",
            "RFC 7606 §7.1",
            &e,
            value(1, &[]),
            Stays(W),
        ),
        case(
            "ORIGIN of two octets",
            "RFC 7606 §7.1",
            &e,
            value(1, &[0, 0]),
            Stays(W),
        ),
        case("ORIGIN 3", "RFC 7606 §7.1", &e, value(1, &[3]), Stays(W)),
        case(
            "ORIGIN 3, nothing reachable",
            "RFC 7606 §5.2, RFC 4271 §6.3",
            &e,
            value(1, &[3]).nlri(&[]),
            Ends(6, attribute(0x40, 1, &[3])),
        ),
        case(
            "ORIGIN of two octets, nothing reachable",
            "RFC 7606 §5.2, RFC 4271 §6.3",
            &e,
            value(1, &[0, 0]).nlri(&[]),
            Ends(5, attribute(0x40, 1, &[0, 0])),
        ),
        case(
            "AS_PATH segment type 0",
            "RFC 7606 §7.2",
            &e,
            value(2, &[0, 1, 0, 0, 0, 1]),
            Stays(W),
        ),
        case(
            "AS_PATH segment type 5",
            "RFC 7606 §7.2",
            &e,
            value(2, &[5, 1, 0, 0, 0, 1]),
            Stays(W),
        ),
        case(
            "AS_PATH segment of nothing",
            "RFC 7606 §7.2",
            &e,
            value(2, &[2, 0]),
            Stays(W),
        ),
        case(
            "AS_PATH overrun",
            "RFC 7606 §7.2",
            &e,
            value(2, &[2, 2, 0, 0, 0, 1]),
            Stays(W),
        ),
        case(
            "AS_PATH underrun",
            "RFC 7606 §7.2",
            &e,
            value(2, &[2, 1, 0, 0, 0, 1, 2]),
            Stays(W),
        ),
        case(
            "AS 0 in AS_PATH",
            "RFC 7607 §2",
            &e,
            value(2, &[2, 2, 0, 0, 0xfd, 0xe9, 0, 0, 0, 0]),
            Stays(W),
        ),
        case(
            "AS_SET",
            "RFC 9774 §3",
            &e,
            value(2, &[1, 1, 0, 0, 0xfd, 0xe9]),
            Stays(W),
        ),
        case(
            "AS_SET where accepted",
            "RFC 9774 §3",
            &SessionContext {
                accept_as_set: true,
                ..external()
            },
            value(2, &[1, 1, 0, 0, 0xfd, 0xe9]),
            uses(2, &[1, 1, 0, 0, 0xfd, 0xe9]),
        ),
        case(
            "confederation segment from outside",
            "RFC 5065 §5, RFC 7606 §7.2",
            &e,
            value(2, &[3, 1, 0, 0, 0xfd, 0xe9]),
            Stays(W),
        ),
        case(
            "member peer without confederation segment",
            "RFC 5065 §5",
            &SessionContext {
                peer_kind: PeerKind::Confederation,
                ..external()
            },
            Parts::good(),
            Stays(W),
        ),
        case(
            "empty AS_PATH from a member peer",
            "RFC 5065 §5",
            &SessionContext {
                peer_kind: PeerKind::Confederation,
                ..external()
            },
            value(2, &[]),
            Stays(W),
        ),
        case(
            "empty AS_PATH inside",
            "RFC 4271 §5.1.2",
            &i,
            good_internal().replaced(2, attribute(0x40, 2, &[])),
            uses(2, &[]),
        ),
        case(
            "other first AS, enforced",
            "RFC 4271 §6.3",
            &SessionContext {
                enforce_first_as: true,
                ..external()
            },
            value(2, &[2, 1, 0, 0, 0, 7]),
            Stays(W),
        ),
        case(
            "other first AS, not enforced",
            "RFC 4271 §6.3: MAY",
            &e,
            value(2, &[2, 1, 0, 0, 0, 7]),
            uses(2, &[2, 1, 0, 0, 0, 7]),
        ),
        case(
            "bad AS_PATH, nothing reachable",
            "RFC 7606 §5.2, RFC 4271 §6.3",
            &e,
            // RFC 4271 §6.3 names no data for this subcode; FRR and GoBGP send none.
            value(2, &[2, 0]).nlri(&[]),
            Ends(11, vec![]),
        ),
        case(
            "NEXT_HOP of 16 octets",
            "RFC 7606 §7.3",
            &e,
            value(3, &NEXT_HOP_V6),
            Stays(W),
        ),
        case(
            "NEXT_HOP of no octet",
            "RFC 7606 §7.3",
            &e,
            value(3, &[]),
            Stays(W),
        ),
        case(
            "NEXT_HOP 0.0.0.0",
            "RFC 4271 §6.3, RFC 7606 §7.3",
            &e,
            value(3, &[0, 0, 0, 0]),
            Stays(W),
        ),
        case(
            "NEXT_HOP 127.0.0.1",
            "RFC 4271 §6.3",
            &e,
            value(3, &[127, 0, 0, 1]),
            Stays(W),
        ),
        case(
            "NEXT_HOP multicast",
            "RFC 4271 §6.3",
            &e,
            value(3, &[224, 0, 0, 5]),
            Stays(W),
        ),
        case(
            "bad NEXT_HOP beside MP_REACH_NLRI alone",
            "RFC 4760 §3: ignored",
            &e,
            Parts::good_v6().with(attribute(0x40, 3, &[0])),
            Via("2001:db8::/32", "2001:db8::1"),
        ),
        case(
            "bad NEXT_HOP, nothing reachable",
            "RFC 7606 §5.2, RFC 4271 §6.3",
            &e,
            value(3, &[0, 0, 0, 0]).nlri(&[]),
            Ends(8, attribute(0x40, 3, &[0, 0, 0, 0])),
        ),
        case(
            "LOCAL_PREF of 3 inside",
            "RFC 7606 §7.5",
            &i,
            good_internal().replaced(5, attribute(0x40, 5, &[0, 0, 1])),
            Stays(W),
        ),
        case(
            "LOCAL_PREF from outside",
            "RFC 7606 §7.5",
            &e,
            good_internal(),
            Stays(D),
        ),
        case(
            "malformed LOCAL_PREF from outside",
            "RFC 7606 §7.5",
            &e,
            value(5, &[1]),
            Stays(D),
        ),
        case(
            "LOCAL_PREF from a member peer",
            "RFC 5065 §5",
            &SessionContext {
                peer_kind: PeerKind::Confederation,
                ..external()
            },
            good_internal().replaced(2, attribute(0x40, 2, &[3, 1, 0, 0, 0xfd, 0xe9])),
            uses(5, &[0, 0, 0, 100]),
        ),
        case(
            "ATOMIC_AGGREGATE of one octet",
            "RFC 7606 §7.6",
            &e,
            value(6, &[0]),
            Stays(D),
        ),
    ]);
}
