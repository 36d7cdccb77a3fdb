//! What no BGP speaker says: its session gets the NOTIFICATION of the RFC, and the others go on.

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::raw::{RawPeer, keepalive, message, open};
use bgp_tests::scenario::{PEER, Variant, bird, documents};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{kernel, manifests};

const RAW_ASN: u32 = 65102;

/// What a raw peer says after the session has come this far, and the NOTIFICATION that it must hear: code and subcode.
struct Case {
    name: &'static str,
    after: Stage,
    bytes: Vec<u8>,
    answer: (u8, u8),
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// Only the connection is there: the agent is in OpenSent.
    Connected,
    /// OPENs went both ways: OpenConfirm.
    Opened,
    Established,
}

fn update(withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in [withdrawn, attributes] {
        body.extend(u16::try_from(part.len()).expect("short").to_be_bytes());
        body.extend(part);
    }
    body.extend(nlri);
    message(2, &body)
}

fn cases() -> Vec<Case> {
    use Stage::{Connected, Established, Opened};
    let case = |name, after, bytes, answer| Case {
        name,
        after,
        bytes,
        answer,
    };
    let header = |length: u16, kind: u8| {
        let mut bytes = vec![0xff; 16];
        bytes.extend(length.to_be_bytes());
        bytes.push(kind);
        bytes
    };
    let mut version_3 = open(RAW_ASN, 90, [10, 255, 0, 9]);
    version_3[19] = 3;
    vec![
        // RFC 4271 §6.1
        case(
            "text instead of a marker",
            Connected,
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200),
            (1, 1),
        ),
        case(
            "a length below the header",
            Connected,
            header(18, 1),
            (1, 2),
        ),
        case(
            "an OPEN above the limit, which is no other for it (RFC 8654 §4)",
            Connected,
            header(4097, 1),
            (1, 2),
        ),
        case(
            "a KEEPALIVE with a body",
            Established,
            message(4, &[0]),
            (1, 2),
        ),
        case(
            "an unknown message type",
            Established,
            message(9, &[]),
            (1, 3),
        ),
        // RFC 4271 §6.2
        case("BGP version 3", Connected, version_3, (2, 1)),
        case(
            "another AS than configured",
            Connected,
            open(65999, 90, [10, 255, 0, 9]),
            (2, 2),
        ),
        case(
            "router id 0.0.0.0",
            Connected,
            open(RAW_ASN, 90, [0; 4]),
            (2, 3),
        ),
        case(
            "a hold time of one second",
            Connected,
            open(RAW_ASN, 1, [10, 255, 0, 9]),
            (2, 6),
        ),
        // RFC 6608
        case(
            "a KEEPALIVE before the OPEN",
            Connected,
            keepalive(),
            (5, 1),
        ),
        case(
            "an UPDATE before the KEEPALIVE",
            Opened,
            update(&[], &[], &[]),
            (5, 2),
        ),
        case(
            "an OPEN in an established session",
            Established,
            open(RAW_ASN, 90, [10, 255, 0, 9]),
            (5, 3),
        ),
        // RFC 7606 §4 and §5.3: what cannot be read as a whole resets the session.
        case(
            "withdrawn routes longer than the message",
            Established,
            message(2, &[0xff, 0xff, 0, 0]),
            (3, 1),
        ),
        case(
            "a withdrawn prefix of 33 bits",
            Established,
            update(&[33, 10, 0, 0, 0, 0], &[], &[]),
            (3, 10),
        ),
    ]
}

/// Says what the case says and gives the NOTIFICATION that came.
fn provoke(net: &NodeAndTor, n: usize, case: &Case) -> Result<(u8, u8)> {
    net.speak_as(n)?;
    let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(10))?;
    match case.after {
        Stage::Connected => {}
        Stage::Opened => {
            peer.send(&open(RAW_ASN, 90, [10, 255, 0, 9]))?;
            peer.await_kind(1, secs(5))?;
        }
        Stage::Established => peer.establish(RAW_ASN, 90, secs(5))?,
    }
    peer.send(&case.bytes)?;
    peer.await_notification(secs(5))
}

#[test]
fn garbage_gets_the_right_notification_and_costs_only_its_own_session() {
    lab::run("garbage", |lab| {
        let net = NodeAndTor::new()?;
        let cases = cases();
        let (_, tor) = bird(lab, &net, 100)?;
        let mut documents = documents(Variant::default(), 0);
        for n in 0..cases.len() {
            let name = format!("raw-{n}");
            let mut raw = manifests::Peer::new(&name, "underlay", RAW_ASN, raw_address(n));
            raw.families.push("ipv4");
            documents.push((name, raw.with("passive: true").text()));
        }
        let agent = Agent::start(lab, &net.node, &documents)?;
        agent.await_state(PEER, "Established", secs(20))?;
        until(
            "the honest peer's routes are in the kernel",
            secs(10),
            || {
                let have = kernel::our_prefixes(&net.node, true)?.len();
                Ok(Look::when(have == 100, || format!("{have} routes")))
            },
        )?;
        let since = agent.established_since(PEER)?;

        let mut wrong = Vec::new();
        for (n, case) in cases.iter().enumerate() {
            match provoke(&net, n, case) {
                Ok(answer) if answer == case.answer => {}
                Ok(answer) => {
                    wrong.push(format!("{}: {answer:?}, not {:?}", case.name, case.answer))
                }
                Err(error) => wrong.push(format!("{}: {error:#}", case.name)),
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));

        ensure!(
            agent.established_since(PEER)? == since,
            "the honest session was disturbed"
        );
        ensure!(tor.state()? == "Established", "BIRD lost its session");
        ensure!(
            kernel::our_prefixes(&net.node, true)?.len() == 100,
            "routes of the honest peer went"
        );
        // What happened is told: the first case's session says so.
        let told = agent.ask(&["show", "peer", "raw-0"])?;
        ensure!(
            told.to_lowercase().contains("not synchronized"),
            "`show peer` does not say what was wrong:\n{told}"
        );
        agent.stop()
    });
}
