//! Policies beside a real BIRD: what each action changes at the neighbour, what each kind of term lets into the kernel, and edits while
//! the session stays up.

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address};
use bgp_tests::netns::run;
use bgp_tests::peers::{self, Kind, Plan};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{kernel, manifests};

/// Told by the agent: the first is what the policies are about, the second is not.
const OURS: [&str; 2] = ["2001:db8:a::/48", "2001:db8:b::/48"];
/// Told by BIRD.
const THEIRS: [&str; 3] = ["2001:db8:1::/48", "2001:db8:2::/48", "2001:db8:3::/48"];

fn policy(direction: &str, terms: &[&str]) -> String {
    let terms: String = terms.iter().map(|term| format!("    - {term}\n")).collect();
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPolicy
metadata: {{name: tried}}
spec:
  routerRef: {{name: underlay}}
  direction: {direction}
  terms:
{terms}"
    )
}

fn flaps(agent: &Agent) -> Result<Option<i64>> {
    let object = agent.object("peers", "tor")?;
    Ok(object["status"]["routers"][0]["flaps"].as_i64())
}

fn start(lab: &lab::Lab, net: &NodeAndTor) -> Result<(Agent, Box<dyn peers::Router>, String)> {
    let folder = lab.subdirectory("tor")?;
    let mut plan = Plan::new(
        (TOR_ASN, address(true, true)),
        (NODE_ASN, address(false, true)),
    );
    plan.announce = THEIRS.map(str::to_owned).to_vec();
    let bird = peers::start(Kind::Bird, &net.tor, &folder, &plan)?;
    let socket = folder.join("bird.ctl").to_string_lossy().into_owned();
    let tor = manifests::Peer::new("tor", "underlay", TOR_ASN, address(true, true));
    let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
    let ours = OURS.map(str::to_owned);
    let documents = [
        ("router", router.text()),
        ("tor", tor.text()),
        (
            "ours",
            manifests::advertisement("ours", "underlay", true, &ours),
        ),
    ];
    let agent = Agent::start(lab, &net.node, &documents)?;
    agent.await_state("tor", "Established", secs(20))?;
    Ok((agent, bird, socket))
}

/// What BIRD says of a prefix, or nothing if it is not there. A prefix that is not there is an error to "show route all PREFIX", and none
/// to this.
fn at_bird(socket: &str, prefix: &str) -> Result<String> {
    let question = format!("show route all where net = {prefix}");
    let ask = ["-s", socket].into_iter().chain(question.split(' '));
    run("birdc", &ask.collect::<Vec<_>>())
}

/// Waits until what BIRD says of a prefix has a line that begins so, or is without any.
fn await_at_bird(socket: &str, prefix: &str, line: &str, is_there: bool) -> Result<()> {
    let what = match is_there {
        true => format!("BIRD has \"{line}\" of {prefix}"),
        false => format!("BIRD has \"{line}\" of {prefix} no longer"),
    };
    until(&what, secs(10), || {
        let said = at_bird(socket, prefix)?;
        let has = said.lines().any(|said| said.trim().starts_with(line));
        Ok(Look::when(has == is_there, || said))
    })
}

#[test]
fn a_neighbour_sees_what_each_action_sets() {
    lab::run("policy-out", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, _bird, socket) = start(lab, &net)?;
        for prefix in OURS {
            await_at_bird(&socket, prefix, "BGP.origin: IGP", true)?;
        }
        let cases = [
            (
                "communities: {add: [\"65201:7\"]}",
                "BGP.community: (65201,7)",
            ),
            (
                "communities: {add: [\"65201:1:2\"]}",
                "BGP.large_community: (65201, 1, 2)",
            ),
            (
                "extCommunities: {add: [\"65201:7\"]}",
                "BGP.ext_community: (rt, 65201, 7)",
            ),
            ("origin: incomplete", "BGP.origin: Incomplete"),
            ("asPath: {prepend: 2}", "BGP.as_path: 65201 65201 65201"),
            (
                "asPath: {prepend: 1, asn: 64999}",
                "BGP.as_path: 65201 64999",
            ),
            (
                "asPath: {replace: [64700, 64701]}",
                "BGP.as_path: 65201 64700 64701",
            ),
            ("metric: 77", "BGP.med: 77"),
            (
                "nextHop: {address: \"fd00:12::77\"}",
                "BGP.next_hop: fd00:12::77",
            ),
        ];
        for (set, line) in cases {
            await_at_bird(&socket, OURS[0], line, false)?;
            let term = format!(
                "{{sequence: 10, match: {{prefixList: [\"{}\"]}}, action: permit, set: {{{set}}}}}",
                OURS[0]
            );
            agent.apply("policy", &policy("export", &[&term]))?;
            await_at_bird(&socket, OURS[0], line, true)?;
            // The term is not about the other one.
            let other = at_bird(&socket, OURS[1])?;
            ensure!(!other.contains(line), "with {set}: {other}");
        }
        // What is denied is withdrawn, and comes back when the policy goes.
        let deny = format!(
            "{{sequence: 10, match: {{ipPrefix: \"{}\"}}, action: deny}}",
            OURS[0]
        );
        agent.apply("policy", &policy("export", &[&deny]))?;
        await_at_bird(&socket, OURS[0], "BGP.origin", false)?;
        await_at_bird(&socket, OURS[1], "BGP.origin", true)?;
        let said = agent.ask(&["explain", OURS[0]])?;
        ensure!(said.contains("policy tried: term 10 denies it"), "{said}");
        agent.delete("policy")?;
        await_at_bird(&socket, OURS[0], "BGP.origin: IGP", true)?;
        ensure!(flaps(&agent)? == Some(0), "the session was disturbed");
        agent.stop()
    });
}

#[test]
fn the_kernel_has_what_the_terms_let_in_and_nobody_is_asked_again() {
    lab::run("policy-in", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, _bird, _) = start(lab, &net)?;
        let await_kernel = |what: &str, wanted: &[&str]| {
            until(
                &format!("the kernel has the routes {what}"),
                secs(10),
                || {
                    let have = kernel::our_prefixes(&net.node, true)?;
                    let is = have.iter().eq(wanted.iter().copied());
                    Ok(Look::when(is, || format!("{have:?}, not {wanted:?}")))
                },
            )
        };
        await_kernel("without a policy", &THEIRS)?;
        let cases: [(&str, &[&str]); 6] = [
            ("{prefixList: [\"2001:db8:2::/47\"]}", &THEIRS[..1]),
            ("{ipPrefix: \"2001:db8:2::/48\"}", &[THEIRS[0], THEIRS[2]]),
            ("{asPathFilter: {pattern: \"^65101$\"}}", &[]),
            ("{asPathFilter: {pattern: \"_65999_\"}}", &THEIRS),
            ("{addressFamilies: [{afi: ipv4, safi: unicast}]}", &THEIRS),
            ("{any: true}", &[]),
        ];
        for (asked, left) in cases {
            let deny = format!("{{sequence: 10, match: {asked}, action: deny}}");
            agent.apply("policy", &policy("import", &[&deny]))?;
            await_kernel(&format!("with {asked} denied"), left)?;
        }
        let said = agent.ask(&["explain", THEIRS[0]])?;
        ensure!(said.contains("policy tried: term 10 denies it"), "{said}");

        // One is preferred, the others pass as they are.
        let prefer = "{sequence: 10, match: {ipPrefix: \"2001:db8:1::/48\"}, action: permit, set: {localPreference: 300}}";
        agent.apply("policy", &policy("import", &[prefer]))?;
        await_kernel("when one is preferred", &THEIRS)?;
        let said = agent.ask(&["explain", THEIRS[0]])?;
        ensure!(
            said.contains("policy tried: term 10 permits it and sets local preference 300"),
            "{said}"
        );
        let rows = agent.json(&["show", "routes", THEIRS[0]])?;
        ensure!(
            rows.to_string().contains("\"localPref\":300")
                || rows.to_string().contains("\"local_pref\":300"),
            "{rows}"
        );

        let peer = agent.json(&["show", "peer", "tor"])?;
        let refreshes = &peer["messages"]["sent"]["routeRefresh"];
        ensure!(
            refreshes.as_u64().unwrap_or(0) == 0,
            "the neighbour was asked for its routes: {refreshes}"
        );
        ensure!(flaps(&agent)? == Some(0), "the session was disturbed");
        agent.stop()
    });
}

#[test]
fn an_advertisement_originates_what_its_policy_permits() {
    lab::run("policy-ref", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, _bird, socket) = start(lab, &net)?;
        for prefix in OURS {
            await_at_bird(&socket, prefix, "BGP.origin: IGP", true)?;
        }
        // Only what a term permits is originated, as the term leaves it.
        let term = format!(
            "{{sequence: 10, match: {{ipPrefix: \"{}\"}}, action: permit, set: {{communities: {{add: [\"65201:9\"]}}}}}}",
            OURS[0]
        );
        agent.apply("policy", &policy("export", &[&term]))?;
        let ours = OURS.map(str::to_owned);
        let plain = manifests::advertisement("ours", "underlay", true, &ours);
        let filtered = format!("{}  policyRef: {{name: tried}}\n", plain);
        agent.apply("ours", &filtered)?;
        await_at_bird(&socket, OURS[1], "BGP.origin", false)?;
        await_at_bird(&socket, OURS[0], "BGP.community: (65201,9)", true)?;
        // An edit of the policy is followed.
        let other = format!(
            "{{sequence: 10, match: {{ipPrefix: \"{}\"}}, action: permit}}",
            OURS[1]
        );
        agent.apply("policy", &policy("export", &[&other]))?;
        await_at_bird(&socket, OURS[0], "BGP.origin", false)?;
        await_at_bird(&socket, OURS[1], "BGP.origin: IGP", true)?;
        agent.apply("ours", &plain)?;
        await_at_bird(&socket, OURS[0], "BGP.origin: IGP", true)?;
        ensure!(flaps(&agent)? == Some(0), "the session was disturbed");
        agent.stop()
    });
}
