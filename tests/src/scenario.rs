//! What every real router must be able to do with the agent. One function a scenario; the files `tests/interop_*.rs`
//! apply them to one daemon each.
//!
//! The agent is always the node (AS 65201), the daemon the top-of-rack router (AS 65101); see [`NodeAndTor`]. Each scenario asserts on
//! all three: what the agent says, what the other router says, and what the kernel holds.

mod pair;

pub use pair::{NODE_ASN, PEER, Pair, ROUTES, TOR_ASN, Variant, bird, documents};

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::agent::Agent;
use crate::kernel;
use crate::lab::{self, Lab, NodeAndTor, address};
use crate::manifests;
use crate::matrix::{self, Feature};
use crate::peers::{self, Kind, Plan};
use crate::routes::{Party, is_of, prefixes};
use crate::wait::{Look, always, secs, until};

use pair::{IN_ONE_ADVERTISEMENT, PASSWORD, SPREAD, UP};

fn scenario(kind: Kind, feature: Feature, variant: Variant, body: impl FnOnce(&Lab) -> Result<()>) {
    let transport = if variant.v4 { "v4" } else { "v6" };
    let name = format!("{kind:?}-{feature:?}-{transport}").to_lowercase();
    matrix::tried(kind, &[feature], || lab::run(&name, body));
}

/// A thousand routes go each way; then both sides withdraw some, and only those go.
pub fn exchanges_and_withdraws(kind: Kind, variant: Variant) {
    scenario(kind, variant.feature(), variant, |lab| {
        let mut pair = Pair::converged(lab, kind, variant)?;
        let v6 = variant.v6();

        let kept = prefixes(Party::Tor, v6, ROUTES - 100);
        pair.router.announce(&kept)?;
        pair.await_kernel(&kept, SPREAD)?;

        // The last advertisement goes, with the last 250 prefixes.
        let chunks = usize::from(ROUTES).div_ceil(IN_ONE_ADVERTISEMENT);
        pair.agent
            .delete(&format!("advertisement-{}", chunks - 1))?;
        let left = prefixes(Party::Node, v6, ROUTES - 250);
        pair.await_peer_has(&left, SPREAD)?;

        // Nothing else moved: the session is the same one, the rest is still there.
        pair.await_kernel(&kept, SPREAD)?;
        pair.agent.await_state(PEER, "Established", secs(1))?;
        let status = pair.agent.object("peers", PEER)?["status"].clone();
        ensure!(status["routers"][0]["flaps"] == 0, "it was reset: {status}");

        let Pair { agent, net, .. } = pair;
        agent.stop()?;
        let rest = kernel::our_prefixes(&net.node, v6)?;
        ensure!(
            rest.is_empty(),
            "a clean stop left {} routes in the kernel",
            rest.len()
        );
        Ok(())
    });
}

/// The other router dies without a word (its kernel resets the connection) and comes back. The end of the connection is what tells, not
/// silence: all is well again long before the hold timer could.
pub fn survives_a_restart_of_the_peer(kind: Kind, variant: Variant) {
    let variant = Variant {
        hold_time: 90,
        ..variant
    };
    scenario(kind, Feature::PeerRestarts, variant, |lab| {
        let mut pair = Pair::converged(lab, kind, variant)?;
        let hold = secs(u64::from(variant.hold()));
        let killed = Instant::now();
        pair.router.kill();
        pair.await_down(hold / 9)?;
        let shown = pair.agent.json(&["show", "peer", PEER])?;
        let why = shown["last_down"]["text"].as_str().unwrap_or_default();
        ensure!(!why.contains("hold timer"), "{why}");
        pair.await_kernel(&[], SPREAD)?;
        pair.start_router_again()?;
        pair.await_established()?;
        pair.await_everything()?;
        let took = killed.elapsed();
        ensure!(took < hold / 2, "it took {took:?}");
        Ok(())
    });
}

/// The link goes down: the kernel drops or marks the routes, the agent knows; it comes back, and so does everything.
pub fn survives_the_loss_of_the_link(kind: Kind, variant: Variant) {
    let feature = if variant.v4 {
        Feature::LinkLossIpv4
    } else {
        Feature::LinkLossIpv6
    };
    scenario(kind, feature, variant, |lab| {
        let pair = Pair::converged(lab, kind, variant)?;
        let v6 = variant.v6();
        pair.net.node.ip("link set up0 down")?;
        pair.await_kernel(&[], SPREAD)?;
        pair.await_down(secs(u64::from(variant.hold()) + 5))?;
        if !pair.variant.agent_passive {
            // Why it went down is told beside why it does not come up, and not lost to it.
            until("both reasons are told", secs(20), || {
                let shown = pair.agent.json(&["show", "peer", PEER])?;
                let reason = |which: &str| shown[which]["text"].as_str().map(ToOwned::to_owned);
                let (down, failure) = (reason("last_down"), reason("last_failure"));
                // However the kernel words it: without its link there is no way to the peer.
                let told = [&down, &failure].map(Option::as_deref) == [Some("link down"); 2];
                Ok(Look::when(told, || format!("{down:?}, {failure:?}")))
            })?;
        }
        pair.net.node.ip("link set up0 up")?;
        if v6 {
            // Taking a link down takes its IPv6 addresses away.
            pair.net.node.address("up0", address(false, true), 64)?;
        }
        pair.await_established()?;
        pair.await_everything()
    });
}

/// The other router falls silent with its connection open: only the hold timer can tell.
pub fn the_hold_timer_ends_a_silent_session(kind: Kind, variant: Variant) {
    scenario(kind, Feature::HoldTimer, variant, |lab| {
        let mut pair = Pair::converged(lab, kind, variant)?;
        pair.router.pause();
        let hold = u64::from(variant.hold());
        pair.await_down(secs(hold + 3))?;
        pair.await_kernel(&[], SPREAD)?;
        let words = pair.last_words()?;
        ensure!(
            words.to_lowercase().contains("hold timer"),
            "`show peer` does not say why:\n{words}"
        );
        pair.router.resume();
        pair.await_established()?;
        pair.await_everything()
    });
}

/// Two different passwords, or one on one side only, whichever: no session. What the agent is told of passwords while it runs takes
/// effect, and nothing else is disturbed.
pub fn a_wrong_password_keeps_the_session_down(kind: Kind, variant: Variant) {
    let variant = Variant {
        md5: true,
        ..variant
    };
    scenario(kind, Feature::WrongPassword, variant, |lab| {
        let mut pair = Pair::converged(lab, kind, variant)?;
        let stays_down = |pair: &Pair<'_>| -> Result<()> {
            pair.await_down(secs(u64::from(variant.hold()) + 5))?;
            always("the session is down", secs(4), || {
                let state = pair.agent.session_state(PEER)?;
                Ok(Look::when(state != "Established", || state))
            })
        };
        let comes_up = |pair: &Pair<'_>| -> Result<()> {
            pair.await_established()?;
            pair.await_everything()
        };
        let peer = |md5: bool| -> Result<String> {
            let variant = Variant {
                md5,
                ..pair.variant
            };
            let mut documents = documents(variant, 0).into_iter();
            let peer = documents.find(|(name, _)| name == "peer");
            Ok(peer.context("no peer")?.1)
        };
        let (with, without) = (peer(true)?, peer(false)?);

        let secret = |password: &str| manifests::secret("tor-password", password);

        // Another password needs a new connection, which the other side's segments cannot take part in.
        pair.agent.apply("peer", &without)?;
        stays_down(&pair)?;
        pair.agent.apply("secret", &secret("wrong-horse"))?;
        pair.agent.apply("peer", &with)?;
        stays_down(&pair)?;
        if kind == Kind::Bird {
            // Nobody tells the cause, but people are pointed to it.
            until("the cause is named", secs(40), || {
                let shown = pair.agent.json(&["show", "peer", PEER])?;
                let said = shown["last_failure"]["text"].as_str().unwrap_or_default();
                let named = said
                    .ends_with("a neighbour that has another password, or none, does not answer");
                Ok(Look::when(named, || shown["last_failure"].to_string()))
            })?;
            let status = pair.agent.object("peers", PEER)?["status"].to_string();
            ensure!(status.contains("another password"), "{status}");
            ensure!(!status.contains("wrong-horse"), "{status}");
        }
        pair.agent.apply("secret", &secret(PASSWORD))?;
        comes_up(&pair)?;

        // The other way round.
        pair.router.kill();
        pair.plan.password = None;
        pair.start_router_again()?;
        stays_down(&pair)?;
        pair.agent.apply("peer", &without)?;
        comes_up(&pair)
    });
}

/// IPv4 routes with an IPv6 next hop on an IPv6 session (RFC 8950), both ways, into the kernel.
pub fn exchanges_ipv4_over_an_ipv6_session(kind: Kind) {
    let variant = Variant::default();
    scenario(kind, Feature::ExtendedNextHop, variant, |lab| {
        let net = NodeAndTor::new()?;
        // The link has no IPv4 address of which the other one knows the way: the next hop can only be IPv6.
        net.node.ip("address del 10.12.0.2/24 dev up0")?;
        net.tor.ip("address del 10.12.0.1/24 dev down0")?;
        net.node.ip("address add 203.0.113.9/32 dev up0")?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = prefixes(Party::Tor, true, 10);
        plan.announce_v4_over_v6 = prefixes(Party::Tor, false, ROUTES);
        plan.passive = true;
        let router = peers::start(kind, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let mut peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
        peer.families = vec!["ipv6", "ipv4"];
        let own = prefixes(Party::Node, false, 200);
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            (
                "peer",
                peer.with("holdTime: 9s").with("keepaliveTime: 3s").text(),
            ),
            (
                "advertisement",
                manifests::advertisement("own", "underlay", false, &own),
            ),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        agent.await_state(PEER, "Established", UP)?;
        until("the peer's IPv4 routes are in the kernel", SPREAD, || {
            let have = kernel::ours(&net.node, false)?;
            Ok(Look::when(have.len() == usize::from(ROUTES), || {
                format!("{} routes", have.len())
            }))
        })?;
        for route in kernel::ours(&net.node, false)? {
            ensure!(is_of(Party::Tor, &route.prefix), "whose is it? {route:?}");
            let by_v6 = |leg: &kernel::Leg| leg.gateway.as_deref().is_some_and(|g| g.contains(':'));
            ensure!(route.legs.iter().all(by_v6), "no IPv6 gateway: {route:?}");
        }
        let wanted: BTreeSet<String> = own.into_iter().collect();
        until(
            &format!("{} has the agent's IPv4 routes", router.name()),
            SPREAD,
            || {
                let have = router.received(false)?;
                Ok(Look::when(have == wanted, || {
                    format!("{} routes", have.len())
                }))
            },
        )
    });
}

/// The tests that every daemon passes.
#[macro_export]
macro_rules! interop {
    ($kind:expr) => {
        use $crate::scenario::{self, Variant};

        #[test]
        fn exchanges_and_withdraws_over_ipv6() {
            scenario::exchanges_and_withdraws($kind, Variant::default());
        }

        #[test]
        fn exchanges_and_withdraws_over_ipv4() {
            scenario::exchanges_and_withdraws(
                $kind,
                Variant {
                    v4: true,
                    ..Variant::default()
                },
            );
        }

        #[test]
        fn exchanges_and_withdraws_over_ipv6_with_md5() {
            let variant = Variant {
                md5: true,
                agent_passive: true,
                ..Variant::default()
            };
            scenario::exchanges_and_withdraws($kind, variant);
        }

        #[test]
        fn exchanges_and_withdraws_over_ipv4_with_md5() {
            scenario::exchanges_and_withdraws(
                $kind,
                Variant {
                    v4: true,
                    md5: true,
                    ..Variant::default()
                },
            );
        }

        #[test]
        fn exchanges_when_the_agent_is_passive() {
            let variant = Variant {
                v4: true,
                agent_passive: true,
                ..Variant::default()
            };
            scenario::exchanges_and_withdraws($kind, variant);
        }

        #[test]
        fn exchanges_when_both_sides_connect() {
            scenario::exchanges_and_withdraws(
                $kind,
                Variant {
                    both_active: true,
                    ..Variant::default()
                },
            );
        }

        #[test]
        fn survives_a_restart_of_the_peer() {
            scenario::survives_a_restart_of_the_peer(
                $kind,
                Variant {
                    agent_passive: true,
                    ..Variant::default()
                },
            );
        }

        #[test]
        fn survives_the_loss_of_the_link_over_ipv6() {
            scenario::survives_the_loss_of_the_link(
                $kind,
                Variant {
                    both_active: true,
                    ..Variant::default()
                },
            );
        }

        #[test]
        fn survives_the_loss_of_the_link_over_ipv4() {
            scenario::survives_the_loss_of_the_link(
                $kind,
                Variant {
                    v4: true,
                    both_active: true,
                    ..Variant::default()
                },
            );
        }

        #[test]
        fn the_hold_timer_ends_a_silent_session() {
            scenario::the_hold_timer_ends_a_silent_session(
                $kind,
                Variant {
                    hold_time: 3,
                    both_active: true,
                    ..Variant::default()
                },
            );
        }

        #[test]
        fn a_wrong_password_keeps_the_session_down() {
            scenario::a_wrong_password_keeps_the_session_down(
                $kind,
                Variant {
                    both_active: true,
                    ..Variant::default()
                },
            );
        }
    };
}
