//! A family whose routes cannot be read is given up, and the session goes on with the others (RFC 4760 §7): through the speaker,
//! from the socket to the table and to what is shown.

mod one_speaker;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_session::State;
use bgp_wire::Family;
use cosmos::speaker::{FamilySnapshot, Speaker};
use rib::{NextHopKey, NextHopResolver, Resolution};
use socket2::{Domain, Socket, Type};

use one_speaker::{LIMIT, message, start, until};

struct Anywhere;

impl NextHopResolver for Anywhere {
    fn resolve(&self, _: &NextHopKey) -> Resolution {
        Resolution::DIRECT
    }
}

fn manifests(port: u16) -> String {
    let families = "[{afi: ipv4, safi: unicast}, {afi: ipv6, safi: unicast}]";
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {{name: r}}
spec:
  targetRef: {{kind: Node, name: node-1}}
  localASN: 65001
  routerID: 10.0.0.1
  listenPort: {port}
  addressFamilies: {families}
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {{name: p}}
spec:
  routerRef: {{name: r}}
  address: 127.0.0.2
  peerASN: 65002
  passive: true
  addressFamilies: {families}
"
    )
}

/// ORIGIN, AS_PATH 65002 and NEXT_HOP behind this attribute, and these NLRI of IPv4.
fn update(first: &[u8], nlri: &[u8]) -> Vec<u8> {
    let rest = [
        0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xea, 0x40, 3, 4, 10, 9, 9, 9,
    ];
    let length = ((first.len() + rest.len()) as u16).to_be_bytes();
    message(2, &[&[0, 0], &length[..], first, &rest, nlri].concat())
}

/// 2001:xx::/`bits`.
fn update_v6(third: u8, bits: u8) -> Vec<u8> {
    let next_hop = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let value = [&[0, 2, 1, 16], &next_hop[..], &[0, bits, 0x20, 1, third]].concat();
    update(&[&[0x80, 14, value.len() as u8], &value[..]].concat(), &[])
}

fn establish(port: u16) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into())
        .unwrap();
    socket
        .connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())
        .unwrap();
    let mut stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let open = [
        4, 0xfd, 0xea, 0, 90, 10, 0, 0, 2, 20, 2, 18, 1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 65, 4, 0,
        0, 0xfd, 0xea,
    ];
    stream.write_all(&message(1, &open)).unwrap();
    expect(&mut stream, 1);
    stream.write_all(&message(4, &[])).unwrap();
    expect(&mut stream, 4);
    stream
}

fn expect(stream: &mut TcpStream, kind: u8) {
    let mut header = [0; 19];
    stream.read_exact(&mut header).unwrap();
    let mut body = vec![0; usize::from(u16::from_be_bytes([header[16], header[17]])) - 19];
    stream.read_exact(&mut body).unwrap();
    assert_eq!(header[18], kind, "{body:?}");
}

fn family(speaker: &Speaker, family: Family) -> Option<FamilySnapshot> {
    let snapshot = speaker.snapshot();
    let peer = snapshot.peers.values().next()?.lock();
    assert_eq!(peer.state, State::Established, "{:?}", peer.errors);
    peer.families
        .iter()
        .find(|known| known.family == family)
        .copied()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_that_cannot_be_read_goes_and_the_session_stays() {
    let (port, mut speaker, rib) = start(manifests, Arc::new(Anywhere)).await;
    let paths = || {
        let counts = rib.counts();
        let of = |family| counts.family(family).unwrap().paths;
        (of(Family::IPV4_UNICAST), of(Family::IPV6_UNICAST))
    };

    let mut stream = tokio::task::spawn_blocking(move || establish(port))
        .await
        .unwrap();
    let good = [update_v6(1, 24), update_v6(2, 24), update(&[], &[8, 10])];
    stream.write_all(&good.concat()).unwrap();
    until("all routes are there", || paths() == (1, 2)).await;
    assert!(!family(&speaker, Family::IPV6_UNICAST).unwrap().disabled);

    // 129 bits; then a good one of the family, and one of the other.
    let bad = [update_v6(3, 129), update_v6(4, 24), update(&[], &[8, 11])];
    stream.write_all(&bad.concat()).unwrap();
    until("one family is gone, the other goes on", || {
        paths() == (2, 0)
    })
    .await;
    until("that is told", || {
        family(&speaker, Family::IPV6_UNICAST).is_some_and(|family| family.disabled)
    })
    .await;
    assert!(!family(&speaker, Family::IPV4_UNICAST).unwrap().disabled);
    stream.write_all(&update_v6(5, 24)).unwrap();
    stream.write_all(&update(&[], &[8, 12])).unwrap();
    until("the other family goes on", || paths() == (3, 0)).await;
    {
        let snapshot = speaker.snapshot();
        let peer = snapshot.peers.values().next().unwrap().lock();
        assert_eq!(peer.stats.findings.afi_safi_disable, 1);
        let malformed = peer.malformed.as_ref().unwrap().what.clone();
        assert!(malformed.contains("afi-safi-disable"), "{malformed}");
    }

    // The next session begins anew.
    drop(stream);
    until("the session is over", || paths() == (0, 0)).await;
    let mut stream = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        loop {
            match std::panic::catch_unwind(|| establish(port)) {
                Ok(stream) => break stream,
                Err(_) => assert!(start.elapsed() < LIMIT, "not let in again"),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    })
    .await
    .unwrap();
    stream.write_all(&update_v6(1, 24)).unwrap();
    until("the family is back", || paths() == (0, 1)).await;
    assert!(!family(&speaker, Family::IPV6_UNICAST).unwrap().disabled);
    speaker.stop("done").await;
}
