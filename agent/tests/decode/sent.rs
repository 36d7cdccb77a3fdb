//! `-o hex`: what cosmos would send for a message.

use crate::support::*;

fn again(octets: &[u8], args: &[&str]) -> Vec<String> {
    let said = decode(&[&["--hex", &hex(octets), "-o", "hex"], args].concat(), b"");
    said.out.lines().map(str::to_owned).collect()
}

fn reach(afi_safi: [u8; 3], hop: &[u8], nlri: &[u8]) -> Vec<u8> {
    let value = [&afi_safi[..], &[hop.len() as u8], hop, &[0], nlri].concat();
    [&[0x80, 14, value.len() as u8], &value[..]].concat()
}

/// RFC 4271 §6.3 and §9.1: a route that is ignored is in no table, and only what is in one is sent;
/// RFC 4760 §8: nor is one of a family that was not negotiated; RFC 7606 §5.4: nor one of an unknown
/// type.
#[test]
fn what_is_not_used_is_not_sent() {
    let multicast: &[u8] = &[4, 0xe0];
    let mixed = [ROUTE, multicast].concat();
    let whole = update(&[], &[ORIGIN, PATH, NEXT_HOP], ROUTE);
    let cases = [
        (
            update(&[], &[ORIGIN, PATH, NEXT_HOP], &mixed),
            Some(whole.clone()),
        ),
        (update(&[], &[ORIGIN, PATH, NEXT_HOP], multicast), None),
        (update(&[], &[ORIGIN, PATH, NEXT_HOP], &[]), None),
        (
            update(
                &[],
                &[
                    &reach([0, 25, 70], &[192, 0, 2, 1], &[20, 1, 0]),
                    ORIGIN,
                    PATH,
                ],
                &[],
            ),
            None,
        ),
        (
            update(
                &[],
                &[&reach([0, 7, 7], &[1, 2, 3, 4], b"abc"), ORIGIN, PATH],
                &[],
            ),
            None,
        ),
        (
            update(
                &[],
                &[
                    &reach([0, 7, 7], &[1, 2, 3, 4], b"abc"),
                    ORIGIN,
                    PATH,
                    NEXT_HOP,
                ],
                ROUTE,
            ),
            Some(whole),
        ),
    ];
    for (octets, sent) in cases {
        let sent: Vec<_> = sent.iter().map(|one| hex(one)).collect();
        assert_eq!(again(&octets, &[]), sent, "{}", hex(&octets));
    }
    // OPENs without the family.
    let opens = [
        open(65001, &[&[1, 4, 0, 1, 0, 1]]),
        open(65002, &[&[1, 4, 0, 1, 0, 1]]),
    ]
    .concat();
    let ipv6 = reach([0, 2, 1], &[0x20; 16], &[8, 0x20]);
    let octets = [opens, update(&[], &[&ipv6, ORIGIN, SHORT_PATH], &[])].concat();
    assert_eq!(again(&octets, &[]).len(), 2);
}

/// RFC 4271 §4.3: what follows the length of a prefix has no meaning.
#[test]
fn bits_behind_a_prefix_are_not_sent() {
    let octets = update(&[4, 0x2f], &[ORIGIN, PATH, NEXT_HOP], &[12, 10, 0x1f]);
    let wanted = update(&[4, 0x20], &[ORIGIN, PATH, NEXT_HOP], &[12, 10, 0x10]);
    assert_eq!(again(&octets, &[]), [hex(&wanted)]);
}

/// RFC 5291 §4: filters are no part of what is asked for, and are passed on as they are.
#[test]
fn filters_behind_a_refresh_are_kept() {
    let octets = message(5, &[0, 1, 0, 1, 1, 64, 0, 1, 0x80]);
    assert_eq!(again(&octets, &[]), [hex(&octets)]);
}
