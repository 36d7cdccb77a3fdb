//! Bodies of messages that are no UPDATE.

use bgp_fuzz::families;
use bgp_wire::{
    AddPathMode, Asn, Capability, Family, Fqdn, GracefulRestart, HoldTime, LongLivedFamily,
    Notification, Open, RefreshSubtype, Role, RouterId, encode_route_refresh,
};
use bytes::{Bytes, BytesMut};

use crate::{Seeds, hex};

/// With the octet in front that chooses the kind.
pub(crate) fn numbered(kinds: [&Seeds; 3]) -> Seeds {
    let numbered = (0..).zip(kinds);
    numbered
        .flat_map(|(number, seeds): (u8, _)| {
            seeds
                .iter()
                .map(move |(name, body)| (name.clone(), [&[number], &body[..]].concat()))
        })
        .collect()
}

pub(crate) fn opens() -> Seeds {
    let both: Vec<Family> = families().iter().collect();
    let capabilities: Vec<(&str, Vec<Capability>)> = vec![
        ("none", vec![]),
        (
            "families",
            both.iter()
                .copied()
                .map(Capability::Multiprotocol)
                .collect(),
        ),
        (
            "add-path",
            vec![Capability::AddPath(
                both.iter().map(|f| (*f, AddPathMode::Both)).collect(),
            )],
        ),
        (
            "next-hop",
            vec![Capability::ExtendedNextHop(vec![(Family::IPV4_UNICAST, 2)])],
        ),
        (
            "restart",
            vec![
                Capability::GracefulRestart(GracefulRestart {
                    restarting: true,
                    notification: true,
                    restart_time: 120,
                    families: both.iter().map(|f| (*f, true)).collect(),
                }),
                Capability::LongLivedGracefulRestart(
                    both.iter()
                        .map(|f| LongLivedFamily {
                            family: *f,
                            forwarding: true,
                            stale_time: 3600,
                        })
                        .collect(),
                ),
            ],
        ),
        (
            "small-ones",
            vec![
                Capability::RouteRefresh,
                Capability::EnhancedRouteRefresh,
                Capability::ExtendedMessage,
                Capability::SoftwareVersion("example 1.0".into()),
                Capability::Fqdn(Fqdn {
                    hostname: "tor-1".into(),
                    domain: "example".into(),
                }),
            ],
        ),
        (
            "roles-and-labels",
            vec![
                Capability::Role(Role::CUSTOMER),
                Capability::Role(Role(9)),
                Capability::MultipleLabels(vec![
                    (Family::IPV4_LABELED, 3),
                    (Family::IPV6_LABELED, 255),
                ]),
                Capability::AddPath(vec![
                    (Family::IPV4_UNICAST, AddPathMode::Send),
                    (Family::IPV6_UNICAST, AddPathMode::Receive),
                ]),
                Capability::ExtendedNextHop(vec![(Family::IPV4_UNICAST, 1), (Family::IPV4_VPN, 3)]),
            ],
        ),
        (
            "provider",
            vec![Capability::Role(Role::PROVIDER), Capability::Role(Role::RS)],
        ),
        (
            "others",
            vec![
                Capability::Role(Role::RS_CLIENT),
                Capability::Role(Role::PEER),
                Capability::MultipleLabels(vec![(Family::IPV4_UNICAST, 1)]),
            ],
        ),
        (
            "unknown",
            vec![Capability::Unknown {
                code: 200,
                value: Bytes::from_static(b"what is this"),
            }],
        ),
        // RFC 9072: longer than what one octet of length can say.
        (
            "extended",
            (0..3)
                .map(|n| Capability::Unknown {
                    code: 201 + n,
                    value: Bytes::from(vec![n; 120]),
                })
                .collect(),
        ),
    ];
    let good = capabilities.into_iter().map(|(name, capabilities)| {
        let mut out = BytesMut::new();
        Open::new(Asn(65001), HoldTime::default(), RouterId(2), capabilities)
            .encode(&mut out)
            .expect("it fits");
        (format!("open-{name}"), out[19..].to_vec())
    });
    let wrong: [(&str, &str); 27] = [
        ("nothing", ""),
        ("version-3", "03 fde9 005a 0a000002 00"),
        ("as-cut", "04 fd"),
        ("hold-cut", "04 fde9 00"),
        ("identifier-cut", "04 fde9 005a 0a"),
        ("as-0", "04 0000 005a 0a000002 00"),
        ("hold-1", "04 fde9 0001 0a000002 00"),
        ("hold-0", "04 fde9 0000 0a000002 00"),
        ("identifier-0", "04 fde9 005a 00000000 00"),
        ("without-length", "04 fde9 005a 0a000002"),
        ("octets-behind", "04 fde9 005a 0a000002 00 01"),
        ("parameters-overrun", "04 fde9 005a 0a000002 09 02 00"),
        ("parameter-overrun", "04 fde9 005a 0a000002 03 02 09 00"),
        ("parameter-without-length", "04 fde9 005a 0a000002 01 02"),
        ("authentication", "04 fde9 005a 0a000002 03 01 01 00"),
        ("capability-cut", "04 fde9 005a 0a000002 03 02 01 41"),
        ("capability-overrun", "04 fde9 005a 0a000002 04 02 02 41 09"),
        ("as4-of-0", "04 fde9 005a 0a000002 08 02 06 41 04 00000000"),
        (
            "as4-of-trans",
            "04 fde9 005a 0a000002 08 02 06 41 04 00005ba0",
        ),
        (
            "as4-another",
            "04 fde9 005a 0a000002 08 02 06 41 04 0000fdea",
        ),
        (
            "as4-and-trans",
            "04 5ba0 005a 0a000002 08 02 06 41 04 fa56ea01",
        ),
        ("extended", "04 fde9 005a 0a000002 ff ff 0005 02 0002 02 00"),
        ("extended-cut", "04 fde9 005a 0a000002 ff ff 00"),
        ("extended-overrun", "04 fde9 005a 0a000002 ff ff 0009 02"),
        (
            "extended-parameter-overrun",
            "04 fde9 005a 0a000002 ff ff 0003 02 0009",
        ),
        ("not-extended", "04 fde9 005a 0a000002 00 ff 00"),
        (
            "malformed-capabilities",
            "04 fde9 005a 0a000002 (02(01 03 000100 02 01 01 05 01 00 06 01 00 08 03 000104 09 02 0001 40 01 00 41 03 000001 45 04 00010109 47 03 000101 49 02 0961 4b 00 4b 02 0561 46 01 00 03 01 00 07 01 00 43 00 44 00 80 00 09 01 09 49 05 01 61 01 1b 00))",
        ),
    ];
    good.chain(wrong.map(|(name, text)| (format!("open-wrong-{name}"), hex(text))))
        .collect()
}

pub(crate) fn notifications() -> Seeds {
    let all = [
        (
            "shutdown",
            Notification::cease_shutdown("maintenance, back at noon"),
        ),
        ("reset", Notification::cease_reset("")),
        (
            "max-prefixes",
            Notification::cease_max_prefixes(Family::IPV6_UNICAST, 1000),
        ),
        ("hold", Notification::hold_timer_expired()),
        ("fsm", Notification::fsm(1)),
        (
            "hard",
            Notification::cease_shutdown("now").into_hard_reset(),
        ),
        ("open", Notification::open(7)),
        (
            "update",
            Notification::new(3, 5, Bytes::from_static(&[0x40, 1, 1, 9])),
        ),
        (
            "unknown",
            Notification::new(99, 99, Bytes::from_static(b"?")),
        ),
    ];
    let mut seeds: Seeds = all
        .into_iter()
        .map(|(name, notification)| {
            let mut out = BytesMut::new();
            notification.encode(&mut out);
            (format!("notification-{name}"), out[19..].to_vec())
        })
        .collect();
    // Every code with its subcodes, and data that some of them explain.
    let subcodes = [0u8, 3, 11, 11, 0, 3, 10, 1, 0];
    let data = ["", "04", "0013", "03", "05 68656c6c6f", "000101 00000064"];
    for (code, most) in (0u8..).zip(subcodes) {
        for (subcode, data) in (0..=most + 1).zip(data.iter().cycle()) {
            let octets = [&[code, subcode][..], &hex(data)].concat();
            seeds.push((format!("notification-{code}-{subcode}"), octets));
        }
    }
    seeds.push(("notification-hard-cut".into(), vec![6, 9, 6]));
    seeds.push(("notification-text".into(), hex("06 02 05 e280ae 61 00 ff")));
    seeds.push(("notification-short".into(), vec![6]));
    seeds
}

pub(crate) fn refreshes() -> Seeds {
    let subtypes = [
        RefreshSubtype::Request,
        RefreshSubtype::Begin,
        RefreshSubtype::End,
    ];
    subtypes
        .into_iter()
        .zip([
            Family::IPV4_UNICAST,
            Family::IPV6_UNICAST,
            Family::IPV4_UNICAST,
        ])
        .map(|(subtype, family)| {
            let mut out = BytesMut::new();
            encode_route_refresh(&mut out, family, subtype);
            let name = format!("refresh-{subtype:?}").to_lowercase();
            (name, out[19..].to_vec())
        })
        .chain([
            ("refresh-unknown".into(), hex("0001 09 01")),
            ("refresh-short".into(), hex("0001 00")),
            ("refresh-orf".into(), hex("0001 00 01 01 40 0004 00000000")),
        ])
        .collect()
}
