//! A defect that one peer's messages meet costs that peer's session and routes, and nobody else's. A resolver that panics at
//! one next hop stands for the defect.

mod one_speaker;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rib::{NextHopKey, NextHopResolver, Resolution};
use socket2::{Domain, Socket, Type};

use one_speaker::{LIMIT, message, start, until};

const POISON: [u8; 4] = [192, 0, 2, 66];

struct Fragile;

impl NextHopResolver for Fragile {
    fn resolve(&self, next_hop: &NextHopKey) -> Resolution {
        assert_ne!(next_hop.address, IpAddr::from(POISON), "poison");
        Resolution::DIRECT
    }
}

fn manifests(port: u16) -> String {
    let mut text = format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {{name: r}}
spec:
  targetRef: {{kind: Node, name: node-1}}
  localASN: 65001
  routerID: 10.0.0.1
  listenPort: {port}
  addressFamilies: [{{afi: ipv4, safi: unicast}}]
"
    );
    for n in [2, 3] {
        text += &format!(
            "---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {{name: p{n}}}
spec:
  routerRef: {{name: r}}
  address: 127.0.0.{n}
  peerASN: 6500{n}
  passive: true
  addressFamilies: [{{afi: ipv4, safi: unicast}}]
"
        );
    }
    text
}

/// A neighbour at 127.0.0.`n`, AS 6500`n`.
struct Neighbor {
    n: u8,
    stream: TcpStream,
}

impl Neighbor {
    fn establish(n: u8, port: u16) -> std::io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, n], 0)).into())?;
        socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
        let mut neighbor = Self {
            n,
            stream: socket.into(),
        };
        neighbor.stream.set_read_timeout(Some(LIMIT))?;
        let asn = 65000 + u16::from(n);
        let [high, low] = asn.to_be_bytes();
        let open = [
            4, high, low, 0, 90, 10, 0, 0, n, 14, 2, 12, 1, 4, 0, 1, 0, 1, 65, 4, 0, 0, high, low,
        ];
        neighbor.stream.write_all(&message(1, &open))?;
        neighbor.expect(1)?;
        neighbor.stream.write_all(&message(4, &[]))?;
        neighbor.expect(4)?;
        Ok(neighbor)
    }

    fn expect(&mut self, kind: u8) -> std::io::Result<()> {
        let mut header = [0; 19];
        self.stream.read_exact(&mut header)?;
        let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
        let mut body = vec![0; length - 19];
        self.stream.read_exact(&mut body)?;
        if header[18] != kind {
            return Err(std::io::Error::other(format!(
                "type {} in place of {kind}: {body:?}",
                header[18]
            )));
        }
        Ok(())
    }

    /// Announces 10.`n`.`third`.0/24.
    fn announce(&mut self, third: u8, next_hop: [u8; 4]) {
        let [high, low] = (65000 + u16::from(self.n)).to_be_bytes();
        let mut body = vec![
            0, 0, 0, 20, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, high, low, 0x40, 3, 4,
        ];
        body.extend(next_hop);
        body.extend([24, 10, self.n, third]);
        self.stream.write_all(&message(2, &body)).unwrap();
    }

    /// What comes until the other end closes the connection.
    fn last_words(&mut self) -> std::io::Result<Vec<u8>> {
        let mut words = Vec::new();
        self.stream.read_to_end(&mut words)?;
        Ok(words)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_one_session_and_its_routes_and_the_peer_is_tried_again() {
    let (port, mut speaker, rib) = start(manifests, Arc::new(Fragile)).await;
    let paths = || rib.counts().paths();

    let (mut poisoner, mut other) = tokio::task::spawn_blocking(move || {
        (
            Neighbor::establish(2, port).unwrap(),
            Neighbor::establish(3, port).unwrap(),
        )
    })
    .await
    .unwrap();
    poisoner.announce(1, [10, 9, 9, 9]);
    other.announce(1, [10, 9, 9, 9]);
    until("both have told a route", || paths() == 2).await;

    poisoner.announce(2, POISON);
    until("the routes of one are gone", || paths() == 1).await;
    let words = tokio::task::spawn_blocking(move || poisoner.last_words().unwrap())
        .await
        .unwrap();
    // RFC 4486 §4: Out of Resources.
    assert!(words.ends_with(&message(3, &[6, 8])), "{words:?}");
    assert_eq!(speaker.stats().peer_panics.load(Ordering::Relaxed), 1);

    // The other goes on, and the first is welcome again after its rest.
    other.announce(2, [10, 9, 9, 9]);
    until("the other tells more", || paths() == 2).await;
    let mut again = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        loop {
            match Neighbor::establish(2, port) {
                Ok(neighbor) => break neighbor,
                Err(error) => assert!(start.elapsed() < LIMIT, "not let in again: {error}"),
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    })
    .await
    .unwrap();
    again.announce(1, [10, 9, 9, 9]);
    until("all routes are there", || paths() == 3).await;
    assert_eq!(speaker.stats().peer_panics.load(Ordering::Relaxed), 1);
    speaker.stop("done").await;
}
