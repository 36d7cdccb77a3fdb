//! Scripts: what happens to a session of BGP or BFD, or to a table, step by step.

use crate::Seeds;
use crate::updates::{ADD_PATH, ASN4, NEXT_HOP};

/// Scripts for `session_bytes`: the numbers are those of its steps.
pub(crate) fn sessions(opens: &Seeds, updates: &Seeds, refreshes: &Seeds) -> Seeds {
    let frame = |kind: u8, body: &[u8]| -> Vec<u8> {
        let length = u16::try_from(body.len()).expect("short").to_be_bytes();
        [&[3, 0, kind], &length[..], body, &[0]].concat()
    };
    // Connected, their OPEN, their KEEPALIVE.
    let outgoing: &[u8] = &[12, 7, 0, 0x30, 9, 0];
    let incoming: &[u8] = &[11, 7, 0, 0, 9, 0];
    let mut seeds = vec![
        ("outgoing".into(), [&[0], outgoing, &[16, 9, 0]].concat()),
        ("incoming".into(), [&[0x10], incoming, &[17]].concat()),
        (
            "collision".into(),
            [&[0, 12, 11, 7, 0, 0, 7, 1, 0, 9, 0, 9, 1][..], &[17, 17]].concat(),
        ),
        (
            "stopped-and-started".into(),
            [&[0], outgoing, &[22, 0, 23], outgoing, &[21, 5, 17, 22, 2]].concat(),
        ),
        (
            "silent".into(),
            [&[0x88], outgoing, &[18, 17, 17, 17, 15, 0, 14, 0, 17]].concat(),
        ),
    ];
    for (name, body) in opens {
        let script = [&[0, 12][..], &frame(1, body), &[9, 0]].concat();
        seeds.push((name.clone(), script));
    }
    for (name, body) in updates.iter().step_by(5) {
        let script = [&[0][..], outgoing, &frame(2, &body[1..]), &[20]].concat();
        seeds.push((name.clone(), script));
    }
    for (name, body) in refreshes {
        let script = [&[0][..], outgoing, &frame(5, body)].concat();
        seeds.push((name.clone(), script));
    }
    // What ends a session.
    let ends: [(&str, Vec<u8>); 2] = [
        ("notified", frame(3, &[6, 2, 3, b'b', b'y', b'e'])),
        ("garbage", vec![0, 0, 4, 1, 2, 3, 4]),
    ];
    for (name, end) in ends {
        seeds.push((name.into(), [&[0][..], outgoing, &end, &[17]].concat()));
    }
    seeds
}

/// Scripts for `rib_inbound`: the upper half of a step's octet is the peer, the lower one what happens.
pub(crate) fn tables(updates: &Seeds) -> Seeds {
    let send = |peer: u8, body: &[u8]| -> Vec<u8> {
        let length = u16::try_from(body.len()).expect("short").to_be_bytes();
        [&[peer << 4], &length[..], body].concat()
    };
    let readable = |choice: u8| {
        updates
            .iter()
            .filter(move |(_, seed)| seed[0] == choice)
            .map(|(_, seed)| &seed[1..])
    };
    let mut seeds = Seeds::new();
    for (number, bodies) in readable(ASN4).collect::<Vec<_>>().chunks(4).enumerate() {
        // All peers say it, what is told is looked at in between, and one of them goes.
        let mut script = vec![u8::try_from(number).expect("few")];
        for (peer, body) in (0..3).flat_map(|peer| bodies.iter().map(move |body| (peer, body))) {
            script.extend(send(peer, body));
            script.push(0x0f);
        }
        script.extend([0x1d, 0x0c, 0x2e, 0x00, 0x0f, 0x2e, 0x02]);
        seeds.push((format!("ris-{number}"), script));
    }
    for (name, choice, kind) in [("add-path", ADD_PATH, 0x18), ("next-hop", NEXT_HOP, 0x01)] {
        let mut script = vec![kind];
        for (peer, body) in (1..3).flat_map(|peer| readable(choice).map(move |body| (peer, body))) {
            script.extend(send(peer, body));
            script.push(0x0b);
        }
        seeds.push((name.into(), script));
    }
    seeds
}

/// Routers that advertise themselves on a link, one of which moves, and somebody who asks (RFC 4861 §4.1, §4.2).
fn advertised() -> Vec<u8> {
    let said = |op: u8, from: u8, head: &[u8], options: &[u8]| {
        let length = (head.len() + options.len()) as u8;
        [&[op, 0, from, length], head, options].concat()
    };
    let advertisement = [134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    let mac = |n: u8| [1, 1, 2, 0, 0, 0, 0, n];
    let mtu = [5, 1, 0, 0, 0, 0, 5, 220];
    [
        said(12, 2, &advertisement, &[mtu, mac(2)].concat()),
        said(12, 3, &advertisement, &mac(3)),
        vec![4, 0xff, 0xff],
        said(12, 3, &advertisement, &mac(3)),
        said(0x8c, 4, &advertisement, &mac(3)),
        said(12, 1, &advertisement, &mac(1)),
        said(12, 5, &[133, 0, 0, 0, 0, 0, 0, 0], &mac(5)),
        vec![6, 6],
        said(0x4c, 6, &advertisement, &[]),
        said(12, 7, &advertisement, &[253, 0, 0, 0, 0, 0, 0, 0]),
    ]
    .concat()
}

/// Sessions that come up, change, fail and go.
pub(crate) fn bfd() -> Seeds {
    let packet = |op: u8, state: u8, flags: u8| {
        let mut packet = vec![
            op,
            24,
            0x20,
            state << 6 | flags,
            3,
            24,
            0,
            0,
            0,
            9,
            0,
            0,
            0,
            0,
        ];
        packet.extend([0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50, 0, 0, 0, 0]);
        packet
    };
    let up = [
        packet(0, 1, 0),
        packet(1, 3, 0x20),
        packet(1, 3, 0x10),
        packet(1, 3, 0),
    ]
    .concat();
    let after = |more: &[Vec<u8>]| [up.clone(), more.concat()].concat();
    let mut authenticated = packet(1, 3, 0x04);
    authenticated[1] = 24 + 28;
    authenticated[5] = 24 + 28;
    authenticated.extend([4, 28]);
    authenticated.resize(2 + 24 + 28, 0);
    [
        ("up", up.clone()),
        ("silence", after(&[vec![4, 0, 200], vec![4, 4, 0]])),
        ("told-down", after(&[packet(1, 1, 0), packet(1, 0, 0)])),
        (
            "demand",
            after(&[packet(1, 3, 0x02), vec![8, 0, 100, 0, 20, 5, 6, 6]]),
        ),
        (
            "changes",
            after(&[
                vec![8, 0, 200, 0, 10, 3, 6, 8, 1, 0, 1, 0, 2],
                packet(1, 3, 0x10),
            ]),
        ),
        (
            "disabled",
            after(&[vec![9, 6, 10, 11, 13], packet(0, 1, 0)]),
        ),
        (
            "afar",
            after(&[packet(3, 3, 0), packet(0x80, 1, 0), packet(0x83, 2, 0)]),
        ),
        ("authenticated", after(&[authenticated])),
        ("advertised", advertised()),
    ]
    .into_iter()
    .map(|(name, script)| (name.to_owned(), script))
    .collect()
}
