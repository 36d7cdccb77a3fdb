//! `localAS` (RFC 7705): the AS that we were before, to those who have not heard of the move.

use anyhow::{Result, ensure};
use bgp_tests::raw::RawPeer;
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{lab, manifests};

use crate::chain::{Chain, SOURCE_ASN, prefix, update};

/// What we were.
const BEFORE: u32 = 64_999;

fn field(more: &str) -> String {
    format!("localAS: {{number: {BEFORE}{more}}}")
}

/// A route, and one by way of the AS that we were.
fn tell(raw: &mut RawPeer) -> Result<()> {
    raw.send(&update(1, &[SOURCE_ASN], &[]))?;
    raw.send(&update(2, &[SOURCE_ASN, BEFORE], &[]))
}

#[test]
fn a_neighbor_that_knows_us_by_the_old_as_gets_its_session_and_paths() {
    lab::run("localas", |lab| {
        let chain = Chain::start(lab, |plan| plan.remote_asn = BEFORE)?;
        let agent = &chain.agent;
        // Without the field BIRD refuses us.
        until("BIRD refuses our AS", secs(20), || {
            let said = chain.ask_bird("show protocols all cosmos")?;
            let refused = said.contains("Bad peer AS");
            Ok(Look::when(refused, || said))
        })?;
        let mut raw = chain.connect_source()?;
        tell(&mut raw)?;

        let is = |what: &str, wanted| chain.await_at_bird(what, "BGP.as_path", &[(1, wanted)]);
        let both = Some("64999 65201 3320");
        let old = Some("64999 3320");
        agent.apply("tor", &chain.tor.clone().with(&field("")).text())?;
        is("with both ASes", both)?;
        agent.await_state("tor", "Established", secs(5))?;
        let since = agent.established_since("tor")?;
        // "Replace Old AS", without a reset; "No Prepend Inbound" says nothing of what goes out.
        for _ in 0..2 {
            for (more, wanted) in [
                (", replaceAS: true", old),
                (", noPrepend: true, replaceAS: true", old),
                (", noPrepend: true", both),
                ("", both),
            ] {
                agent.apply("tor", &chain.tor.clone().with(&field(more)).text())?;
                is(&format!("with localAS{more}"), wanted)?;
            }
        }
        ensure!(
            agent.established_since("tor")? == since,
            "the session was reset"
        );

        agent.apply("tor", &chain.tor.text())?;
        until("BIRD has no session", secs(20), || {
            let state = chain.bird_state()?;
            Ok(Look::when(state != "Established", || state))
        })?;
        chain.agent.stop()
    });
}

#[test]
fn routes_of_a_neighbor_that_knows_us_by_the_old_as_have_it_in_front() {
    lab::run("localasin", |lab| {
        let chain = Chain::start(lab, |_| {})?;
        let agent = &chain.agent;
        agent.await_state("tor", "Established", secs(20))?;
        let own = |heard: &[u8]| u16::from_be_bytes([heard[1], heard[2]]);
        let (mut raw, heard) = chain.connect_source_hearing()?;
        ensure!(u32::from(own(&heard)) == NODE_ASN, "{heard:?}");
        tell(&mut raw)?;
        let is = |what: &str, first, second| {
            let wanted = [(1, first), (2, second)];
            chain.await_at_bird(what, "BGP.as_path", &wanted)
        };
        is(
            "without the field",
            Some("65201 3320"),
            Some("65201 3320 64999"),
        )?;

        agent.apply("source", &chain.source.clone().with(&field("")).text())?;
        let ended = raw.await_notification(secs(10))?;
        ensure!(ended == (6, 6), "{ended:?}");
        let (mut raw, heard) = chain.connect_source_hearing()?;
        ensure!(u32::from(own(&heard)) == BEFORE, "{heard:?}");
        tell(&mut raw)?;
        // What has been there before is a loop.
        is("with the field", Some("65201 64999 3320"), None)?;
        let why = agent.json(&["explain", &prefix(1)])?.to_string();
        ensure!(why.contains("our AS of before is in front"), "{why}");

        let no_prepend = chain.source.clone().with(&field(", noPrepend: true"));
        agent.apply("source", &no_prepend.text())?;
        raw.await_kind(5, secs(10))?;
        tell(&mut raw)?;
        is("without prepending", Some("65201 3320"), None)?;
        chain.agent.stop()
    });
}

/// RFC 7705 section 4: the session is iBGP, whichever of the two ASes is said.
#[test]
fn a_neighbor_that_is_still_in_the_old_as_has_an_internal_session() {
    lab::run("localaswithin", |lab| {
        let chain = Chain::start(lab, |plan| (plan.asn, plan.remote_asn) = (BEFORE, BEFORE))?;
        let agent = &chain.agent;
        let refused = || {
            until("BIRD refuses our AS", secs(20), || {
                let said = chain.ask_bird("show protocols all cosmos")?;
                let refused = said.contains("Bad peer AS");
                Ok(Look::when(refused, || said))
            })
        };
        refused()?;
        let mut raw = chain.connect_source()?;
        tell(&mut raw)?;

        let old = format!("peerASN: {BEFORE}\n");
        let within = |tor: &manifests::Peer| {
            let tor = tor.clone().with("nextHopSelf: true").text();
            tor.replace(&old, &format!("peerASN: {NODE_ASN}\n"))
        };
        agent.apply("tor", &within(&chain.tor.clone().with(&field(""))))?;
        agent.await_state("tor", "Established", secs(30))?;
        // Paths are passed on as they are, with LOCAL_PREF; in the other one the AS of BIRD is a loop to it.
        let at = |what: &str, attribute, first| {
            chain.await_at_bird(what, attribute, &[(1, Some(first)), (2, None)])
        };
        at("with the field", "BGP.as_path", "3320")?;
        at("with the field", "BGP.local_pref", "100")?;
        let seen = agent.json(&["show", "peer", "tor"])?;
        ensure!(seen["kind"] == "internal", "{seen}");

        agent.apply("tor", &within(&chain.tor))?;
        until("BIRD has no session", secs(20), || {
            let state = chain.bird_state()?;
            Ok(Look::when(state != "Established", || state))
        })?;
        refused()?;
        chain.agent.stop()
    });
}
