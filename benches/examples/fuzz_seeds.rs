//! Writes fuzz/seeds: short real updates, and one message of each other kind. Run from the top of the repository:
//! `cargo run -p bgp-benches --example fuzz_seeds`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use bgp_benches::real_messages;
use bgp_wire::{
    Asn, Capability, Family, HoldTime, Notification, Open, RefreshSubtype, RouterId,
    encode_keepalive, encode_route_refresh,
};
use bytes::BytesMut;

/// Updates kept: the shortest of each combination of attributes.
const MOST: usize = 48;

fn write(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = Path::new("fuzz/seeds").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)
}

/// The codes of the attributes of an UPDATE, in order.
fn shape(body: &[u8]) -> Vec<u8> {
    let number = |at: usize| {
        body.get(at..at + 2)
            .map_or(0, |b| usize::from(u16::from_be_bytes([b[0], b[1]])))
    };
    let mut at = 2 + number(0);
    let end = at + 2 + number(at);
    at += 2;
    let mut codes = Vec::new();
    while at + 3 <= end.min(body.len()) {
        codes.push(body[at + 1]);
        at += if body[at] & 0x10 != 0 {
            4 + number(at + 2)
        } else {
            3 + usize::from(body[at + 2])
        };
    }
    codes
}

fn main() -> io::Result<()> {
    let mut shortest: BTreeMap<(bool, Vec<u8>), Vec<u8>> = BTreeMap::new();
    for message in real_messages() {
        if message.bytes[18] == 2 {
            let body = &message.bytes[19..];
            let kept = shortest
                .entry((message.asn4, shape(body)))
                .or_insert_with(|| body.to_vec());
            if body.len() < kept.len() {
                *kept = body.to_vec();
            }
        }
    }
    let mut chosen: Vec<_> = shortest.into_iter().collect();
    chosen.sort_by_key(|(_, body)| body.len());
    chosen.truncate(MOST);

    let mut open = BytesMut::new();
    let capabilities = vec![
        Capability::Multiprotocol(Family::IPV4_UNICAST),
        Capability::Multiprotocol(Family::IPV6_UNICAST),
        Capability::RouteRefresh,
        Capability::EnhancedRouteRefresh,
        Capability::ExtendedMessage,
        Capability::ExtendedNextHop(vec![(Family::IPV4_UNICAST, 2)]),
        Capability::Asn4(Asn(100_001)),
    ];
    let hold = HoldTime::new(90).unwrap_or_default();
    Open::new(Asn(100_001), hold, RouterId(0x0aff_0009), capabilities)
        .encode(&mut open)
        .map_err(io::Error::other)?;
    write("open", "capabilities", &open[19..])?;
    write("frame", "open", &open)?;
    let mut keepalive = BytesMut::new();
    encode_keepalive(&mut keepalive);
    write("frame", "keepalive", &keepalive)?;
    for (name, notification) in [
        ("shutdown", Notification::cease_shutdown("back at noon")),
        ("hold", Notification::hold_timer_expired()),
        (
            "hard",
            Notification::cease_reset("for a reason").into_hard_reset(),
        ),
    ] {
        let mut out = BytesMut::new();
        notification.encode(&mut out);
        write("notification", name, &out[19..])?;
    }
    let mut refresh = BytesMut::new();
    encode_route_refresh(&mut refresh, Family::IPV6_UNICAST, RefreshSubtype::Request);
    write("route_refresh", "request", &refresh[19..])?;

    // A script of the session target: a connection comes, OPEN, KEEPALIVE, then an UPDATE; later time passes.
    let up = [0, 0, 4, 0, 5, 0];
    write("session", "up", &up)?;
    write("session", "out", &[1, 0, 0x14, 0, 0x15, 0, 8, 200])?;
    write(
        "session",
        "silence",
        &[&up[..], &[8, 255, 8, 255, 8, 255]].concat(),
    )?;
    for (n, ((asn4, _), body)) in chosen.iter().enumerate() {
        let bits = u8::from(*asn4) | 0x80;
        write(
            "update",
            &format!("real-{n:02}"),
            &[&[bits], &body[..]].concat(),
        )?;
        let mut message = vec![0xff; 16];
        message.extend(
            u16::try_from(body.len() + 19)
                .unwrap_or(u16::MAX)
                .to_be_bytes(),
        );
        message.push(2);
        message.extend(body);
        if *asn4 && message.len() < 255 && n % 6 == 0 {
            let length = u8::try_from(message.len()).unwrap_or(0);
            write(
                "session",
                &format!("update-{n:02}"),
                &[&up[..], &[3, length], &message].concat(),
            )?;
        }
    }
    Ok(())
}
