//! What people are told of families that a session does not exchange: given up for what cannot be read, or never offered.

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor};
use bgp_tests::raw::message;
use bgp_tests::raw_session::{RAW, RAW_ASN, session, session_with};
use bgp_tests::wait::{Look, secs, until};

fn message_of_ready(agent: &Agent) -> Result<String> {
    let status = agent.object("peers", RAW)?["status"].clone();
    let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    let ready = conditions.iter().find(|one| one["type"] == "Ready");
    let text = ready.and_then(|ready| ready["message"].as_str().map(str::to_owned));
    Ok(text.unwrap_or_default())
}

/// RFC 7606 section 2: "AFI/SAFI disable". MP_REACH_NLRI of IPv6 with a next hop of five octets.
#[test]
fn a_family_that_is_given_up_makes_the_peer_not_ready_and_is_named() {
    lab::run("disabled", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, mut peer) = session(lab, &net)?;
        let ready = |status: &str, reason: &str| {
            agent.await_condition(("peers", RAW), "Ready", (status, reason), secs(5))
        };
        ready("True", "Established")?;
        let reach = [0x80, 14, 13, 0, 2, 1, 5, 1, 2, 3, 4, 5, 0, 16, 0x20, 0x01];
        peer.send(&message(2, &[&[0, 0, 0, 16][..], &reach].concat()))?;
        ready("False", "FamilyDisabled")?;
        let text = message_of_ready(&agent)?;
        ensure!(
            text.contains("is up, with ipv4/unicast; routes of ipv6/unicast could not be read"),
            "{text}"
        );
        let listed = agent.ask(&["get", "peers"])?;
        ensure!(listed.contains("False"), "{listed}");
        agent.stop()
    });
}

#[test]
fn a_family_that_the_neighbour_does_not_offer_is_named() {
    lab::run("unoffered", |lab| {
        let net = NodeAndTor::new()?;
        // RFC 5492 capability 1 (RFC 4760 section 8): IPv6 unicast alone, and 65 (RFC 6793): the AS in four octets.
        let [a, b, c, d] = RAW_ASN.to_be_bytes();
        let capabilities = [2, 12, 1, 4, 0, 2, 0, 1, 65, 4, a, b, c, d];
        let open = message(
            1,
            &[
                &[4][..],
                &u16::try_from(RAW_ASN).unwrap_or(23_456).to_be_bytes(),
                &90_u16.to_be_bytes(),
                &[10, 255, 0, 9],
                &[14],
                &capabilities,
            ]
            .concat(),
        );
        let (agent, _peer) = session_with(lab, &net, &open)?;
        let text = message_of_ready(&agent)?;
        ensure!(
            text.ends_with("is up, with ipv6/unicast; the neighbour does not offer ipv4/unicast, of which nothing is exchanged"),
            "{text}"
        );
        // The log is written beside what it is about.
        until("the log names it", secs(5), || {
            let log = agent.log();
            let mut lines = log.lines().filter(|line| line.contains("ipv4/unicast"));
            let named = lines.any(|line| line.contains("does not offer all families"));
            Ok(Look::when(named, || log.clone()))
        })?;
        agent.stop()
    });
}
