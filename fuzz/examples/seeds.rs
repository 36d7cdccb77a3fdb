//! Writes the corpus that is kept in the repository: `cd fuzz && cargo run --example seeds`.
//!
//! The UPDATEs are those of a route collector (`benches/data`), one for each combination of attributes and parts that the
//! file holds, the shortest of its kind; the other messages are made up, one for each thing they can say. Running it again
//! writes the same files. What `scripts/fuzz-corpus` took from long runs lies beside them, named by hashes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use bgp_fuzz::{families, message};
use bgp_wire::{
    AddPathMode, Asn, AttrEditor, Capability, Community, Encoding, Family, FamilySet, Fqdn,
    GracefulRestart, HoldTime, LongLivedFamily, NextHop, Notification, Open, Origin, PathId,
    RefreshSubtype, RouterId, encode_announce, encode_end_of_rib, encode_route_refresh,
    encode_withdraw,
};
use bytes::{Bytes, BytesMut};
use ipnet::{Ipv4Net, Ipv6Net};

/// Names and contents of the files of one target.
type Seeds = Vec<(String, Vec<u8>)>;

fn main() {
    let updates = updates();
    let opens = opens();
    let notifications = notifications();
    let refreshes = refreshes();
    let stream = |bodies: &[(u8, &[u8])]| -> Vec<u8> {
        bodies
            .iter()
            .flat_map(|(kind, body)| message(*kind, body))
            .collect()
    };

    let mut framing = Seeds::new();
    let mut any = Seeds::new();
    for (kind, seeds) in [
        (1, &opens),
        (2, &updates),
        (3, &notifications),
        (5, &refreshes),
    ] {
        let all: Vec<(u8, &[u8])> = seeds
            .iter()
            .take(3)
            .flat_map(|(_, body)| [(kind, body_of(kind, body)), (4, &[][..])])
            .collect();
        framing.push((format!("stream-{kind}"), stream(&all)));
        for (name, body) in seeds {
            // An UPDATE says itself on which session it is to be read.
            let choice = if kind == 2 { body[0] } else { 0 };
            let head = [choice, kind - 1];
            any.push((name.clone(), [&head, body_of(kind, body)].concat()));
        }
    }

    write(
        "session_bytes",
        &session_scripts(&opens, &updates, &refreshes),
    );
    write("rib_inbound", &rib_scripts(&updates));
    write("framing", &framing);
    write("decode_encode_decode", &any);
    write("messages", &messages([&opens, &notifications, &refreshes]));
    write("update", &updates);
    write("nlri", &nlri());
    write("attribute", &attributes());
    write("text", &texts());
    write("containers", &containers(&updates));
    write("differential", &plain(&updates));
    write("bfd_packets", &bfd_scripts());
}

/// Sessions that come up, change, fail and go.
fn bfd_scripts() -> Seeds {
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
            after(&[vec![9, 6, 10, 11, 12], packet(0, 1, 0)]),
        ),
        (
            "afar",
            after(&[packet(3, 3, 0), packet(0x80, 1, 0), packet(0x83, 2, 0)]),
        ),
        ("authenticated", after(&[authenticated])),
    ]
    .into_iter()
    .map(|(name, script)| (name.to_owned(), script))
    .collect()
}

/// With the octet in front that chooses the kind.
fn messages(kinds: [&Seeds; 3]) -> Seeds {
    let numbered = (0..).zip(kinds);
    numbered
        .flat_map(|(number, seeds): (u8, _)| {
            seeds
                .iter()
                .map(move |(name, body)| (name.clone(), [&[number], &body[..]].concat()))
        })
        .collect()
}

/// UPDATEs whose first octet chooses nothing but the width of AS numbers.
fn plain(updates: &Seeds) -> Seeds {
    let width = |choice: u8| u8::from(choice == ASN2);
    updates
        .iter()
        .map(|(name, seed)| (name.clone(), [&[width(seed[0])], &seed[1..]].concat()))
        .collect()
}

/// A block or two of every family, by its place in the set of all.
fn nlri() -> Seeds {
    let rd: &[u8] = &[0, 0, 0xfd, 0xe8, 0, 0, 0, 1];
    let esi: &[u8] = &[0; 10];
    let tag: &[u8] = &[0; 4];
    let mac: &[u8] = &[48, 0, 0x11, 0x22, 0x33, 0x44, 0x55];
    let evpn = |kind: u8, parts: &[&[u8]]| -> Vec<u8> {
        let value = parts.concat();
        let length = u8::try_from(value.len()).expect("short");
        [&[kind, length], &value[..]].concat()
    };
    let label: &[u8] = &[0, 1, 0x11];
    let ip: &[u8] = &[32, 10, 0, 0, 1];
    let blocks: Vec<(&str, Family, Vec<u8>)> = vec![
        ("v4", Family::IPV4_UNICAST, vec![8, 10, 24, 192, 0, 2]),
        ("v6", Family::IPV6_UNICAST, vec![32, 0x20, 1, 0xd, 0xb8, 0]),
        ("labeled-v4", Family::IPV4_LABELED, vec![32, 0, 1, 0x11, 10]),
        (
            "labeled-v4-two",
            Family::IPV4_LABELED,
            vec![56, 0, 1, 0x10, 0, 2, 0x11, 10],
        ),
        (
            "labeled-v6",
            Family::IPV6_LABELED,
            vec![40, 0, 1, 0x11, 0x20, 1],
        ),
        (
            "vpnv4",
            Family::IPV4_VPN,
            [&[112], label, rd, &[10, 1, 2]].concat(),
        ),
        (
            "vpnv6",
            Family::IPV6_VPN,
            [&[120], label, rd, &[0x20, 1, 0xd, 0xb8]].concat(),
        ),
        (
            "rtc",
            Family::RTC,
            [
                &[96, 0, 0, 0xfd, 0xe8],
                &[0, 2, 0xfd, 0xe8, 0, 0, 0, 1][..],
                &[0],
            ]
            .concat(),
        ),
        (
            "evpn-1",
            Family::L2VPN_EVPN,
            evpn(1, &[rd, esi, tag, label]),
        ),
        (
            "evpn-2",
            Family::L2VPN_EVPN,
            evpn(2, &[rd, esi, tag, mac, ip, label, label]),
        ),
        ("evpn-3", Family::L2VPN_EVPN, evpn(3, &[rd, tag, ip])),
        ("evpn-4", Family::L2VPN_EVPN, evpn(4, &[rd, esi, ip])),
        (
            "evpn-5",
            Family::L2VPN_EVPN,
            evpn(5, &[rd, esi, tag, &[24, 10, 0, 0, 0], &[0; 4], label]),
        ),
        (
            "evpn-6",
            Family::L2VPN_EVPN,
            evpn(6, &[rd, tag, &[0], &[32, 239, 1, 1, 1], ip, &[4]]),
        ),
        (
            "evpn-7",
            Family::L2VPN_EVPN,
            evpn(7, &[rd, esi, tag, &[0], &[32, 239, 1, 1, 1], ip, &[4]]),
        ),
        (
            "evpn-8",
            Family::L2VPN_EVPN,
            evpn(
                8,
                &[
                    rd,
                    esi,
                    tag,
                    &[0],
                    &[32, 239, 1, 1, 1],
                    ip,
                    &[0; 4],
                    &[9, 4],
                ],
            ),
        ),
        ("evpn-9", Family::L2VPN_EVPN, evpn(9, &[rd, tag, &[7; 8]])),
        (
            "evpn-10",
            Family::L2VPN_EVPN,
            evpn(10, &[rd, tag, ip, &[32, 239, 1, 1, 1], ip]),
        ),
        // RFC 8955 §4.3: "packets to 192.0.2.0/24 and TCP port 25".
        (
            "flowspec-v4",
            Family::IPV4_FLOWSPEC,
            vec![0x0b, 1, 0x18, 0xc0, 0, 2, 3, 0x81, 6, 4, 0x81, 0x19],
        ),
        // RFC 8956 §3.8.
        (
            "flowspec-v6",
            Family::IPV6_FLOWSPEC,
            vec![
                0x0f, 1, 0x68, 0x40, 0x12, 0x34, 0x56, 0x78, 0x9a, 3, 0x81, 6, 13, 0x81, 1, 0,
            ],
        ),
        (
            "sr-policy",
            Family::IPV4_SR_POLICY,
            vec![96, 0, 0, 0, 1, 0, 0, 0, 100, 10, 0, 0, 1],
        ),
        (
            "link-state",
            Family::LINK_STATE,
            vec![
                0, 1, 0, 23, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 10, 2, 0, 0, 6, 1, 2, 3, 4, 5, 6,
            ],
        ),
    ];
    let places: Vec<Family> = FamilySet::supported().iter().collect();
    let mut seeds = Seeds::new();
    for (name, family, block) in blocks {
        let place = places.iter().position(|known| *known == family);
        let place = u8::try_from(place.expect("a supported family")).expect("few");
        for (form, choice) in [("", 2u8), ("-withdrawn", 4)] {
            seeds.push((
                format!("{name}{form}"),
                [&[place, choice], &block[..]].concat(),
            ));
        }
        let with_id = [&[place, 1, 0, 0, 0, 7], &block[..]].concat();
        seeds.push((format!("{name}-add-path"), with_id));
    }
    seeds
}

/// A value of every attribute, behind session, flags and code.
fn attributes() -> Seeds {
    let values: Vec<(&str, u8, u8, Vec<u8>)> = vec![
        (
            "communities",
            0xc0,
            8,
            vec![0xff, 0xff, 0xff, 1, 0, 1, 0, 2],
        ),
        ("aggregator", 0xc0, 7, vec![0, 0, 0xfd, 0xe8, 192, 0, 2, 1]),
        (
            "ext-communities",
            0xc0,
            16,
            vec![0, 2, 0xfd, 0xe8, 0, 0, 0, 1, 6, 0, 1, 0, 0, 0, 0, 9],
        ),
        ("large", 0xc0, 32, vec![0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]),
        ("pmsi", 0xc0, 22, vec![0, 6, 0, 0x27, 0x10, 192, 0, 2, 1]),
        ("tunnel", 0xc0, 23, vec![0, 8, 0, 4, 6, 2, 0, 1]),
        (
            "tunnel-sr",
            0xc0,
            23,
            vec![
                0, 15, 0, 23, 12, 6, 0, 0, 0, 0, 0, 100, 128, 0, 9, 0, 1, 6, 0, 0, 1, 0x11, 0, 0,
                0, 15, 2, 0, 0,
            ],
        ),
        (
            "ipv6-ext",
            0xc0,
            25,
            vec![
                0, 2, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 7,
            ],
        ),
        ("aigp", 0x80, 26, vec![1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9]),
        (
            "link-state",
            0x80,
            29,
            vec![4, 2, 0, 4, b't', b'o', b'r', b'1', 4, 71, 0, 3, 0, 0, 9],
        ),
        ("otc", 0xc0, 35, vec![0, 0, 0xfd, 0xe8]),
        ("bfd", 0xc0, 38, vec![1, 0, 0, 0, 9]),
        (
            "prefix-sid",
            0xc0,
            40,
            [
                &[1, 0, 7, 0, 0, 0, 0, 0, 0, 9][..],
                &[5, 0, 34, 0, 1, 0, 30, 0],
                &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                &[0, 0, 19, 0, 1, 0, 6, 40, 24, 16, 0, 16, 64],
            ]
            .concat(),
        ),
        (
            "attr-set",
            0xc0,
            128,
            vec![0, 0, 0xfd, 0xe8, 0x40, 1, 1, 0, 0x40, 2, 0],
        ),
        ("unknown", 0xc0, 200, vec![1, 2, 3]),
    ];
    let mut seeds = Seeds::new();
    for (name, flags, code, value) in values {
        for (kind, choice) in [("ebgp", ASN4), ("ibgp", ADD_PATH)] {
            let seed = [&[choice, flags, code], &value[..]].concat();
            seeds.push((format!("{name}-{kind}"), seed));
        }
    }
    seeds
}

/// Texts of every kind.
fn texts() -> Seeds {
    let texts: [(u8, &[&str]); 16] = [
        (0, &["65000", "1.10", "AS4200000000"]),
        (1, &["65000:100", "no-export", "graceful-shutdown"]),
        (
            2,
            &[
                "rt:65000:100",
                "soo:192.0.2.1:7",
                "color:100",
                "encap:vxlan",
                "rmac:00:11:22:33:44:55",
                "0x030b000000000064",
            ],
        ),
        (3, &["rt:[2001:db8::1]:7"]),
        (4, &["65000:1:2"]),
        (5, &["65000 1.10 {1,2} (64512 64513) [1,2]"]),
        (6, &["00:11:22:33:44:55:66:77:88:99"]),
        (7, &["00:11:22:33:44:55", "0011.2233.4455"]),
        (8, &["igp"]),
        (9, &["l2vpn/evpn", "afi99/safi9"]),
        (10, &["16", "implicit-null"]),
        (11, &["65000:1", "192.0.2.1:7", "0x0003010203040506"]),
        (12, &["65000:1:10.0.0.0/8"]),
        (13, &["65000:1:2001:db8::/32"]),
        (
            14,
            &[
                "[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1]",
                "[5]:[65000:1]:[0]:[24]:[10.0.0.0]",
            ],
        ),
        (15, &["65000:rt:65000:100", "default"]),
    ];
    let mut seeds = Seeds::new();
    for (kind, texts) in texts {
        for (number, text) in texts.iter().enumerate() {
            let seed = [&[kind], text.as_bytes()].concat();
            seeds.push((format!("{kind:02}-{number}"), seed));
        }
    }
    seeds
}

/// The same few messages in every container.
fn containers(updates: &Seeds) -> Seeds {
    let stream: Vec<u8> = updates
        .iter()
        .take(2)
        .flat_map(|(_, seed)| message(2, &seed[1..]))
        .collect();
    let hex: String = stream.iter().map(|octet| format!("{octet:02x} ")).collect();
    // An Ethernet frame with IPv4 and TCP from 192.0.2.1:179 to 192.0.2.2:40000.
    let length = |octets: usize| u16::try_from(octets).expect("short").to_be_bytes();
    let [high, low] = length(40 + stream.len());
    let packet = [
        &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..],
        &[
            0x45, 0, high, low, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2,
        ],
        &[
            0, 179, 0x9c, 0x40, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0,
        ],
        &stream,
    ]
    .concat();
    let size = u32::try_from(packet.len()).expect("short").to_le_bytes();
    let pcap = [
        &[
            0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
        ][..],
        &[0; 8],
        &size,
        &size,
        &packet,
    ]
    .concat();
    let body = [
        &[
            0, 0, 0xfd, 0xe9, 0, 0, 0xfd, 0xe8, 0, 0, 0, 1, 192, 0, 2, 1, 192, 0, 2, 2,
        ][..],
        &message(2, &updates[0].1[1..]),
    ]
    .concat();
    let size = u32::try_from(body.len()).expect("short").to_be_bytes();
    let mrt = [&[0x4b, 0x89, 0x3a, 0, 0, 16, 0, 4][..], &size, &body].concat();
    let all: [(u8, &str, &[u8]); 4] = [
        (0, "hex", hex.as_bytes()),
        (1, "raw", &stream),
        (2, "pcap", &pcap),
        (3, "mrt", &mrt),
    ];
    all.into_iter()
        .map(|(kind, name, octets)| (name.into(), [&[kind], octets].concat()))
        .collect()
}

/// UPDATEs carry the choice of a session in front.
fn body_of(kind: u8, seed: &[u8]) -> &[u8] {
    &seed[usize::from(kind == 2)..]
}

fn write(target: &str, seeds: &Seeds) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&folder).expect("a folder for the seeds");
    // What long runs found is named by its hash, and stays.
    let is_found = |name: &str| name.len() == 40 && name.bytes().all(|b| b.is_ascii_hexdigit());
    for file in fs::read_dir(&folder).expect("a folder").flatten() {
        if !is_found(&file.file_name().to_string_lossy()) {
            fs::remove_file(file.path()).expect("an old seed");
        }
    }
    for (name, bytes) in seeds {
        fs::write(folder.join(name), bytes).expect("room for a seed");
    }
    println!("{} seeds for {target}", seeds.len());
}

/// The session on which the collector's messages with four and with two octets for each AS are read.
const ASN4: u8 = 0x40;
const ASN2: u8 = 0x44;
/// With ADD-PATH, and as an internal peer.
const ADD_PATH: u8 = 0x52;
/// With IPv6 next hops for IPv4.
const NEXT_HOP: u8 = 0x62;

/// Bodies of UPDATEs, each with the octet that chooses its session.
fn updates() -> Seeds {
    let mut kinds: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (four, bytes) in collected() {
        if bytes[18] != 2 {
            continue;
        }
        let body = &bytes[19..];
        let seed = [&[if four { ASN4 } else { ASN2 }], body].concat();
        let kept = kinds.entry(kind_of(four, body)).or_insert(seed.clone());
        if seed.len() < kept.len() {
            *kept = seed;
        }
    }
    let mut seeds: Seeds = kinds
        .into_iter()
        .map(|(kind, seed)| (format!("ris-{kind}"), seed))
        .collect();
    seeds.extend(made_updates());
    seeds
}

/// Which parts and attributes a body has, as a name.
fn kind_of(four: bool, body: &[u8]) -> String {
    let number = |at: usize| usize::from(u16::from_be_bytes([body[at], body[at + 1]]));
    let withdrawn = number(0);
    let mut at = 4 + withdrawn;
    let end = at + number(2 + withdrawn);
    let mut name = String::from(if four { "as4" } else { "as2" });
    if withdrawn > 0 {
        name += "-withdraw";
    }
    while at < end {
        name += &format!("-{}", body[at + 1]);
        at += if body[at] & 0x10 == 0 {
            3 + usize::from(body[at + 2])
        } else {
            4 + number(at + 2)
        };
    }
    if end < body.len() {
        name += "-announce";
    }
    name
}

/// The messages of the collector's file, and whether their AS numbers have four octets (RFC 6396 §4.4).
fn collected() -> Vec<(bool, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../benches/data/rrc15-updates.20100227.1600.gz");
    let mut dump = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(path).expect("the collector's file"))
        .read_to_end(&mut dump)
        .expect("a gzip file");
    let mut rest = &dump[..];
    let mut found = Vec::new();
    while let Some((header, after)) = rest.split_at_checked(12) {
        let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let length = usize::from(number(8)) << 16 | usize::from(number(10));
        let (body, next) = after.split_at(length);
        rest = next;
        let four = match (number(4), number(6)) {
            (16, 1) => false,
            (16, 4) => true,
            _ => continue,
        };
        let family = if four { 10 } else { 6 };
        let addresses = if body[family + 1] == 2 { 32 } else { 8 };
        found.push((four, body[family + 2 + addresses..].to_vec()));
    }
    found
}

/// What the file of 2010 does not have.
fn made_updates() -> Seeds {
    let v4: [(PathId, Ipv4Net); 2] =
        ["192.0.2.0/24", "198.51.100.0/25"].map(|net| (PathId(7), net.parse().expect("a prefix")));
    let v6: [(PathId, Ipv6Net); 2] =
        ["2001:db8:1::/48", "::/0"].map(|net| (PathId(7), net.parse().expect("a prefix")));
    let next_hop = NextHop::V6("2001:db8::1".parse().expect("an address"));
    let mut attrs = AttrEditor::new();
    attrs.set_origin(Origin::Igp);
    attrs.set_as_path(&[Asn(65001), Asn(4_200_000_001)]);
    attrs.set_local_pref(Some(200));
    attrs.set_communities([Community::NO_EXPORT, Community(0xfde8_0001)]);
    attrs.set_originator_id(Some(RouterId(9)));
    attrs.prepend_cluster_id(RouterId(8));
    attrs.set_next_hop(next_hop);
    let plain = Encoding::default();
    let ids = Encoding {
        add_path: true,
        mp_ipv4: true,
        ..plain.clone()
    };

    let mut seeds = Seeds::new();
    let mut add = |name: &str, choice: u8, write: &dyn Fn(&mut BytesMut)| {
        let mut out = BytesMut::new();
        write(&mut out);
        seeds.push((name.into(), [&[choice], &out[19..]].concat()));
    };
    add("made-v6", NEXT_HOP, &|out| {
        let sent = encode_announce(out, Family::IPV6_UNICAST, &plain, attrs.get(), &v6);
        assert_eq!(sent.ok(), Some(2));
    });
    add("made-v6-add-path", ADD_PATH, &|out| {
        let sent = encode_announce(out, Family::IPV6_UNICAST, &ids, attrs.get(), &v6);
        assert_eq!(sent.ok(), Some(2));
    });
    add("made-v4-over-v6", NEXT_HOP, &|out| {
        let enc = Encoding {
            add_path: false,
            ..ids.clone()
        };
        let sent = encode_announce(out, Family::IPV4_UNICAST, &enc, attrs.get(), &v4);
        assert_eq!(sent.ok(), Some(2));
    });
    add("made-withdraw-v6", NEXT_HOP, &|out| {
        assert_eq!(encode_withdraw(out, Family::IPV6_UNICAST, &plain, &v6), 2);
    });
    add("made-withdraw-v4-add-path", ADD_PATH, &|out| {
        assert_eq!(encode_withdraw(out, Family::IPV4_UNICAST, &ids, &v4), 2);
    });
    add("made-end-of-rib-v4", ASN4, &|out| {
        encode_end_of_rib(out, Family::IPV4_UNICAST);
    });
    add("made-end-of-rib-v6", ASN4, &|out| {
        encode_end_of_rib(out, Family::IPV6_UNICAST);
    });
    seeds
}

fn opens() -> Seeds {
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
    capabilities
        .into_iter()
        .map(|(name, capabilities)| {
            let mut out = BytesMut::new();
            Open::new(Asn(65001), HoldTime::default(), RouterId(2), capabilities)
                .encode(&mut out)
                .expect("it fits");
            (format!("open-{name}"), out[19..].to_vec())
        })
        .collect()
}

fn notifications() -> Seeds {
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
    all.into_iter()
        .map(|(name, notification)| {
            let mut out = BytesMut::new();
            notification.encode(&mut out);
            (format!("notification-{name}"), out[19..].to_vec())
        })
        .collect()
}

fn refreshes() -> Seeds {
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
        .collect()
}

/// Scripts for `session_bytes`: the numbers are those of its steps.
fn session_scripts(opens: &Seeds, updates: &Seeds, refreshes: &Seeds) -> Seeds {
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
fn rib_scripts(updates: &Seeds) -> Seeds {
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
