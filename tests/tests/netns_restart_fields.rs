//! Each field of graceful restart, with it and without: neighbours are sockets here, so that they say exactly what a case is about.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, Lab, NodeAndTor, address, raw_address};
use bgp_tests::raw::{RawPeer, ipv4_update, keepalive, message, open_with};
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, always, secs, until};
use bgp_tests::{kernel, manifests};
use rustix::process::Signal;

const RAW_ASN: u32 = 65102;
/// 110.0.0.0/24 and 110.0.1.0/24, as they stand on the wire.
const ROUTES: [u8; 8] = [24, 110, 0, 0, 24, 110, 0, 1];
/// Graceful restart with a time of 100 s, both families forwarded.
const GRACEFUL: [u8; 12] = [64, 10, 0, 100, 0, 1, 1, 0x80, 0, 2, 1, 0x80];
/// The same with the N bit (RFC 8538).
const WITH_N: [u8; 12] = [64, 10, 0x40, 100, 0, 1, 1, 0x80, 0, 2, 1, 0x80];
/// Long-lived graceful restart of IPv4 with a time of 1024 s (RFC 9494 §3.1).
const LONG_LIVED: [u8; 9] = [71, 7, 0, 1, 1, 0x80, 0, 4, 0];

/// The manifests of a router and two peers with these lines.
fn documents(router: &[&str], peer: &[&str]) -> Vec<(&'static str, String)> {
    let mut of_router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
    for line in router {
        of_router = of_router.with(line);
    }
    let of_peer = |name: &str, n| {
        let mut text = manifests::Peer::new(name, "underlay", RAW_ASN, raw_address(n));
        text.families = vec!["ipv4", "ipv6"];
        for line in peer {
            text = text.with(line);
        }
        text.with("passive: true").text()
    };
    let own = manifests::advertisement("own", "underlay", false, &["100.0.0.0/24".to_owned()]);
    vec![
        ("router", of_router.text()),
        ("raw-0", of_peer("raw-0", 0)),
        ("raw-1", of_peer("raw-1", 1)),
        ("own", own),
    ]
}

/// A node and the addresses of both peers.
fn lab_net() -> Result<NodeAndTor> {
    let net = NodeAndTor::new()?;
    for n in 0..2 {
        net.tor.address("down0", raw_address(n), 64)?;
    }
    Ok(net)
}

fn connect(net: &NodeAndTor, n: usize) -> Result<RawPeer> {
    // Any number of times, unlike NodeAndTor::speak_as.
    let (node, from) = (address(false, true), raw_address(n));
    net.tor
        .ip(&format!("route replace {node}/128 dev down0 src {from}"))?;
    RawPeer::connect(&net.tor, address(false, true), secs(10))
}

/// A session with these capabilities; what the agent said in its OPEN.
fn establish(net: &NodeAndTor, n: u8, capabilities: &[u8]) -> Result<(RawPeer, Vec<u8>)> {
    let mut peer = connect(net, n.into())?;
    peer.send(&open_with(RAW_ASN, 90, [10, 255, 1, n], capabilities))?;
    let open = peer.await_kind(1, secs(5))?.body;
    peer.send(&keepalive())?;
    peer.await_kind(4, secs(5))?;
    Ok((peer, open))
}

/// Announces the routes, or the first alone, and says that this is all.
fn tell(peer: &mut RawPeer, routes: &[u8]) -> Result<()> {
    if !routes.is_empty() {
        peer.send(&ipv4_update(RAW_ASN, 0, routes))?;
    }
    end_of_rib(peer)
}

fn end_of_rib(peer: &mut RawPeer) -> Result<()> {
    peer.send(&message(2, &[0, 0, 0, 0]))?;
    // RFC 4724 §2: MP_UNREACH_NLRI without routes.
    peer.send(&message(2, &[0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1]))
}

fn await_in_kernel(net: &NodeAndTor, count: usize, limit: Duration) -> Result<()> {
    until(&format!("the kernel has {count} routes"), limit, || {
        let ours = kernel::our_prefixes(&net.node, false)?;
        Ok(Look::when(ours.len() == count, || format!("{ours:?}")))
    })
}

/// The value of a capability in an OPEN.
fn capability(open: &[u8], code: u8) -> Option<Vec<u8>> {
    // RFC 4271 §4.2 and RFC 5492: nine octets, the length of all parameters, then the type and length of the only one.
    let mut rest = open.get(12..)?;
    while let [kind, length, after @ ..] = rest {
        let value = after.get(..usize::from(*length))?;
        if *kind == code {
            return Some(value.to_vec());
        }
        rest = after.get(usize::from(*length)..)?;
    }
    None
}

const ON: &str = "gracefulRestart: {enabled: true}";
const OFF: &str = "gracefulRestart: {enabled: false}";

/// RFC 4724 §3: after the flags, twelve bits of seconds. RFC 9494 §3.1: AFI, SAFI, flags and 24 bits of seconds a family.
#[test]
fn the_open_carries_the_times_of_the_fields() {
    /// Lines of the router and of the peer, and the times that the OPEN says: restart, long-lived.
    type Case<'a> = (&'a [&'a str], &'a [&'a str], Option<u16>, Option<u8>);
    // Without a word we help and keep nothing (§3): the capability is there, with no time.
    let cases: [Case<'_>; 7] = [
        (&[], &[], Some(0), None),
        (&["gracefulRestart: {restartTime: 88}"], &[], Some(0), None),
        (&[], &[OFF], None, None),
        (&[], &[ON], Some(120), None),
        (
            &["gracefulRestart: {restartTime: 88}"],
            &[ON],
            Some(88),
            None,
        ),
        (
            &["gracefulRestart: {restartTime: 88}"],
            &["gracefulRestart: {enabled: true, restartTime: 77}"],
            Some(77),
            None,
        ),
        (
            &[],
            &[
                ON,
                "longLivedGracefulRestart: {enabled: true, staleTime: 99}",
            ],
            Some(120),
            Some(99),
        ),
    ];
    lab::run("restart-open", |lab| {
        let net = lab_net()?;
        let mut agent: Option<Agent> = None;
        for (router, peer, restart_time, stale_time) in cases {
            let documents = documents(router, peer);
            match &agent {
                None => agent = Some(Agent::start(lab, &net.node, &documents)?),
                Some(agent) => {
                    for (name, text) in &documents {
                        agent.apply(name, text)?;
                    }
                }
            }
            let expected = (restart_time.map(u16::to_be_bytes), stale_time);
            until(&format!("the OPEN says {expected:?}"), secs(15), || {
                let (_, open) = establish(&net, 0, &GRACEFUL)?;
                let restart = capability(&open, 64);
                // R and F are not set at the first start; N is, where we keep anything.
                let time = restart.as_ref().map(|value| [value[0] & 0x0f, value[1]]);
                let flags = if time == Some([0, 0]) { 0 } else { 0x40 };
                ensure!(restart.is_none_or(|value| value[0] & 0xf0 == flags));
                let long = capability(&open, 71).map(|value| value[6]);
                Ok(Look::when((time, long) == expected, || {
                    format!("{time:?} {long:?}")
                }))
            })?;
        }
        Ok(())
    });
}

/// RFC 4724 §4.2, last paragraph: an upper bound on the time that stale routes are kept, here below the restart time of the peer.
#[test]
fn stale_routes_time_bounds_how_long_routes_are_kept() {
    for bounded in [true, false] {
        lab::run("restart-bound", |lab| {
            let net = lab_net()?;
            let router: &[&str] = match bounded {
                true => &["gracefulRestart: {staleRoutesTime: 3}"],
                false => &[],
            };
            let _agent = Agent::start(lab, &net.node, &documents(router, &[ON]))?;
            let (mut peer, _) = establish(&net, 0, &GRACEFUL)?;
            tell(&mut peer, &ROUTES)?;
            await_in_kernel(&net, 2, secs(10))?;
            drop(peer);
            let keeps = |time| {
                always("the kernel keeps both", time, || {
                    let ours = kernel::our_prefixes(&net.node, false)?;
                    Ok(Look::when(ours.len() == 2, || format!("{ours:?}")))
                })
            };
            if bounded {
                keeps(secs(2))?;
                await_in_kernel(&net, 0, secs(4))
            } else {
                keeps(secs(6))
            }
        });
    }
}

/// RFC 9494 §4.2: the peer's own time, which our field bounds. A restart time of zero: long-lived at once.
#[test]
fn stale_time_bounds_how_long_long_lived_routes_are_kept() {
    for bounded in [true, false] {
        lab::run("restart-long", |lab| {
            let net = lab_net()?;
            let field = match bounded {
                true => "longLivedGracefulRestart: {enabled: true, staleTime: 3}",
                false => "longLivedGracefulRestart: {enabled: true}",
            };
            let agent = Agent::start(lab, &net.node, &documents(&[], &[ON, field]))?;
            let capabilities = [64, 6, 0, 0, 0, 1, 1, 0x80, 71, 7, 0, 1, 1, 0x80, 0, 4, 0];
            let (mut peer, _) = establish(&net, 0, &capabilities)?;
            tell(&mut peer, &ROUTES)?;
            await_in_kernel(&net, 2, secs(10))?;
            drop(peer);
            until("they are long-lived", secs(2), || {
                let shown = agent.ask(&["show", "routes", "-o", "json"])?;
                Ok(Look::when(shown.contains("llgr-stale"), || shown))
            })?;
            ensure!(kernel::our_prefixes(&net.node, false)?.len() == 2);
            if bounded {
                await_in_kernel(&net, 0, secs(5))
            } else {
                always("the kernel keeps both", secs(5), || {
                    let ours = kernel::our_prefixes(&net.node, false)?;
                    Ok(Look::when(ours.len() == 2, || format!("{ours:?}")))
                })
            }
        });
    }
}

/// How long after its session began a peer is told the first route, in a restart where another one does not come back.
fn first_word(lab: &Lab, selection: u32, both: bool) -> Result<Duration> {
    let net = lab_net()?;
    let router = format!("gracefulRestart: {{selectionDeferralTime: {selection}}}");
    let documents = documents(&[&router], &[ON]);
    let mut old = Agent::start(lab, &net.node, &documents)?;
    let mut sessions = Vec::new();
    for n in 0..2 {
        let (mut peer, _) = establish(&net, n, &GRACEFUL)?;
        tell(&mut peer, &ROUTES)?;
        sessions.push(peer);
    }
    await_in_kernel(&net, 2, secs(10))?;
    let file = lab.directory().join("state/restart");
    until("both sessions are kept in mind", secs(5), || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        Ok(Look::when(text.matches("peer ").count() == 2, || text))
    })?;
    old.daemon().signal(Signal::KILL);
    drop((old, sessions));
    let agent = Agent::start(lab, &net.node, &documents)?;
    let (mut here, open) = establish(&net, 1, &GRACEFUL)?;
    let restart = capability(&open, 64).context("graceful restart")?;
    // R, N; F of IPv4, which the kernel still has.
    ensure!(
        restart[0] & 0xf0 == 0xc0 && restart[5] == 0x80,
        "{restart:02x?}"
    );
    let start = Instant::now();
    // This one has other routes now; the kernel is to keep what it has until everybody was heard.
    tell(&mut here, &ROUTES[..4])?;
    let mut other = None;
    if both {
        std::thread::sleep(secs(2));
        let (mut peer, _) = establish(&net, 0, &GRACEFUL)?;
        always("nothing is written meanwhile", secs(1), || {
            let ours = kernel::our_prefixes(&net.node, false)?;
            Ok(Look::when(ours.len() == 2, || format!("{ours:?}")))
        })?;
        end_of_rib(&mut peer)?;
        other = Some(peer);
    }
    here.await_kind(2, secs(20))?;
    let waited = start.elapsed();
    if both || selection > 0 {
        // What nobody has told again goes: when all has converged, or with the time, long before --convergence-timeout.
        await_in_kernel(&net, 1, secs(20))?;
    }
    drop((agent, other));
    Ok(waited)
}

/// A session is kept in mind from its beginning; of neighbours that nobody listed nothing else keeps the kernel's routes.
#[test]
fn a_kill_in_the_second_in_which_a_session_began_is_a_restart() {
    lab::run("restart-at-once", |lab| {
        let net = lab_net()?;
        let mut leaves = manifests::Peer::new("leaves", "underlay", RAW_ASN, raw_address(0));
        leaves.families = vec!["ipv4", "ipv6"];
        let leaves = leaves.with(ON).dynamic("prefixes: [\"fd00:12::/64\"]");
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text();
        let documents = [("router", router), ("leaves", leaves)];
        let file = lab.directory().join("state/restart");
        for _ in 0..4 {
            // What nobody has in mind is not kept.
            let mut agent = Agent::start(lab, &net.node, &documents)?;
            await_in_kernel(&net, 0, secs(10))?;
            let (mut peer, _) = establish(&net, 0, &GRACEFUL)?;
            tell(&mut peer, &ROUTES)?;
            await_in_kernel(&net, 2, secs(5))?;
            std::thread::sleep(Duration::from_millis(100));
            agent.daemon().kill();
            drop((agent, peer));
            let mut agent = Agent::start(lab, &net.node, &documents)?;
            let (_peer, open) = establish(&net, 0, &GRACEFUL)?;
            let restart = capability(&open, 64).context("graceful restart")?;
            ensure!(restart[0] & 0x80 != 0, "no R bit: {restart:02x?}");
            always("the kernel's routes stay", secs(2), || {
                let ours = kernel::our_prefixes(&net.node, false)?;
                Ok(Look::when(ours.len() == 2, || format!("{ours:?}")))
            })?;
            agent.daemon().kill();
            fs::remove_file(&file)?;
        }
        Ok(())
    });
}

/// RFC 9494 §4.2: a neighbour with long-lived graceful restart has our routes for longer than the restart time, and drops them for an F
/// bit that is 0. The kernel has them all the time, and that is what is said.
#[test]
fn after_the_restart_time_the_open_tells_who_still_has_our_routes_what_is_true() {
    let short = "gracefulRestart: {enabled: true, restartTime: 1}";
    let long = "longLivedGracefulRestart: {enabled: true, staleTime: 60}";
    for (lines, kept) in [(&[short, long][..], true), (&[short], false)] {
        lab::run("restart-late", |lab| {
            let net = lab_net()?;
            let documents = documents(&[], lines);
            let mut agent = Agent::start(lab, &net.node, &documents)?;
            let (mut peer, _) = establish(&net, 0, &[&GRACEFUL[..], &LONG_LIVED].concat())?;
            tell(&mut peer, &ROUTES)?;
            await_in_kernel(&net, 2, secs(5))?;
            // Kept in mind once a second.
            std::thread::sleep(secs(2));
            agent.daemon().kill();
            drop((agent, peer));
            std::thread::sleep(secs(4));
            let _agent = Agent::start(lab, &net.node, &documents)?;
            let (_peer, open) = establish(&net, 0, &[&GRACEFUL[..], &LONG_LIVED].concat())?;
            let restart = capability(&open, 64).context("graceful restart")?;
            // RFC 4724 §3: the R bit; then AFI, SAFI and flags of each family.
            let bits = (restart[0] & 0x80 != 0, restart[5] & 0x80 != 0);
            ensure!(bits == (kept, kept), "R and F: {restart:02x?}");
            let long_lived = capability(&open, 71);
            let forwarded = long_lived.map(|value| value[3] & 0x80 != 0);
            ensure!(forwarded == kept.then_some(true), "{forwarded:?}");
            Ok(())
        });
    }
}

/// RFC 4724 §4.1: until End-of-RIB of all, or for the Selection_Deferral_Timer.
#[test]
fn after_a_restart_routes_are_told_when_everybody_was_heard_or_the_time_is_over() {
    lab::run("restart-deferral", |lab| {
        let waited = first_word(lab, 8, false)?;
        println!("one stays away: {waited:?}");
        ensure!(waited > secs(3) && waited < secs(12), "{waited:?}");
        Ok(())
    });
    lab::run("restart-no-deferral", |lab| {
        let waited = first_word(lab, 0, false)?;
        println!("without waiting: {waited:?}");
        ensure!(waited < secs(3), "{waited:?}");
        Ok(())
    });
    lab::run("restart-all-heard", |lab| {
        let waited = first_word(lab, 60, true)?;
        println!("both are back after 3 s: {waited:?}");
        ensure!(waited > secs(2) && waited < secs(20), "{waited:?}");
        Ok(())
    });
}

/// RFC 4724 §4.2: the peer comes again while its session is believed up. RFC 4271 §6.8 without graceful restart: it is refused.
#[test]
fn who_comes_again_takes_the_place_of_its_old_session() {
    lab::run("restart-again", |lab| {
        let net = lab_net()?;
        let agent = Agent::start(lab, &net.node, &documents(&[], &[ON]))?;
        let (mut old, _) = establish(&net, 0, &GRACEFUL)?;
        tell(&mut old, &ROUTES)?;
        await_in_kernel(&net, 2, secs(10))?;
        let (mut new, _) = establish(&net, 0, &GRACEFUL)?;
        // "no NOTIFICATION message should be sent": the old connection just ends.
        while let Some(message) = old.receive(secs(5))? {
            ensure!(message.kind != 3, "{message:?}");
        }
        ensure!(kernel::our_prefixes(&net.node, false)?.len() == 2);
        tell(&mut new, &ROUTES[..4])?;
        await_in_kernel(&net, 1, secs(10))?;
        agent.await_state("raw-0", "Established", secs(5))?;
        Ok(())
    });
    lab::run("restart-refused", |lab| {
        let net = lab_net()?;
        let _agent = Agent::start(lab, &net.node, &documents(&[], &[OFF]))?;
        let (_old, _) = establish(&net, 0, &GRACEFUL)?;
        let mut new = connect(&net, 0)?;
        ensure!(new.await_notification(secs(5))? == (6, 7));
        Ok(())
    });
}

/// RFC 8538 §3.1: with the N bit of both the end for good is a Hard Reset, else the peer would keep our routes.
#[test]
fn what_is_taken_out_of_the_configuration_ends_for_good() {
    let cases: [(&str, &[u8], (u8, u8)); 3] = [
        (ON, &WITH_N, (6, 9)),
        (ON, &GRACEFUL, (6, 3)),
        (OFF, &WITH_N, (6, 3)),
    ];
    for (field, capabilities, expected) in cases {
        lab::run("restart-gone", |lab| {
            let net = lab_net()?;
            let agent = Agent::start(lab, &net.node, &documents(&[], &[field]))?;
            let (mut peer, _) = establish(&net, 0, capabilities)?;
            tell(&mut peer, &ROUTES)?;
            await_in_kernel(&net, 2, secs(10))?;
            agent.delete("raw-0")?;
            ensure!(peer.await_notification(secs(5))? == expected);
            await_in_kernel(&net, 0, secs(5))
        });
    }
}

/// RFC 8538 §4: a NOTIFICATION ends no forwarding where both have the N bit.
#[test]
fn a_notification_keeps_routes_with_the_n_bit_alone() {
    for (capabilities, expected) in [(&WITH_N, 2), (&GRACEFUL, 0)] {
        lab::run("restart-notification", |lab| {
            let net = lab_net()?;
            let agent = Agent::start(lab, &net.node, &documents(&[], &[ON]))?;
            let (mut peer, _) = establish(&net, 0, capabilities)?;
            tell(&mut peer, &ROUTES)?;
            await_in_kernel(&net, 2, secs(10))?;
            peer.send(&message(3, &[6, 4]))?;
            until("the session is down", secs(5), || {
                let state = agent.session_state("raw-0")?;
                Ok(Look::when(state != "Established", || state))
            })?;
            await_in_kernel(&net, expected, secs(2))?;
            always("and it stays so", secs(1), || {
                let ours = kernel::our_prefixes(&net.node, false)?;
                Ok(Look::when(ours.len() == expected, || format!("{ours:?}")))
            })
        });
    }
}
