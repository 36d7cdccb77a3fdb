//! AFI/SAFI disable (RFC 4760 §7, RFC 7606 §2): a family goes, the session stays.

use bgp_session::{Event, PeerConfig, State};
use bgp_wire::{Family, FamilySet};

use crate::messages::Lone;
use crate::pair::{A, config};
use crate::raw::{RawOpen, keepalive, message};

const V4: Family = Family::IPV4_UNICAST;
const V6: Family = Family::IPV6_UNICAST;

/// An OPEN with IPv4 and IPv6 unicast and four-octet AS numbers.
fn open() -> RawOpen {
    RawOpen::with_capabilities(&[1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 65, 4, 0, 0, 0xfd, 0xea])
}

/// ORIGIN, AS_PATH 65002, NEXT_HOP, behind these attributes, and NLRI of the body.
fn update(first: &[u8], nlri: &[u8]) -> Vec<u8> {
    let rest = [
        0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xea, 0x40, 3, 4, 192, 0, 2, 2,
    ];
    let attributes = [first, &rest].concat();
    let length = (attributes.len() as u16).to_be_bytes();
    message(2, &[&[0, 0], &length[..], &attributes, nlri].concat())
}

/// An UPDATE that announces 2001::/16 or what the bits say of it.
fn update_v6(bits: u8) -> Vec<u8> {
    let next_hop = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let value = [&[0, 2, 1, 16], &next_hop[..], &[0, bits, 0x20, 1]].concat();
    update(&[&[0x80, 14, value.len() as u8], &value[..]].concat(), &[])
}

fn events(lone: &mut Lone) -> Vec<Event> {
    std::iter::from_fn(|| lone.peer.poll_event()).collect()
}

#[test]
fn a_family_that_cannot_be_read_is_ignored_until_the_session_ends() {
    let mut lone = Lone::established(config(A), &open());
    // All in one read: what comes behind in it is ignored too.
    lone.feed(
        &[
            update_v6(16),
            update_v6(129),
            update_v6(16),
            // The end of IPv6: of what is ignored there is no end.
            message(2, &[0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1]),
            update(&[], &[8, 10]),
        ]
        .concat(),
    );
    assert_eq!(lone.peer.state(), State::Established);
    assert_eq!(lone.sent(), []);
    assert_eq!(lone.sink.disabled, [(FamilySet::from([V6]), 2)]);
    assert_eq!(lone.sink.announced, [(V6, 1), (V4, 1)]);
    assert_eq!(lone.sink.updates, 5);
    assert!(lone.sink.ends_of_rib.is_empty());
    let stats = lone.peer.stats().findings;
    assert_eq!((stats.afi_safi_disable, stats.session_reset), (1, 0));
    assert_eq!(stats.none, 0, "what is ignored is not counted as odd");
    let told = events(&mut lone);
    assert_eq!(
        told.iter()
            .filter(|event| **event == Event::FamilyDisabled(V6))
            .count(),
        1
    );
    // A later read.
    lone.feed(&update_v6(16));
    assert_eq!(lone.sink.announced.len(), 2);

    // The next session begins anew.
    lone.feed(&message(3, &[6, 4]));
    while lone.peer.state() == State::Idle {
        lone.wait(std::time::Duration::from_secs(10));
    }
    lone.again();
    lone.feed(&[open().bytes(), keepalive(), update_v6(16)].concat());
    assert_eq!(lone.peer.state(), State::Established);
    assert_eq!(lone.sink.announced.last(), Some(&(V6, 1)));
    assert_eq!(lone.sink.announced.len(), 3);
}

/// RFC 7606 §3 j: without another family, or where it is not wished, the session ends.
#[test]
fn a_session_ends_where_no_family_is_to_be_disabled() {
    let sole = |mut config: PeerConfig| {
        config.families.retain(|family| family.family == V6);
        config
    };
    let unwished = |mut config: PeerConfig| {
        config.disable_families = false;
        config
    };
    for config in [sole(config(A)), unwished(config(A))] {
        let mut lone = Lone::established(config, &open());
        lone.feed(&[update_v6(129), update_v6(16)].concat());
        let sent = lone.sent();
        let [(3, Some((3, 9, data)))] = &sent[..] else {
            panic!("{sent:?}");
        };
        // RFC 4271 §6.3, Optional Attribute Error: the attribute.
        assert_eq!(data[..3], [0x80, 14, 24]);
        assert!(lone.closed());
        assert!(lone.sink.disabled.is_empty() && lone.sink.announced.is_empty());
        assert_eq!(lone.peer.stats().findings.session_reset, 1);
    }
}

/// A family that is left is disabled as the last one cannot be: then the session ends.
#[test]
fn the_last_family_ends_the_session() {
    let mut lone = Lone::established(config(A), &open());
    lone.feed(&update_v6(129));
    let bad_v4 = [0x80, 15, 4, 0, 1, 1, 33];
    lone.feed(&message(2, &[&[0, 0, 0, 7], &bad_v4[..]].concat()));
    let sent = lone.sent();
    assert_eq!(sent, [(3, Some((3, 9, bad_v4.to_vec())))]);
}

#[test]
fn a_change_of_the_wish_counts_from_the_next_update_on() {
    let mut lone = Lone::established(config(A), &open());
    lone.feed(&update_v6(129));
    let mut strict = config(A);
    strict.disable_families = false;
    lone.peer.reconfigure(strict, lone.now);
    lone.feed(&update_v6(129));
    assert_eq!(lone.sent(), [], "the family is disabled already");
    lone.feed(&message(2, &[0, 0, 0, 7, 0x80, 15, 4, 0, 1, 1, 33]));
    assert_eq!(lone.peer.stats().findings.session_reset, 1);
}
