//! Graceful restart: what OPENs say of it, how sessions end with it, and who supersedes whom.

use std::net::SocketAddr;
use std::time::Duration;

use bgp_session::{
    Action, DownReason, Event, GracefulRestart, Peer, PeerConfig, ResetReason, Restarted, State,
    StopReason,
};
use bgp_wire::{Capability, Family, FamilySet, Notification, codes};
use bytes::BytesMut;

use crate::messages::Lone;
use crate::pair::{A, B, Pair, SECOND, config, downs};
use crate::raw::{RawOpen, keepalive, message};

pub(crate) const V4: Family = Family::IPV4_UNICAST;
pub(crate) const V6: Family = Family::IPV6_UNICAST;

/// Two minutes for us, six for stale routes; the kernel forwards IPv4 without us.
pub(crate) fn graceful_restart() -> GracefulRestart {
    GracefulRestart {
        restart_time: 120,
        stale_time: 360 * SECOND,
        forwarding: FamilySet::from([V4]),
        long_lived: None,
    }
}

pub(crate) fn graceful() -> PeerConfig {
    let mut config = config(A);
    config.graceful_restart = Some(graceful_restart());
    config
}

/// Multiprotocol capabilities of both unicast families.
pub(crate) const FAMILIES: [u8; 12] = [1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1];

/// An OPEN with both families and the graceful restart capability: its first two octets, and each family with its flags.
pub(crate) fn open(head: [u8; 2], listed: &[(Family, u8)], more: &[u8]) -> RawOpen {
    let mut capabilities = FAMILIES.to_vec();
    capabilities.extend([64, 2 + 4 * listed.len() as u8]);
    capabilities.extend(head);
    for (family, flags) in listed {
        capabilities.extend(family.afi.to_be_bytes());
        capabilities.extend([family.safi, *flags]);
    }
    capabilities.extend(more);
    RawOpen::with_capabilities(&capabilities)
}

/// With the N bit, a restart time of 100 s, both families, forwarding kept in both.
pub(crate) fn open_with_n() -> RawOpen {
    open([0x40, 100], &[(V4, 0x80), (V6, 0x80)], &[])
}

/// The same without the N bit.
pub(crate) fn open_without_n() -> RawOpen {
    open([0, 100], &[(V4, 0x80), (V6, 0x80)], &[])
}

/// The value of a capability in the OPEN that a peer with this configuration sends.
fn said(mut config: PeerConfig, restarted: Option<Restarted>, code: u8) -> Option<Vec<u8>> {
    config.passive = true;
    let now = crate::pair::epoch();
    let mut peer = Peer::new(config, 1);
    if let Some(restarted) = restarted {
        peer.restarted(restarted);
    }
    peer.start(now);
    let [local, remote] = [1, 2].map(|n| SocketAddr::from(([192, 0, 2, n], 179)));
    peer.handle_incoming(local, remote, now)
        .expect("it accepts");
    let mut open = BytesMut::new();
    peer.poll_transmit(&mut open).expect("an OPEN");
    // RFC 4271 §4.2: one parameter, of capabilities (RFC 5492): header, fields, then its type and length.
    let mut capabilities = &open[19 + 10 + 2..];
    while let [kind, length, rest @ ..] = capabilities {
        let (value, after) = rest.split_at(usize::from(*length));
        if *kind == code {
            return Some(value.to_vec());
        }
        capabilities = after;
    }
    None
}

/// RFC 4724 §3: flags and time in two octets, then AFI, SAFI and flags of each family; RFC 8538 §2: the N bit is the second.
#[test]
fn the_open_says_what_is_true() {
    let now = crate::pair::epoch();
    let kept = |families: FamilySet, until| Restarted {
        until: now + until,
        forwarding: families,
    };
    let v4 = FamilySet::from([V4]);
    let both = FamilySet::from([V4, V6]);
    let minute = 60 * SECOND;
    let cases = [
        ("without graceful restart", config(A), None, None),
        (
            "a first start",
            graceful(),
            None,
            Some(vec![0x40, 120, 0, 1, 1, 0, 0, 2, 1, 0]),
        ),
        (
            "a restart",
            graceful(),
            Some(kept(v4, minute)),
            Some(vec![0xc0, 120, 0, 1, 1, 0x80, 0, 2, 1, 0]),
        ),
        (
            "a restart that lost the kernel's routes",
            graceful(),
            Some(kept(FamilySet::EMPTY, minute)),
            Some(vec![0xc0, 120, 0, 1, 1, 0, 0, 2, 1, 0]),
        ),
        (
            "a restart that kept what the kernel does not forward",
            graceful(),
            Some(kept(both, minute)),
            Some(vec![0xc0, 120, 0, 1, 1, 0x80, 0, 2, 1, 0]),
        ),
        (
            "a restart that took too long",
            graceful(),
            Some(kept(v4, Duration::ZERO)),
            Some(vec![0x40, 120, 0, 1, 1, 0x80, 0, 2, 1, 0]),
        ),
    ];
    for (what, config, restarted, expected) in cases {
        assert_eq!(said(config, restarted, 64), expected, "{what}");
    }
}

/// RFC 9494 §3.1: AFI, SAFI, flags and 24 bits of time for each family; only with the other capability.
#[test]
fn the_long_lived_capability_comes_with_the_other_one() {
    let mut config = graceful();
    assert_eq!(said(config.clone(), None, 71), None);
    if let Some(restart) = &mut config.graceful_restart {
        restart.long_lived = Some(0x01_02_03);
    }
    let expected = vec![0, 1, 1, 0, 1, 2, 3, 0, 2, 1, 0, 1, 2, 3];
    assert_eq!(said(config, None, 71), Some(expected));
}

/// RFC 4724 §4.2: the R bit "MUST NOT be set unless the Receiving Speaker has restarted"; RFC 8538 §4: after a NOTIFICATION both
/// sides set F, as forwarding went on.
#[test]
fn after_the_first_session_nothing_is_a_restart_and_all_is_forwarded() {
    let mut pair = Pair::with([graceful(), config(B)], 1);
    pair.nodes[A].peer.restarted(Restarted {
        until: pair.now + 1000 * SECOND,
        forwarding: FamilySet::EMPTY,
    });
    pair.establish();
    let now = pair.now;
    pair.nodes[A]
        .peer
        .reset(ResetReason::Administrative(String::new()), now);
    pair.run_for(SECOND / 10);
    pair.run_until(60 * SECOND, Pair::is_up);
    let negotiated = pair.nodes[B].peer.negotiated().expect("a session");
    let capability = negotiated
        .remote_capabilities
        .iter()
        .find(|c| c.code() == 64);
    assert_eq!(
        capability.map(ToString::to_string).as_deref(),
        Some("graceful-restart 120s notification ipv4/unicast (forwarding) ipv6/unicast")
    );
}

/// RFC 4724 §3 and §4.2: who preserves nothing says so, and helps all the same. Nothing of RFC 8538 was said.
#[test]
fn a_helper_says_that_it_preserves_nothing_and_keeps_the_routes_of_others() {
    let mut config = config(A);
    config.restart_helper = true;
    let mut keeps = crate::pair::config(B);
    keeps.graceful_restart = Some(graceful_restart());
    let mut pair = Pair::with([config.clone(), keeps], 1);
    pair.start();
    pair.run_for(20 * SECOND);
    let told = pair.nodes[B].peer.negotiated().expect("established");
    let mut capabilities = told.remote_capabilities.iter();
    let said = capabilities.find(|c| matches!(c, Capability::GracefulRestart(_)));
    assert_eq!(
        said.map(ToString::to_string).as_deref(),
        Some("graceful-restart 0s")
    );
    let kept = told.restart.as_ref().expect("said by both");
    assert!(kept.families.is_empty() && !kept.notification);

    let lone = Lone::established(config, &open_with_n());
    let restart = lone.peer.negotiated().unwrap().restart.clone().unwrap();
    assert_eq!(restart.families, FamilySet::from([V4, V6]));
    assert!(DownReason::ConnectionClosed.keeps_routes(&restart));
    assert!(!DownReason::HoldTimerExpired.keeps_routes(&restart));
}

#[test]
fn what_the_peer_says_counts_where_we_offer_it_too() {
    let lone = Lone::established(config(A), &open_with_n());
    let negotiated = lone.peer.negotiated().unwrap();
    assert_eq!(negotiated.restart, None);

    // A family that is not of the session is not of this either.
    let said = open(
        [0x80 | 0x01, 0x02],
        &[(V4, 0x80), (V6, 0), (Family::IPV4_VPN, 0x80)],
        &[],
    );
    let lone = Lone::established(graceful(), &said);
    let restart = lone.peer.negotiated().unwrap().restart.clone().unwrap();
    assert_eq!(restart.restart_time, 0x102 * SECOND);
    assert!(restart.restarting && !restart.notification);
    assert_eq!(restart.families, FamilySet::from([V4, V6]));
    assert_eq!(restart.forwarding, FamilySet::from([V4]));
    assert_eq!(restart.long_lived, None);

    // RFC 4724 §3: of several, the last.
    let again = [64, 6, 0x40, 7, 0, 2, 1, 0x80];
    let said = open([0, 100], &[(V4, 0x80)], &again);
    let lone = Lone::established(graceful(), &said);
    let restart = lone.peer.negotiated().unwrap().restart.clone().unwrap();
    assert_eq!(restart.restart_time, 7 * SECOND);
    assert_eq!(restart.families, FamilySet::from([V6]));
}

/// RFC 9494 §4.5: "If the LLGR Capability is received without an accompanying GR Capability, the LLGR Capability MUST be
/// ignored".
#[test]
fn the_long_lived_capability_counts_with_the_other_one_only() {
    let long_lived = [71, 7, 0, 1, 1, 0x80, 0, 0x0e, 0x10];
    let mut config = graceful();
    if let Some(restart) = &mut config.graceful_restart {
        restart.long_lived = Some(10);
    }
    let alone = RawOpen::with_capabilities(&[&FAMILIES[..], &long_lived].concat());
    let lone = Lone::established(config.clone(), &alone);
    assert_eq!(lone.peer.negotiated().unwrap().restart, None);

    let both = open([0, 100], &[(V4, 0x80)], &long_lived);
    let lone = Lone::established(config, &both);
    let restart = lone.peer.negotiated().unwrap().restart.clone().unwrap();
    let said = restart.long_lived(V4).unwrap();
    assert_eq!((said.stale_time, said.forwarding), (3600, true));
    assert_eq!(restart.long_lived(V6), None);

    let lone = Lone::established(graceful(), &both);
    let restart = lone.peer.negotiated().unwrap().restart.clone().unwrap();
    assert_eq!(restart.long_lived, None, "we do not offer it");
}

/// RFC 4724 §4.2: the end of the TCP session; RFC 8538 §4: with the N bit of both also NOTIFICATIONs in both directions and the
/// hold timer, but no Hard Reset.
#[test]
fn which_ends_keep_the_routes() {
    let hard = Notification::cease(codes::cease::PEER_DECONFIGURED).into_hard_reset();
    // Cut short, it is one all the same.
    let cut = Notification::cease(codes::cease::HARD_RESET);
    let cease = Notification::cease(codes::cease::ADMINISTRATIVE_RESET);
    // The reason; whether routes stay without the N bit, and with it.
    let cases = [
        (DownReason::ConnectionClosed, [true, true]),
        (DownReason::Superseded, [true, true]),
        (DownReason::HoldTimerExpired, [false, true]),
        (DownReason::SendHoldTimerExpired, [false, true]),
        (
            DownReason::NotificationReceived(cease.clone()),
            [false, true],
        ),
        (
            DownReason::NotificationReceived(hard.clone()),
            [false, false],
        ),
        (DownReason::NotificationReceived(cut), [false, false]),
        (DownReason::NotificationSent(cease), [false, true]),
        (DownReason::NotificationSent(hard), [false, false]),
        (DownReason::NotificationUnreadable, [false, false]),
        (
            DownReason::Reset(ResetReason::ConfigurationChange),
            [false, true],
        ),
        (
            DownReason::Stopped(StopReason::Deconfigured),
            [false, false],
        ),
        (DownReason::LinkDown, [false, false]),
        (DownReason::LocalAddressGone, [false, false]),
    ];
    for (reason, expected) in cases {
        for (open, keeps) in [open_without_n(), open_with_n()].iter().zip(expected) {
            let lone = Lone::established(graceful(), open);
            let restart = lone.peer.negotiated().unwrap().restart.clone().unwrap();
            assert_eq!(reason.keeps_routes(&restart), keeps, "{reason}");
        }
    }
}

/// RFC 4724: a NOTIFICATION would have the routes withdrawn that are to stay.
#[test]
fn a_restart_is_not_announced_to_who_keeps_our_routes() {
    let stop = |config, open: &RawOpen| {
        let mut lone = Lone::established(config, open);
        lone.peer
            .stop(StopReason::Restart("agent stopped".into()), lone.now);
        (lone.sent(), lone.closed(), lone.peer.state())
    };
    for open in [open_with_n(), open_without_n()] {
        assert_eq!(stop(graceful(), &open), (vec![], true, State::Idle));
    }
    // The text has its length before it (RFC 9003).
    let text = b"\x0dagent stopped".to_vec();
    let shutdown = vec![(3, Some((6, 2, text)))];
    for (config, open) in [(config(A), open_with_n()), (graceful(), RawOpen::default())] {
        assert_eq!(stop(config, &open), (shutdown.clone(), true, State::Idle));
    }
}

/// It may keep routes of the process before this one, which a NOTIFICATION would take away just the same.
#[test]
fn a_restart_is_not_announced_before_there_is_a_session_either() {
    for open in [vec![], open_without_n().bytes()] {
        for (config, silent) in [(graceful(), true), (config(A), false)] {
            let mut lone = Lone::new(config);
            lone.feed(&open);
            lone.sent();
            lone.peer.stop(StopReason::Restart(String::new()), lone.now);
            assert_eq!(lone.sent().is_empty(), silent);
            assert!(lone.closed());
        }
    }
}

/// RFC 8538 §3.1 and §5.1: the NOTIFICATION that it would have been goes inside of a Hard Reset.
#[test]
fn what_is_over_for_good_is_a_hard_reset() {
    type End = fn(&mut Lone);
    let cases: [(End, [u8; 2]); 3] = [
        (
            |lone| {
                let now = lone.now;
                lone.peer.stop(StopReason::Deconfigured, now);
            },
            [6, 3],
        ),
        (
            |lone| {
                let now = lone.now;
                lone.peer
                    .stop(StopReason::Fault(Notification::cease(8)), now);
            },
            [6, 8],
        ),
        (
            |lone| {
                let now = lone.now;
                lone.peer.fail(Notification::cease(8), now);
            },
            [6, 8],
        ),
    ];
    for (end, [code, subcode]) in cases {
        let mut lone = Lone::established(graceful(), &open_with_n());
        end(&mut lone);
        assert_eq!(lone.sent(), [(3, Some((6, 9, vec![code, subcode])))]);
        let mut lone = Lone::established(graceful(), &open_without_n());
        end(&mut lone);
        assert_eq!(lone.sent(), [(3, Some((code, subcode, vec![])))]);
    }
    // What comes back at once is none.
    let mut lone = Lone::established(graceful(), &open_with_n());
    let now = lone.now;
    lone.peer.reset(ResetReason::ConfigurationChange, now);
    assert_eq!(lone.sent(), [(3, Some((6, 6, vec![])))]);
}

/// RFC 4724 §4.2: "the previous TCP session MUST be closed, and the new one retained", and "no NOTIFICATION message should be
/// sent".
#[test]
fn a_peer_that_comes_again_supersedes_the_session_that_it_knows_nothing_of() {
    let mut lone = Lone::established(graceful(), &open_without_n());
    let old = lone.conn;
    while lone.peer.poll_event().is_some() {}
    assert!(lone.come_again());
    // Connection and OPEN may be of an attempt that the peer gives up itself.
    assert_eq!(lone.sent(), [(1, None)]);
    lone.feed(&open_without_n().bytes());
    assert_eq!(lone.sent(), [(4, None)]);
    assert_eq!(lone.peer.session(), Some(old));
    assert_eq!(lone.peer.poll_action(), None);

    lone.feed(&keepalive());
    assert_eq!(lone.peer.session(), Some(lone.conn));
    assert_eq!(lone.sent(), []);
    assert_eq!(lone.peer.poll_action(), Some(Action::Close(old)));
    // The end of the first session lies before the beginning of the second, for the sink too.
    assert_eq!(
        (lone.sink.sessions, &lone.sink.superseded[..]),
        (2, &[1][..])
    );
    let told: Vec<Event> = std::iter::from_fn(|| lone.peer.poll_event()).collect();
    assert!(
        matches!(
            &told[..],
            [
                Event::Down(DownReason::Superseded),
                Event::Established(_),
                ..
            ]
        ),
        "{told:?}"
    );

    // And again.
    let old = lone.conn;
    assert!(lone.come_again());
    lone.feed(&[open_without_n().bytes(), keepalive()].concat());
    assert_eq!(lone.peer.session(), Some(lone.conn));
    assert_ne!(lone.conn, old);

    // When that ends, everything is as after any other end.
    lone.peer.handle_closed(lone.conn, lone.now);
    assert_eq!(lone.peer.state(), State::Idle);
    lone.wait(200 * SECOND);
    lone.again();
    lone.feed(&[open_without_n().bytes(), keepalive()].concat());
    assert_eq!(lone.peer.state(), State::Established);
    assert_eq!(lone.peer.stats().impossible_events, 0);
}

#[test]
fn a_newcomer_that_cannot_have_a_session_changes_nothing() {
    let wrong_as = RawOpen {
        my_as: 65099,
        ..open_without_n()
    };
    for (bytes, answer) in [
        (wrong_as.bytes(), (2, 2)),
        (message(4, &[]), (5, 1)),
        (vec![0; 19], (1, 1)),
    ] {
        let mut lone = Lone::established(graceful(), &open_without_n());
        let session = lone.conn;
        assert!(lone.come_again());
        lone.sent();
        lone.feed(&bytes);
        let sent = lone.sent();
        let [(3, Some((code, subcode, _)))] = &sent[..] else {
            panic!("{sent:?}")
        };
        assert_eq!((*code, *subcode), answer);
        assert_eq!(lone.peer.session(), Some(session));
        // The next one is let in.
        assert!(lone.come_again());
    }
}

/// Without the capability RFC 4271 §6.8 holds: the session stays.
#[test]
fn without_graceful_restart_a_newcomer_is_refused() {
    for (config, open) in [
        (config(A), open_without_n()),
        (graceful(), RawOpen::default()),
    ] {
        let mut lone = Lone::established(config, &open);
        assert!(!lone.come_again());
    }
}

/// Both sides offer it, connect at the same time and have one session all the same.
#[test]
fn connecting_at_once_supersedes_nothing() {
    for seed in 0..50 {
        for delay in 0..30 {
            let mut configs = [config(A), config(B)];
            for config in &mut configs {
                config.graceful_restart = Some(graceful_restart());
            }
            let mut pair = Pair::with(configs, seed);
            pair.nodes[A].peer.start(pair.now);
            pair.run_for(Duration::from_millis(delay * 2));
            pair.nodes[B].peer.start(pair.now);
            pair.run_for(20 * SECOND);
            assert!(
                pair.is_up(),
                "seed {seed}, delay {delay}: {:?}",
                pair.states()
            );
            for node in [A, B] {
                assert_eq!(downs(&pair, node), [], "seed {seed}, delay {delay}");
            }
        }
    }
}

/// The whole of it: one side is gone without a word being heard, and comes again before the hold time is over.
#[test]
fn a_restart_that_nobody_noticed_is_one() {
    let mut configs = [config(A), config(B)];
    for config in &mut configs {
        config.graceful_restart = Some(graceful_restart());
    }
    let again = configs[B].clone();
    let mut pair = Pair::with(configs, 7);
    pair.establish();
    pair.cut = true;
    let now = pair.now;
    // B's process dies with its machine, and another one takes its place.
    pair.replace(B, again, 99);
    pair.nodes[B].peer.restarted(Restarted {
        until: now + 120 * SECOND,
        forwarding: FamilySet::from([V4]),
    });
    pair.run_for(SECOND);
    assert_eq!(pair.states()[A], State::Established);
    pair.cut = false;
    pair.nodes[B].peer.start(pair.now);
    pair.run_until(60 * SECOND, |pair| {
        pair.states() == [State::Established; 2] && !downs(pair, A).is_empty()
    });
    assert_eq!(downs(&pair, A), [DownReason::Superseded]);
    let negotiated = pair.nodes[A].peer.negotiated().expect("a session");
    let restart = negotiated.restart.as_ref().expect("graceful restart");
    assert!(restart.restarting && restart.forwarding.contains(V4));
    // It took no hold time.
    assert!(pair.elapsed() < 10 * SECOND, "{:?}", pair.elapsed());
}
