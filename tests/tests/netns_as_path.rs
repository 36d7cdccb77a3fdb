//! What the AS path of a route looks like at a BIRD behind the agent, as the fields of the BGPPeers want it. The sessions stay up
//! throughout.

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::manifests;
use bgp_tests::netns::run;
use bgp_tests::peers::{self, Kind, Plan};
use bgp_tests::raw::{RawPeer, message, open_with};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, secs, until};

/// The AS of the neighbour that the routes come from; a public one.
const SOURCE_ASN: u32 = 3320;
/// 2001:db8:1::/48: by way of a private AS.
const PRIVATE: &str = "2001:db8:1::/48";
/// 2001:db8:2::/48: by way of the AS that BIRD is in.
const LOOPED: &str = "2001:db8:2::/48";
/// 2001:db8:3::/48: with another AS than the neighbour's in front.
const FOREIGN: &str = "2001:db8:3::/48";

/// The UPDATE of 2001:db8:`n`::/48 with this path (RFC 4271 section 4.3, RFC 4760 section 3).
fn update(n: u8, path: &[u32]) -> Vec<u8> {
    let mut attributes = vec![0x40, 1, 1, 0];
    attributes.extend([0x40, 2, 2 + 4 * path.len() as u8, 2, path.len() as u8]);
    path.iter()
        .for_each(|asn| attributes.extend(asn.to_be_bytes()));
    let mut reach = vec![0, 2, 1, 16];
    let std::net::IpAddr::V6(next_hop) = raw_address(0) else {
        unreachable!("raw addresses are IPv6");
    };
    reach.extend(next_hop.octets());
    reach.extend([0, 48, 0x20, 0x01, 0x0d, 0xb8, 0, n]);
    attributes.extend([0x80, 14, reach.len() as u8]);
    attributes.extend(reach);
    let mut body = vec![0, 0, 0, attributes.len() as u8];
    body.extend(attributes);
    message(2, &body)
}

#[test]
fn as_paths_are_what_the_fields_of_the_peers_say() {
    lab::run("aspath", |lab| {
        let net = NodeAndTor::new()?;
        net.speak_as(0)?;
        let folder = lab.subdirectory("tor")?;
        let plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        let _bird = peers::start(Kind::Bird, &net.tor, &folder, &plan)?;
        let socket = folder.join("bird.ctl");
        let tor = manifests::Peer::new("tor", "underlay", TOR_ASN, address(true, true))
            .with("passive: true");
        let source = manifests::Peer::new("source", "underlay", SOURCE_ASN, raw_address(0))
            .with("passive: true");
        let lenient = source.clone().with("enforceFirstAS: false");
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let documents = [
            ("router", router.text()),
            ("tor", tor.text()),
            ("source", lenient.text()),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        agent.await_state("tor", "Established", secs(20))?;
        let mut raw = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        // IPv6 unicast (1) and route refresh (2).
        let open = open_with(SOURCE_ASN, 90, [10, 255, 0, 9], &[1, 4, 0, 2, 0, 1, 2, 0]);
        raw.establish_with(&open, secs(5))?;
        let updates = [
            update(1, &[SOURCE_ASN, 64513, 7]),
            update(2, &[SOURCE_ASN, TOR_ASN]),
            update(3, &[7, SOURCE_ASN]),
        ];
        for update in &updates {
            raw.send(update)?;
        }

        // What BIRD says of a prefix: "BGP.as_path: 65201 3320 7", or that there is none.
        let path_at_bird = |prefix: &str| -> Result<Option<String>> {
            let control = socket.to_string_lossy();
            // A prefix that is not there is an error to "show route all PREFIX", and none to this.
            let question = format!("show route all where net = {prefix}");
            let ask = ["-s", &*control].into_iter().chain(question.split(' '));
            let said = run("birdc", &ask.collect::<Vec<_>>())?;
            let path = said
                .lines()
                .find_map(|line| line.trim().strip_prefix("BGP.as_path:"));
            Ok(path.map(|path| path.trim().to_owned()))
        };
        let await_paths = |what: &str, wanted: [Option<&str>; 3]| {
            until(&format!("the paths {what}"), secs(20), || {
                let mut is = true;
                let mut seen = Vec::new();
                for (prefix, wanted) in [PRIVATE, LOOPED, FOREIGN].into_iter().zip(wanted) {
                    let path = path_at_bird(prefix)?;
                    is &= path.as_deref() == wanted;
                    seen.push((prefix, path));
                }
                Ok(Look::when(is, || format!("{seen:?}, not {wanted:?}")))
            })
        };
        let plain = Some("65201 3320 64513 7");
        let foreign = Some("65201 7 3320");
        await_paths("without any field", [plain, None, foreign])?;
        for (field, wanted) in [
            ("removePrivateAS: 0", [Some("65201 3320 7"), None, foreign]),
            (
                "removePrivateAS: 64600",
                [Some("65201 3320 64600 7"), None, foreign],
            ),
            (
                "asOverride: true",
                [plain, Some("65201 3320 65201"), foreign],
            ),
        ] {
            agent.apply("tor", &tor.clone().with(field).text())?;
            await_paths(&format!("with {field}"), wanted)?;
            agent.apply("tor", &tor.text())?;
            await_paths(&format!("after {field}"), [plain, None, foreign])?;
        }

        // RFC 4271 section 6.3 and RFC 7606 section 7.2 on another AS in front. The neighbour is asked for its routes again.
        agent.apply("source", &source.text())?;
        raw.await_kind(5, secs(10)).context("no route refresh")?;
        for update in &updates {
            raw.send(update)?;
        }
        await_paths("with the first AS enforced", [plain, None, None])?;

        for name in ["tor", "source"] {
            let object = agent.object("peers", name)?;
            let flaps = object["status"]["routers"][0]["flaps"].as_i64();
            ensure!(
                flaps == Some(0),
                "the session {name} was disturbed: {flaps:?}"
            );
        }
        agent.stop()
    });
}
