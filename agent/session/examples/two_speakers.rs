//! Two BGP speakers in one process, without a network and without a clock: the bytes that one machine wants to send are
//! given to the other, and when both have nothing to say, time is moved to the next deadline.
//!
//! ```text
//! cargo run -p bgp-session --example two_speakers
//! ```

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bgp_session::{
    Action, ConnId, Event, FamilyConfig, Peer, PeerConfig, RemoteAs, State, StopReason, UpdateSink,
};
use bgp_wire::{
    Asn, AttrEditor, Decoded, Encoding, Family, NextHop, Origin, PathId, RouterId, SessionContext,
    encode_announce,
};
use bytes::BytesMut;

/// Where UPDATEs go: here, to the terminal.
struct Print(&'static str);

impl UpdateSink for Print {
    fn update(&mut self, decoded: &Decoded<'_>, _: &SessionContext) {
        println!("  {} is told: {}", self.0, decoded.update);
    }
}

struct Speaker {
    name: &'static str,
    address: SocketAddr,
    peer: Peer,
    /// The one connection of this example, once there is one.
    conn: Option<ConnId>,
    /// Bytes on their way to this speaker.
    arriving: BytesMut,
}

impl Speaker {
    fn new(name: &'static str, number: u8, remote: u8, passive: bool) -> Self {
        let asn = |n: u8| Asn(65000 + u32::from(n));
        let id = RouterId(u32::from_be_bytes([10, 0, 0, number]));
        let mut config = PeerConfig::new(asn(number), RemoteAs::Asn(asn(remote)), id);
        config.families = vec![FamilyConfig::plain(Family::IPV4_UNICAST)];
        config.passive = passive;
        Self {
            name,
            address: SocketAddr::from(([192, 0, 2, number], 179)),
            peer: Peer::new(config, number.into()),
            conn: None,
            arriving: BytesMut::new(),
        }
    }
}

/// What a driver does after every call: first the bytes, then the actions, then the events.
fn pump(from: &mut Speaker, to: &mut Speaker, now: Instant) -> bool {
    let mut busy = false;
    while from.peer.poll_transmit(&mut to.arriving).is_some() {
        busy = true;
    }
    while let Some(action) = from.peer.poll_action() {
        busy = true;
        match action {
            Action::Connect(conn) => {
                println!("  {} connects to {}", from.name, to.name);
                to.conn = to.peer.handle_incoming(to.address, from.address, now);
                from.conn = Some(conn);
                from.peer
                    .handle_connected(conn, from.address, to.address, now);
            }
            Action::Close(_) => {
                // The last words first, then the end of the connection.
                deliver(to, now);
                if let (Some(_), Some(theirs)) = (from.conn.take(), to.conn.take()) {
                    to.peer.handle_closed(theirs, now);
                }
            }
        }
    }
    while let Some(event) = from.peer.poll_event() {
        busy = true;
        match event {
            Event::StateChanged(state) => println!("  {}: {state}", from.name),
            Event::Established(n) => println!(
                "  {}: session with AS {}, hold time {}",
                from.name, n.remote_as, n.hold_time
            ),
            Event::Down(why) => println!("  {}: down: {why}", from.name),
            other => println!("  {}: {other:?}", from.name),
        }
    }
    busy
}

fn deliver(to: &mut Speaker, now: Instant) -> bool {
    let bytes = to.arriving.split();
    if let (Some(conn), false) = (to.conn, bytes.is_empty()) {
        to.peer.handle_bytes(conn, &bytes, now, &mut Print(to.name));
    }
    !bytes.is_empty()
}

/// Until nobody has anything to say.
fn settle(a: &mut Speaker, b: &mut Speaker, now: Instant) {
    while pump(a, b, now) | pump(b, a, now) | deliver(a, now) | deliver(b, now) {}
}

#[expect(
    clippy::disallowed_methods,
    reason = "an example is its own edge: time has to begin somewhere"
)]
fn main() {
    let mut now = Instant::now();
    let mut alice = Speaker::new("alice", 1, 2, false);
    let mut bob = Speaker::new("bob", 2, 1, true);

    println!("Bob listens, Alice connects:");
    bob.peer.start(now);
    alice.peer.start(now);
    settle(&mut alice, &mut bob, now);
    assert_eq!(alice.peer.state(), State::Established);

    println!("Alice announces a prefix:");
    let session = alice.peer.negotiated().expect("the session is Established");
    let encoding = Encoding {
        asn4: session.ctx.asn4,
        add_path: false,
        max_message: session.ctx.max_message,
        mp_ipv4: false,
    };
    let mut attributes = AttrEditor::new();
    attributes.set_next_hop(Some(NextHop::V4([192, 0, 2, 1].into())));
    attributes.set_origin(Origin::Igp);
    attributes.prepend_as_path(Asn(65001), 1);
    let prefix = "203.0.113.0/24"
        .parse::<ipnet::Ipv4Net>()
        .expect("a prefix");
    encode_announce(
        &mut bob.arriving,
        Family::IPV4_UNICAST,
        &encoding,
        attributes.finish(),
        &[(PathId::default(), prefix)],
    )
    .expect("one prefix fits into an UPDATE");
    alice.peer.sent_update(1, now);
    settle(&mut alice, &mut bob, now);

    println!("An hour passes:");
    let end = now + Duration::from_secs(3600);
    loop {
        let deadlines = [&alice, &bob].map(|s| s.peer.poll_timeout());
        match deadlines
            .into_iter()
            .flatten()
            .min()
            .filter(|at| *at <= end)
        {
            Some(next) => now = next,
            None => break,
        }
        alice.peer.handle_timeout(now);
        bob.peer.handle_timeout(now);
        settle(&mut alice, &mut bob, now);
    }
    let counts = alice.peer.stats().received;
    println!("  alice has had {} KEEPALIVEs from bob", counts.keepalive);
    assert_eq!(alice.peer.state(), State::Established);

    println!("Alice is taken down for maintenance:");
    let why = StopReason::Shutdown("maintenance until noon".into());
    alice.peer.stop(why, now);
    settle(&mut alice, &mut bob, now);
    let received = bob
        .peer
        .last_errors()
        .received
        .as_ref()
        .expect("a NOTIFICATION");
    println!("  bob remembers: {}", received.what);
    assert_eq!(bob.peer.stats().flaps, 1);
}
