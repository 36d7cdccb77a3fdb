//! `maxPrefixes`, with a BIRD that announces more than it may.

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab;
use bgp_tests::wait::{Look, always, secs, until};
use serde_json::Value;

use crate::chain::{Chain, prefix};

fn prefixes(n: u8) -> Vec<String> {
    (1..=n).map(prefix).collect()
}

/// The peer with a limit of ten.
fn limited(chain: &Chain, more: &str) -> String {
    limited_to(chain, 10, more)
}

fn limited_to(chain: &Chain, limit: u32, more: &str) -> String {
    let field =
        format!("maxPrefixes: [{{afi: ipv6, safi: unicast, limit: {limit}, action: {more}}}]");
    chain.tor.clone().with(&field).text()
}

fn router_status(agent: &Agent) -> Result<Value> {
    let object = agent.object("peers", "tor")?;
    Ok(object["status"]["routers"][0].clone())
}

/// Waits until the status of the only family is so.
fn await_family(agent: &Agent, is: impl Fn(&Value) -> bool) -> Result<()> {
    until("the status says so", secs(10), || {
        let status = router_status(agent)?;
        Ok(Look::when(is(&status["families"][0]), || {
            status.to_string()
        }))
    })
}

fn is_kept_down(agent: &Agent) -> Result<Look<()>> {
    let status = router_status(agent)?;
    let is = status["sessionState"] == "Idle" && status["reason"] == "TooManyPrefixes";
    Ok(Look::when(is, || status.to_string()))
}

/// How often the log says that there are too many.
fn said(agent: &Agent) -> usize {
    agent
        .log()
        .matches("tells more prefixes than its limit")
        .count()
}

#[test]
fn a_session_with_too_many_prefixes_ends_and_stays_down_until_the_limit_changes() {
    lab::run("maxshutdown", |lab| {
        let chain = Chain::start(lab, |plan| plan.announce = prefixes(20))?;
        let agent = &chain.agent;
        chain.await_routes("without a limit", 20)?;
        ensure!(said(agent) == 0);

        agent.apply("tor", &limited(&chain, "Shutdown"))?;
        until("the session is kept down", secs(10), || is_kept_down(agent))?;
        chain.await_routes("of a session that ended", 0)?;
        // RFC 4486: Cease (6), Maximum Number of Prefixes Reached (1).
        let shown = chain.ask_bird("show protocols all cosmos")?;
        ensure!(
            shown.contains("Received: Maximum number of prefixes reached"),
            "{shown}"
        );
        // BIRD tries each second.
        always("the session is kept down", secs(4), || is_kept_down(agent))?;
        ensure!(said(agent) == 1, "said {} times", said(agent));

        agent.apply("tor", &limited_to(&chain, 20, "Shutdown"))?;
        chain.await_routes("with a limit that is not exceeded", 20)?;
        await_family(agent, |family| family["limit"] == 20)?;
        ensure!(said(agent) == 1, "said {} times", said(agent));
        chain.agent.stop()
    });
}

#[test]
fn a_session_with_too_many_prefixes_is_tried_again_after_its_rest() {
    lab::run("maxrestart", |lab| {
        let mut chain = Chain::start(lab, |plan| plan.announce = prefixes(20))?;
        chain.await_routes("without a limit", 20)?;
        let limited = limited(&chain, "Shutdown, restartAfter: 3");
        chain.agent.apply("tor", &limited)?;
        until("the session is kept down", secs(10), || {
            is_kept_down(&chain.agent)
        })?;
        // A second time it is as bad as the first.
        until("the session is tried again", secs(20), || {
            let n = said(&chain.agent);
            Ok(Look::when(n == 2, || n.to_string()))
        })?;
        chain.announce_from_bird(&prefixes(10))?;
        chain.await_routes("of a peer that has learned", 10)?;
        let view = chain.agent.json(&["show", "peer", "tor"])?.to_string();
        ensure!(view.contains("\"exceeded\":2"), "{view}");
        chain.agent.stop()
    });
}

#[test]
fn what_is_above_the_limit_is_discarded_until_there_is_room() {
    lab::run("maxdiscard", |lab| {
        let mut chain = Chain::start(lab, |_| {})?;
        chain.agent.await_state("tor", "Established", secs(20))?;
        chain.agent.apply("tor", &limited(&chain, "Discard"))?;
        await_family(&chain.agent, |family| family["limit"] == 10)?;
        chain.announce_from_bird(&prefixes(20))?;
        chain.await_routes("of twenty", 10)?;
        await_family(&chain.agent, |family| {
            family["received"] == 10 && family["discarded"] == 10
        })?;
        let ready = chain.agent.object("peers", "tor")?.to_string();
        ensure!(
            ready.contains("10 paths of ipv6/unicast were not taken"),
            "{ready}"
        );

        // Under a higher limit the peer is asked for them again, in the same session.
        chain
            .agent
            .apply("tor", &limited_to(&chain, 15, "Discard"))?;
        chain.await_routes("of twenty under another limit", 15)?;
        chain.agent.apply("tor", &chain.tor.text())?;
        chain.await_routes("without a limit again", 20)?;
        let flaps = router_status(&chain.agent)?["flaps"].as_i64();
        ensure!(flaps == Some(0), "the session was disturbed: {flaps:?}");
        let log = chain.agent.log();
        ensure!(log.contains("no more are taken"), "it is not said");
        chain.agent.stop()
    });
}

#[test]
fn a_limit_that_only_warns_takes_all_and_says_so_once() {
    lab::run("maxwarn", |lab| {
        let mut chain = Chain::start(lab, |_| {})?;
        chain.agent.await_state("tor", "Established", secs(20))?;
        chain.agent.apply("tor", &limited(&chain, "Warn"))?;
        await_family(&chain.agent, |family| family["limit"] == 10)?;
        for n in [7, 8, 12, 3, 12, 20] {
            chain.announce_from_bird(&prefixes(n))?;
            chain.await_routes("under a limit that only warns", n.into())?;
        }
        let log = chain.agent.log();
        let near = log.matches("comes near the limit").count();
        ensure!((near, said(&chain.agent)) == (1, 1), "{log}");
        until("the status says so", secs(10), || {
            let object = chain.agent.object("peers", "tor")?.to_string();
            let is = object.contains("more prefixes of ipv6/unicast than its limit of 10");
            Ok(Look::when(is, || object))
        })?;
        let status = router_status(&chain.agent)?;
        let flaps = status["flaps"].as_i64().context("no flaps")?;
        ensure!(flaps == 0, "the session was disturbed");
        chain.agent.stop()
    });
}
