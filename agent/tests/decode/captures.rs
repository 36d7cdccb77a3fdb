//! `--pcap`: sessions as they are on the wire.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::*;

const BOTH: &[&[u8]] = &[&[1, 4, 0, 1, 0, 1], &[65, 4, 0, 0, 0xfd, 0xe9]];
const BOTH_SERVER: &[&[u8]] = &[&[1, 4, 0, 1, 0, 1], &[65, 4, 0, 0, 0xfd, 0xea]];

fn read(pcap: &Pcap) -> Said {
    decode(&["--pcap", "-", "-o", "json"], &pcap.file)
}

fn update_of(prefix: u8) -> Vec<u8> {
    update(&[], &[ORIGIN, PATH, NEXT_HOP], &[16, 10, prefix])
}

/// The second octets of the prefixes announced, in the order told.
fn announced(all: &[Value]) -> Vec<u64> {
    all.iter()
        .filter_map(|one| one["fields"]["announced"][0]["prefix"].as_str())
        .map(|prefix| prefix.split('.').nth(1).unwrap().parse().unwrap())
        .collect()
}

/// Types, lengths and places of all messages, as tshark has them (a place is the sequence number less one; where tshark has
/// several messages in one packet the places of the later ones follow from the lengths):
/// `tshark -r bird.pcap -Y bgp -T fields -e tcp.srcport -e bgp.type -e bgp.length -e tcp.seq`
#[test]
fn a_real_session_is_what_tshark_sees() {
    let tshark: &[(bool, &str, u64, u64)] = &[
        (true, "OPEN", 65, 0),
        (false, "OPEN", 65, 0),
        (true, "KEEPALIVE", 19, 65),
        (false, "KEEPALIVE", 19, 65),
        (false, "UPDATE", 48, 84),
        (false, "UPDATE", 23, 132),
        (false, "UPDATE", 29, 155),
        (true, "UPDATE", 73, 84),
        (true, "UPDATE", 52, 157),
        (true, "UPDATE", 59, 209),
        (true, "UPDATE", 23, 268),
        (true, "UPDATE", 79, 291),
        (true, "UPDATE", 68, 370),
        (true, "UPDATE", 29, 438),
        (false, "ROUTE-REFRESH", 23, 184),
        (false, "ROUTE-REFRESH", 23, 207),
        (true, "ROUTE-REFRESH", 23, 467),
        (true, "UPDATE", 73, 490),
        (true, "UPDATE", 52, 563),
        (true, "UPDATE", 59, 615),
        (true, "ROUTE-REFRESH", 23, 674),
        (true, "ROUTE-REFRESH", 23, 697),
        (true, "UPDATE", 79, 720),
        (true, "UPDATE", 68, 799),
        (true, "ROUTE-REFRESH", 23, 867),
        (true, "NOTIFICATION", 34, 890),
    ];
    for file in ["bird.pcap", "cooked.pcap"] {
        let said = decode(&["--pcap", &data(file), "-o", "json"], b"");
        assert_eq!(said.status, 0, "{file}");
        assert_eq!(
            said.summary(),
            "26 messages, 0 malformed, 0 bytes skipped",
            "{file}"
        );
        let all = said.json();
        let told: Vec<_> = all
            .iter()
            .map(|one| {
                let to_server = one["session"]["to"] == "192.0.2.2:179";
                let number = |key: &str| one[key].as_u64().unwrap();
                (
                    to_server,
                    one["type"].as_str().unwrap(),
                    number("length"),
                    number("offset"),
                )
            })
            .collect();
        assert_eq!(told, tshark, "{file}");
        assert!(all.iter().all(|one| one["session"]["connection"] == 1));
        assert!(
            all[1..]
                .iter()
                .all(|one| one["session"]["negotiated"] == "opens")
        );
    }
}

/// `tshark -r bird.pcap -Y 'bgp.type==2' -T fields -e bgp.nlri_path_id -e bgp.nlri_prefix -e bgp.prefix_length
/// -e bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6 -e bgp.mp_reach_nlri_ipv6_prefix`
/// Path identifiers are in the direction from 192.0.2.1 and of IPv4 only, as the OPENs say.
#[test]
fn routes_of_a_real_session_are_those_that_tshark_sees() {
    let all = decode(&["--pcap", &data("bird.pcap"), "-o", "json"], b"").json();
    let fields = |place: usize| &all[place]["fields"];
    assert_eq!(
        fields(4)["announced"],
        json!([{"prefix": "192.0.2.128/25"}])
    );
    for (place, prefix) in [
        (7, "198.51.100.0/24"),
        (8, "203.0.113.128/25"),
        (9, "203.0.113.0/25"),
    ] {
        let wanted = json!([{"path_id": 2, "prefix": prefix}]);
        assert_eq!(fields(place)["announced"], wanted);
        assert_eq!(fields(place)["next_hop"], "192.0.2.1");
    }
    for (place, prefix) in [(11, "2001:db8:1::/48"), (12, "2001:db8:2::/48")] {
        assert_eq!(
            fields(place)["mp_reach"]["nlri"],
            json!([{"prefix": prefix}])
        );
        assert_eq!(fields(place)["mp_reach"]["next_hop"], "2001:db8::1");
    }
    // Both ends of RIB, and the text of the shutdown.
    assert_eq!(fields(5)["end_of_rib"], "ipv4/unicast");
    assert_eq!(fields(13)["end_of_rib"], "ipv6/unicast");
    assert_eq!(fields(25)["communication"], "back at five");
}

#[test]
fn every_link_layer_and_both_versions_of_ip_are_read() {
    for link in [Link::Ethernet, Link::Vlan, Link::QinQ, Link::Cooked] {
        for ipv6 in [false, true] {
            let mut pcap = Pcap::new(link, ipv6);
            pcap.connect(40000);
            pcap.send(CLIENT, &open(65001, BOTH));
            pcap.send(SERVER, &open(65002, BOTH_SERVER));
            pcap.send(CLIENT, &update_of(1));
            let said = read(&pcap);
            assert_eq!(said.summary(), "3 messages, 0 malformed, 0 bytes skipped");
            let server = if ipv6 {
                "[2001:db8::2]:179"
            } else {
                "192.0.2.2:179"
            };
            assert_eq!(said.json()[2]["session"]["to"], server);
        }
    }
}

#[test]
fn segments_are_put_in_order_and_heard_once() {
    let mut pcap = Pcap::new(Link::Ethernet, false);
    pcap.connect(40000);
    pcap.send(CLIENT, &open(65001, BOTH));
    pcap.send(SERVER, &open(65002, BOTH_SERVER));
    let stream: Vec<u8> = (1..=8).flat_map(update_of).collect();
    let start = pcap.skip(CLIENT, stream.len());
    // Overlapping, twice, and the last first.
    for (from, end) in [
        (200, 300),
        (0, 70),
        (0, 70),
        (60, 130),
        (300, 368),
        (120, 210),
    ] {
        pcap.packet(CLIENT, start + from as u32, 0x18, &stream[from..end]);
    }
    let said = read(&pcap);
    assert_eq!(said.summary(), "10 messages, 0 malformed, 0 bytes skipped");
    assert_eq!(announced(&said.json()), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn a_lost_segment_costs_the_messages_in_it_and_no_more() {
    let mut pcap = Pcap::new(Link::Ethernet, false);
    pcap.connect(40000);
    pcap.send(CLIENT, &open(65001, BOTH));
    pcap.send(SERVER, &open(65002, BOTH_SERVER));
    pcap.send(CLIENT, &update_of(1));
    let second = update_of(2);
    pcap.send(CLIENT, &second[..20]);
    pcap.skip(CLIENT, second.len() - 20);
    for prefix in 3..=20 {
        pcap.send(CLIENT, &update_of(prefix));
        pcap.send(SERVER, &[]);
    }
    let said = read(&pcap);
    assert_eq!(
        said.status, 0,
        "the capture lacks octets, the session does not"
    );
    let missing = second.len() - 20;
    let summary = format!(
        "21 messages, 0 malformed, 20 bytes skipped, {missing} bytes missing from the capture"
    );
    assert_eq!(said.summary(), summary);
    let wanted: Vec<_> = [1].into_iter().chain(3..=20).collect();
    assert_eq!(announced(&said.json()), wanted);
}

/// RFC 6793 §4.1: without OPENs the size of AS numbers can only be seen.
#[test]
fn a_session_joined_in_its_middle_is_guessed_and_the_guess_is_said() {
    for (path, asn4, words) in [(PATH, true, "four"), (SHORT_PATH, false, "two")] {
        let mut pcap = Pcap::new(Link::Ethernet, false);
        let octets = update(&[], &[ORIGIN, path, NEXT_HOP], ROUTE);
        pcap.send(CLIENT, &octets[20..]);
        pcap.send(CLIENT, &octets);
        pcap.send(CLIENT, &octets);
        let said = read(&pcap);
        assert_eq!(said.status, 0);
        let skipped = octets.len() - 20;
        let summary = format!("2 messages, 0 malformed, {skipped} bytes skipped");
        assert_eq!(said.summary(), summary);
        for one in said.json() {
            assert_eq!(one["session"]["asn4"], asn4);
            assert_eq!(one["session"]["negotiated"], "assumed");
        }
        assert_eq!(
            said.err
                .matches(&format!("look like {words} octets"))
                .count(),
            1,
            "{}",
            said.err
        );
        // What is said counts more.
        let said = decode(&["--pcap", "-", "--asn4", "yes"], &pcap.file);
        assert_eq!(said.status, i32::from(!asn4));
    }
}

/// RFC 4760 §7, RFC 7606 §3: a family that was not negotiated is ignored, and the session stays.
#[test]
fn a_family_that_was_not_negotiated_is_a_finding() {
    let mut pcap = Pcap::new(Link::Ethernet, false);
    pcap.connect(40000);
    pcap.send(CLIENT, &open(65001, BOTH));
    pcap.send(SERVER, &open(65002, BOTH_SERVER));
    pcap.send(
        CLIENT,
        &update(&[], &[&[0x80, 15, 5, 0, 2, 1, 8, 0x20]], &[]),
    );
    let said = read(&pcap);
    assert_eq!(said.status, 0);
    let last = said.json().pop().unwrap();
    assert_eq!(last["error"], Value::Null);
    assert_eq!(last["findings"][0]["disposition"], "none");
    assert_eq!(last["findings"][0]["attribute_name"], "MP_UNREACH_NLRI");
    let said = decode(
        &["--pcap", "-", "--add-path", "ipv6/unicast", "-o", "json"],
        &pcap.file,
    );
    assert_ne!(
        said.json().pop().unwrap()["error"],
        Value::Null,
        "now it is read"
    );
}

#[test]
fn many_sessions_are_kept_apart() {
    let mut pcap = Pcap::new(Link::Ethernet, false);
    for port in 40000..40100u16 {
        pcap.connect(port);
        // Every other one has two octets.
        let two = port % 2 == 0;
        let own: &[&[u8]] = if two { &BOTH[..1] } else { BOTH };
        pcap.send(CLIENT, &open(65001, own));
        pcap.send(SERVER, &open(65002, BOTH_SERVER));
        let path = if two { SHORT_PATH } else { PATH };
        pcap.send(CLIENT, &update(&[], &[ORIGIN, path, NEXT_HOP], ROUTE));
    }
    let said = read(&pcap);
    assert_eq!(said.summary(), "300 messages, 0 malformed, 0 bytes skipped");
    let all = said.json();
    assert_eq!(all[299]["session"]["connection"], 100);
    assert!(all.iter().all(|one| one["error"].is_null()));
}

#[test]
fn a_capture_cut_in_the_middle_gives_what_is_there_and_says_where_it_ends() {
    let file = std::fs::read(data("bird.pcap")).unwrap();
    let said = decode(&["--pcap", "-", "-o", "json"], &file[..2500]);
    assert_eq!(said.status, 1);
    assert!(
        said.err
            .contains("cosmos: standard input: ends in the middle of a packet at octet "),
        "{}",
        said.err
    );
    assert!(said.json().len() > 5);
}

#[test]
fn another_port_can_be_looked_at() {
    let said = decode(&["--pcap", &data("bird.pcap"), "--port", "1790"], b"");
    assert_eq!(said.summary(), "0 messages, 0 malformed, 0 bytes skipped");
}

/// A capture of any length is read in the same memory: this one is longer than what may be used.
#[test]
fn memory_does_not_grow_with_the_capture() {
    const MIB: usize = 1024 * 1024;
    let mut pcap = Pcap::new(Link::Ethernet, false);
    pcap.connect(40000);
    pcap.send(CLIENT, &open(65001, BOTH));
    pcap.send(SERVER, &open(65002, BOTH_SERVER));
    let large = [&[0xd0, 99, 0x0f, 0x00][..], &[7; 3840]].concat();
    let large = update(&[], &[ORIGIN, PATH, NEXT_HOP, &large], ROUTE);
    let mut child = Command::new(env!("CARGO_BIN_EXE_cosmos"))
        .args(["decode", "--pcap", "-", "-o", "hex"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    let mut written = 0;
    while written < 64 * MIB {
        for place in 0..100 {
            pcap.send(CLIENT, &large);
            if place % 10 == 0 {
                // Every tenth is missing.
                pcap.skip(CLIENT, large.len());
            }
        }
        written += pcap.file.len();
        stdin.write_all(&std::mem::take(&mut pcap.file)).unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let told = reader.join().unwrap().unwrap();
    assert!(told as usize > written, "all of it was decoded");
    assert!(peak * 1024 < 50 * MIB, "{peak} kB");
}

/// Puts something between Ethernet and IP of every packet of a capture.
fn within(pcap: &Pcap, outer: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (head, mut packets) = pcap.file.split_at(24);
    let mut file = head.to_vec();
    while !packets.is_empty() {
        let length = u32::from_le_bytes(packets[8..12].try_into().unwrap()) as usize;
        let (packet, rest) = packets.split_at(16 + length);
        let frame = outer(&packet[16..]);
        file.extend(&packet[..8]);
        for _ in 0..2 {
            file.extend((frame.len() as u32).to_le_bytes());
        }
        file.extend(frame);
        packets = rest;
    }
    file
}

/// IPv4 of a protocol in Ethernet.
fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend((payload.len() as u16 + 20).to_be_bytes());
    frame.extend([
        0, 0, 0, 0, 64, protocol, 0, 0, 198, 51, 100, 1, 198, 51, 100, 2,
    ]);
    frame.extend(payload);
    frame
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0xc0, 0];
    datagram.extend(port.to_be_bytes());
    datagram.extend((payload.len() as u16 + 8).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    ipv4(17, &datagram)
}

/// RFC 2003, RFC 4213, RFC 2784, RFC 2890, RFC 7348, RFC 8926.
#[test]
fn sessions_within_tunnels_are_read_and_the_tunnel_is_said() {
    type Outer = fn(&[u8]) -> Vec<u8>;
    let tunnels: [(&str, bool, Outer); 8] = [
        ("IP in IP", false, |frame| ipv4(4, &frame[14..])),
        ("IP in IP", true, |frame| ipv4(41, &frame[14..])),
        ("GRE", false, |frame| {
            ipv4(47, &[&[0, 0, 8, 0], &frame[14..]].concat())
        }),
        // With checksum, key and sequence number.
        ("GRE", true, |frame| {
            ipv4(
                47,
                &[&[0xb0, 0, 0x86, 0xdd][..], &[7; 12], &frame[14..]].concat(),
            )
        }),
        ("GRE", false, |frame| {
            ipv4(47, &[&[0, 0, 0x65, 0x58], frame].concat())
        }),
        ("VXLAN", false, |frame| {
            udp(4789, &[&[8, 0, 0, 0, 0, 0, 100, 0], frame].concat())
        }),
        ("Geneve", true, |frame| {
            udp(
                6081,
                &[&[1, 0, 0x65, 0x58, 0, 0, 100, 0][..], &[0; 4], frame].concat(),
            )
        }),
        // The innermost is said.
        ("VXLAN", false, |frame| {
            let vxlan = udp(4789, &[&[8, 0, 0, 0, 0, 0, 100, 0], frame].concat());
            ipv4(47, &[&[0, 0, 8, 0], &vxlan[14..]].concat())
        }),
    ];
    for (name, ipv6, outer) in tunnels {
        let mut pcap = Pcap::new(Link::Ethernet, ipv6);
        pcap.connect(40000);
        pcap.send(CLIENT, &open(65001, BOTH));
        pcap.send(SERVER, &open(65002, BOTH_SERVER));
        pcap.send(CLIENT, &update_of(1));
        let file = within(&pcap, &outer);
        let said = decode(&["--pcap", "-", "-o", "json"], &file);
        assert_eq!(said.status, 0, "{name}: {}", said.err);
        assert_eq!(announced(&said.json()), [1], "{name}");
        assert_eq!(
            said.err.lines().next(),
            Some(&*format!("note: 5 packets of BGP came through {name}"))
        );
        let inside = if ipv6 { "[2001:db8::1]" } else { "192.0.2.1" };
        assert_eq!(
            said.json()[0]["session"]["from"],
            format!("{inside}:40000"),
            "{name}"
        );
    }
}

#[test]
fn bgp_on_another_port_is_hinted_at() {
    let mut pcap = Pcap::new(Link::Ethernet, false);
    pcap.connect(1790);
    for number in 0..3 {
        pcap.send(CLIENT, &update_of(number));
    }
    // Port 179 is the other end here.
    let said = decode(&["--pcap", "-", "--port", "2179"], &pcap.file);
    let lines: Vec<_> = said.err.lines().collect();
    assert_eq!(
        lines,
        [
            "note: none of 5 packets is of TCP port 2179",
            "hint: TCP port 179 looks like BGP, 3 segments begin with a marker: try --port 179",
            "0 messages, 0 malformed, 0 bytes skipped",
        ]
    );
    assert_eq!((said.status, &*said.out), (0, ""));
    // What begins otherwise is none.
    let mut other = Pcap::new(Link::Ethernet, false);
    other.connect(1790);
    other.send(CLIENT, &[0xff; 100]);
    let said = decode(&["--pcap", "-", "--port", "2179"], &other.file);
    assert!(!said.err.contains("hint:"), "{}", said.err);
    // Nothing is said of it where it is the port.
    let said = decode(&["--pcap", "-"], &pcap.file);
    assert!(!said.err.contains("hint:"), "{}", said.err);
}
