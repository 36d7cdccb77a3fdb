//! The daemons of the interop tests against each other: what fails here is a matter of the tests, not of the agent.

use std::collections::BTreeSet;

use anyhow::Result;
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::peers::{self, Kind, Plan, Router};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::wait::{Look, secs, until};

const ROUTES: u16 = 1000;

fn await_established(router: &dyn Router) -> Result<()> {
    until(
        &format!("{} is Established", router.name()),
        secs(30),
        || {
            let state = router.state()?;
            Ok(Look::when(state == "Established", || state))
        },
    )
}

fn await_routes(router: &dyn Router, v6: bool, wanted: &[String]) -> Result<()> {
    let wanted: BTreeSet<_> = wanted.iter().cloned().collect();
    until(
        &format!("{} has {} routes", router.name(), wanted.len()),
        secs(20),
        || {
            let got = router.received(v6)?;
            Ok(Look::when(got == wanted, || {
                format!("{} routes", got.len())
            }))
        },
    )
}

fn exchange_with_bird(kind: Kind, v6: bool, password: Option<&str>) {
    let name = format!("{kind:?}-bird-{}", if v6 { "v6" } else { "v4" });
    lab::run(&name, |lab: &Lab| {
        let net = NodeAndTor::new()?;
        let (tor, node) = ((65101, address(true, v6)), (65201, address(false, v6)));
        let mut plan = Plan::new(node, tor);
        plan.router_id = "10.255.0.2".into();
        plan.announce = prefixes(Party::Node, v6, ROUTES);
        plan.password = password.map(str::to_owned);
        plan.passive = true;
        let bird = peers::start(Kind::Bird, &net.node, &lab.subdirectory("bird")?, &plan)?;
        let mut plan = Plan::new(tor, node);
        plan.announce = prefixes(Party::Tor, v6, ROUTES);
        plan.password = password.map(str::to_owned);
        let mut other = peers::start(kind, &net.tor, &lab.subdirectory("other")?, &plan)?;
        await_established(&*bird)?;
        await_established(&*other)?;
        await_routes(&*bird, v6, &plan.announce)?;
        await_routes(&*other, v6, &prefixes(Party::Node, v6, ROUTES))?;
        let fewer = prefixes(Party::Tor, v6, ROUTES - 10);
        other.announce(&fewer)?;
        await_routes(&*bird, v6, &fewer)?;
        other.pause();
        until("BIRD's hold timer ends the session", secs(20), || {
            let state = bird.state()?;
            Ok(Look::when(state != "Established", || state))
        })?;
        other.resume();
        await_routes(&*bird, v6, &fewer)
    });
}

macro_rules! daemons {
    ($($module:ident: $kind:ident),*) => {$(
        mod $module {
            use super::*;

            #[test]
            fn exchanges_routes_with_bird_over_ipv6() {
                exchange_with_bird(Kind::$kind, true, None);
            }

            #[test]
            fn exchanges_routes_with_bird_over_ipv4_with_md5() {
                exchange_with_bird(Kind::$kind, false, Some("of-the-test"));
            }
        }
    )*};
}

daemons!(bird: Bird, frr: Frr, gobgp: GoBgp, openbgpd: OpenBgpd, exabgp: ExaBgp);
