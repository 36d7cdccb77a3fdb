//! Route reflection (RFC 4456) between two internal neighbours, while the configuration says this and then that.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::netns::run;
use bgp_tests::peers::{self, Kind, Plan, Router};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, always, secs, until};
use bgp_tests::{Namespace, manifests};

const NEIGHBOURS: [&str; 2] = ["a", "b"];

/// The agent between two internal neighbours that are BIRDs, each on a link of its own.
struct Scene {
    agent: Agent,
    birds: Vec<Box<dyn Router>>,
    sockets: Vec<PathBuf>,
    _net: NodeAndTor,
    _b: Namespace,
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// What the neighbour `n` announces.
fn routes_of(n: usize) -> Vec<String> {
    prefixes(Party::Tor, true, 20)[10 * n..][..10].to_vec()
}

fn peer(n: usize, client: bool) -> String {
    let remote = [address(true, true), ip("fd00:14::1")][n];
    manifests::Peer::new(NEIGHBOURS[n], "core", NODE_ASN, remote)
        .with("passive: true")
        .with(&format!("routeReflectorClient: {client}"))
        .text()
}

impl Scene {
    fn new(lab: &Lab) -> Result<Self> {
        let net = NodeAndTor::new()?;
        let b = Namespace::new("b")?;
        net.node.veth("up1", &b, "down1")?;
        net.node.address("up1", ip("fd00:14::2"), 64)?;
        b.address("down1", ip("fd00:14::1"), 64)?;
        let (mut birds, mut sockets) = (Vec::new(), Vec::new());
        for (n, (namespace, local, remote)) in [
            (&net.tor, address(true, true), address(false, true)),
            (&b, ip("fd00:14::1"), ip("fd00:14::2")),
        ]
        .into_iter()
        .enumerate()
        {
            let mut plan = Plan::new((NODE_ASN, local), (NODE_ASN, remote));
            plan.router_id = format!("10.255.1.{n}");
            plan.announce = routes_of(n);
            let folder = lab.subdirectory(NEIGHBOURS[n])?;
            birds.push(peers::start(Kind::Bird, namespace, &folder, &plan)?);
            sockets.push(folder.join("bird.ctl"));
        }
        let own = prefixes(Party::Node, true, 1);
        let documents = [
            (
                "router",
                manifests::Router::new("core", NODE_ASN, "10.255.0.2")
                    .with("routeReflector: {clusterID: 10.255.0.2}")
                    .text(),
            ),
            ("a", peer(0, false)),
            ("b", peer(1, false)),
            ("own", manifests::advertisement("own", "core", true, &own)),
        ];
        let scene = Self {
            agent: Agent::start(lab, &net.node, &documents)?,
            birds,
            sockets,
            _net: net,
            _b: b,
        };
        for name in NEIGHBOURS {
            scene.agent.await_state(name, "Established", secs(20))?;
        }
        Ok(scene)
    }

    /// Each neighbour has the agent's route, and those of the other exactly if they are reflected; and it stays so.
    fn await_reflection(&self, reflected: bool) -> Result<()> {
        let look = |n: usize| {
            let mut wanted: BTreeSet<_> = prefixes(Party::Node, true, 1).into_iter().collect();
            if reflected {
                wanted.extend(routes_of(1 - n));
            }
            let have = self.birds[n].received(true)?;
            Ok(Look::when(have == wanted, || format!("{have:?}")))
        };
        for (n, name) in NEIGHBOURS.iter().enumerate() {
            let what = format!("what {name} is told, reflected: {reflected}");
            until(&what, secs(20), || look(n))?;
        }
        always("the same is told", secs(1), || look(0))?;
        always("the same is told", secs(1), || look(1))
    }

    /// Says whether a neighbour is a client. Its session begins anew, and that of the other goes on.
    fn make(&self, n: usize, client: bool) -> Result<()> {
        let since = |n: usize| self.agent.established_since(NEIGHBOURS[n]);
        let before = [since(0)?, since(1)?];
        // Times are told in seconds.
        std::thread::sleep(secs(1));
        self.agent.apply(NEIGHBOURS[n], &peer(n, client))?;
        until("the session begins anew", secs(20), || {
            let now = since(n)?;
            Ok(Look::when(now != before[n], || now))
        })?;
        self.agent
            .await_state(NEIGHBOURS[n], "Established", secs(20))?;
        ensure!(
            since(1 - n)? == before[1 - n],
            "the session of the other ended too"
        );
        Ok(())
    }

    /// What BIRD has of the first route of the other.
    fn attributes(&self, n: usize) -> Result<String> {
        let socket = self.sockets[n].to_string_lossy();
        let route = &routes_of(1 - n)[0];
        run(
            "birdc",
            &["-r", "-s", &socket, "show", "route", "all", route],
        )
    }
}

#[test]
fn a_neighbour_that_becomes_a_client_is_reflected_to_until_it_is_none_any_more() {
    lab::run("reflection", |lab| {
        let scene = Scene::new(lab)?;
        scene.await_reflection(false)?;
        // RFC 4456 §6: from a client to all, from a non-client to clients. One client of two is enough for both ways.
        for n in [0, 1] {
            scene.make(n, true)?;
            scene.await_reflection(true)?;
            for (n, originator) in [(0, "10.255.1.1"), (1, "10.255.1.0")] {
                // RFC 4456 §8
                let told = scene.attributes(n)?;
                for wanted in [
                    format!("BGP.originator_id: {originator}"),
                    "BGP.cluster_list: 10.255.0.2".to_owned(),
                    "BGP.local_pref: 100".to_owned(),
                ] {
                    ensure!(told.contains(&wanted), "{wanted} is not in: {told}");
                }
            }
            scene.make(n, false)?;
            scene.await_reflection(false)?;
        }
        // RFC 4486 §4, said in BIRD's words.
        for name in NEIGHBOURS {
            let heard = std::fs::read_to_string(lab.directory().join(name).join("bird.log"))?;
            let resets = heard.matches("Other configuration change").count();
            ensure!(resets == 2, "{name} heard of {resets} changes:\n{heard}");
        }
        scene.agent.stop()
    });
}
