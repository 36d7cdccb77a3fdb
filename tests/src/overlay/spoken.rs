//! What an internal peer says of the overlay, octet by octet, by the figures of the RFCs.

use crate::raw::message;

/// An OPEN (RFC 4271 §4.2) of the router 10.255.9.`router_id`, with capabilities as they stand in it, and no family but theirs.
///
/// # Panics
/// When they are too many.
#[must_use]
pub fn open(asn: u16, router_id: u8, capabilities: &[&[u8]]) -> Vec<u8> {
    let mut all = vec![65, 4];
    all.extend(u32::from(asn).to_be_bytes());
    all.extend(capabilities.concat());
    let length = u8::try_from(all.len()).expect("few");
    let [high, low] = asn.to_be_bytes();
    let head = [
        4,
        high,
        low,
        0,
        90,
        10,
        255,
        9,
        router_id,
        length + 2,
        2,
        length,
    ];
    message(1, &[&head[..], &all].concat())
}

/// An UPDATE of nothing but attributes.
///
/// # Panics
/// When they are too long.
#[must_use]
pub fn update(attributes: &[Vec<u8>]) -> Vec<u8> {
    let attributes = attributes.concat();
    let length = u16::try_from(attributes.len())
        .expect("short")
        .to_be_bytes();
    message(2, &[&[0, 0][..], &length, &attributes].concat())
}

/// An attribute whose value has fewer than 256 octets.
///
/// # Panics
/// When it has more.
#[must_use]
pub fn attribute(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).expect("short");
    [&[flags, code, length][..], value].concat()
}

/// ORIGIN, an empty AS_PATH, LOCAL_PREF.
#[must_use]
pub fn usual() -> [Vec<u8>; 3] {
    [
        attribute(0x40, 1, &[0]),
        attribute(0x40, 2, &[]),
        attribute(0x40, 5, &[0, 0, 0, 100]),
    ]
}
