//! Graceful restart of either end (RFC 4724) over link-local addresses.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::kernel;
use bgp_tests::lab;
use bgp_tests::peers::{Plan, Restart};
use bgp_tests::raw_router::link_local;
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, always, secs, until};
use rustix::process::Signal;

use crate::net::{
    EXTERNAL, Net, QUICK, ROUTES, UP, await_kernel, await_received, frr, on, own, router,
};

const GRACEFUL: &str = "gracefulRestart: {enabled: true, restartTime: 60}";

#[test]
fn routes_stay_while_either_end_restarts() {
    lab::run("unnumbered-restarts", |lab| {
        let net = Net::new(1)?;
        let folder = lab.subdirectory("manifests")?;
        let mut documents = vec![router(), ("peer", on("up0", &[EXTERNAL, QUICK, GRACEFUL]))];
        documents.extend(own());
        for (name, text) in &documents {
            fs::write(folder.join(format!("{name}.yaml")), text)?;
        }
        let mut agent = Agent::start_on(lab, &net.node, &folder, &[])?;
        let mut plan = Plan::by_interface(TOR_ASN, NODE_ASN, &["down0"]);
        plan.restart = Some(Restart {
            time: 60,
            long_lived: None,
            again: false,
        });
        let tor = frr(lab, &net, &plan)?;
        agent.await_state("on-up0", "Established", UP)?;
        let ways = [(link_local(&net.tor, "down0")?, "up0")];
        await_kernel(&net.node, &ways)?;
        await_received(&*tor)?;

        // We die. Neither kernel loses anything, and FRR keeps what we told.
        until("the session is kept in mind", secs(5), || {
            let there = lab.directory().join("state/restart").exists();
            Ok(Look::when(there, || "it is not".to_owned()))
        })?;
        agent.daemon().signal(Signal::KILL);
        drop(agent);
        let forwards = || -> Result<()> {
            await_kernel(&net.node, &ways)?;
            for v6 in [true, false] {
                let told: BTreeSet<_> = prefixes(Party::Node, v6, ROUTES).into_iter().collect();
                let mut there = kernel::routes(&net.tor, v6)?;
                there.retain(|route| told.contains(&route.prefix));
                ensure!(there.len() == told.len(), "{} routes", there.len());
            }
            Ok(())
        };
        let all = || {
            let so = forwards();
            Ok(Look::when(so.is_ok(), || format!("{so:?}")))
        };
        always("both forward while one is away", secs(2), all)?;
        let agent = Agent::start_on(lab, &net.node, &folder, &[])?;
        let back = || {
            ensure!(forwards().is_ok(), "{:?}", forwards());
            let state = agent.session_state("on-up0")?;
            Ok(Look::when(state == "Established", || state))
        };
        until("the session is there again", secs(40), back)?;
        always("and after it came", secs(2), all)?;

        // FRR dies with all its daemons: its routes stay, stale, and are told again.
        net.tor.signal_all(Signal::KILL)?;
        drop(tor);
        until("the session is lost", secs(15), || {
            let state = agent.session_state("on-up0")?;
            Ok(Look::when(state != "Established", || state))
        })?;
        let stale = || -> Result<u64> {
            let peer = agent.json(&["show", "peer", "on-up0"])?;
            let families = peer["families"].as_array().cloned().unwrap_or_default();
            Ok(families.iter().filter_map(|f| f["stale"].as_u64()).sum())
        };
        // What it told of ours, and is not taken, counts as well.
        ensure!(stale()? >= 2 * u64::from(ROUTES), "{} stale", stale()?);
        await_kernel(&net.node, &ways)?;
        if let Some(restart) = &mut plan.restart {
            restart.again = true;
        }
        let tor = frr(lab, &net, &plan)?;
        agent.await_state("on-up0", "Established", UP)?;
        until("nothing is stale", secs(20), || {
            let left = stale()?;
            Ok(Look::when(left == 0, || left.to_string()))
        })?;
        await_kernel(&net.node, &ways)?;
        await_received(&*tor)?;
        let log = agent.log();
        ensure!(!log.contains("routes are not kept"), "{log}");
        agent.stop()
    });
}
