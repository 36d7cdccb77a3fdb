//! What a change of configuration does to a session.

use bgp_session::{Effect, GracefulRestart, IdleReason, PeerConfig, State, effect_of};
use bgp_wire::{FamilySet, Notification};

use crate::pair::{A, B, Pair, SECOND, config, hold, ups};
use crate::restart::graceful_restart;

#[test]
fn reconfiguring_does_what_its_effect_says() {
    type Change = fn(&mut PeerConfig);
    let cases: [(&str, Change, Effect); 21] = [
        ("nothing", |_| {}, Effect::None),
        ("order of families", |c| c.families.reverse(), Effect::None),
        (
            "keepalive",
            |c| c.keepalive = Some(5 * SECOND),
            Effect::InPlace,
        ),
        (
            "connect retry",
            |c| c.connect_retry = 5 * SECOND,
            Effect::InPlace,
        ),
        (
            "send hold",
            |c| c.send_hold = Some(99 * SECOND),
            Effect::InPlace,
        ),
        (
            "idle hold",
            |c| c.idle_hold.max = 9 * SECOND,
            Effect::InPlace,
        ),
        ("passive", |c| c.passive = true, Effect::InPlace),
        (
            "hostname",
            |c| c.hostname = Some("node-1".into()),
            Effect::InPlace,
        ),
        (
            "version",
            |c| c.software_version = Some("cosmos".into()),
            Effect::InPlace,
        ),
        ("import", |c| c.import_revision = 1, Effect::RefreshIn),
        (
            "first AS",
            |c| c.enforce_first_as = false,
            Effect::RefreshIn,
        ),
        (
            "disabling families",
            |c| c.disable_families = false,
            Effect::InPlace,
        ),
        ("export", |c| c.export_revision = 1, Effect::RefreshOut),
        ("router id", |c| c.router_id.0 += 77, Effect::Reset),
        ("fewer families", |c| c.families.truncate(1), Effect::Reset),
        (
            "add-path",
            |c| c.families[0].add_path_send = true,
            Effect::Reset,
        ),
        ("hold time", |c| c.hold_time = hold(30), Effect::Reset),
        (
            "extended next hop",
            |c| c.extended_next_hop = false,
            Effect::Reset,
        ),
        (
            "extended message",
            |c| c.extended_message = false,
            Effect::Reset,
        ),
        (
            "graceful restart",
            |c| c.graceful_restart = Some(graceful_restart()),
            Effect::Reset,
        ),
        (
            "both policies",
            |c| {
                c.import_revision = 1;
                c.export_revision = 1;
            },
            Effect::RefreshBoth,
        ),
    ];
    for (what, change, expected) in cases {
        let mut pair = Pair::established();
        let mut config = config(A);
        change(&mut config);
        let now = pair.now;
        assert_eq!(
            pair.nodes[A].peer.reconfigure(config.clone(), now),
            expected,
            "{what}"
        );
        assert_eq!(effect_of(&config, &config), Effect::None);
        pair.run_for(30 * SECOND);
        assert!(pair.is_up(), "{what}");
        let sessions = if expected == Effect::Reset { 2 } else { 1 };
        assert_eq!([ups(&pair, A), ups(&pair, B)], [sessions; 2], "{what}");
        assert_eq!(pair.nodes[A].peer.config(), &config);
        if what == "keepalive" {
            pair.run_for(10 * SECOND);
            let from = pair.elapsed();
            pair.run_for(100 * SECOND);
            assert!(pair.longest_gap(A, from) <= 5 * SECOND);
        }
        if what == "first AS" {
            assert!(
                !pair.nodes[A]
                    .peer
                    .negotiated()
                    .unwrap()
                    .ctx
                    .enforce_first_as
            );
        }
    }
}

/// Only what the peer is told costs the session.
#[test]
fn a_change_of_graceful_restart_that_the_peer_is_not_told_costs_nothing() {
    type Change = fn(&mut GracefulRestart);
    let with = |change: Change| {
        let mut restart = graceful_restart();
        change(&mut restart);
        let mut config = config(A);
        config.graceful_restart = Some(restart);
        config
    };
    let old = with(|_| {});
    let cases: [(Change, Effect); 5] = [
        (|_| {}, Effect::None),
        (|r| r.restart_time += 1, Effect::Reset),
        (|r| r.long_lived = Some(1), Effect::Reset),
        (|r| r.stale_time += SECOND, Effect::InPlace),
        (|r| r.forwarding = FamilySet::EMPTY, Effect::InPlace),
    ];
    for (change, effect) in cases {
        assert_eq!(effect_of(&old, &with(change)), effect);
    }
}

#[test]
fn administratively_down_by_configuration_and_up_again() {
    let mut pair = Pair::established();
    let mut down = config(A);
    down.admin_down = Some("maintenance".into());
    let now = pair.now;
    assert_eq!(pair.nodes[A].peer.reconfigure(down, now), Effect::Reset);
    pair.run_for(100 * SECOND);
    assert_eq!(
        pair.nodes[A].peer.idle_reason(),
        Some(IdleReason::AdminDown)
    );
    let received = pair.nodes[B]
        .peer
        .last_errors()
        .received
        .clone()
        .unwrap()
        .what;
    assert_eq!(received.communication().as_deref(), Some("maintenance"));
    let now = pair.now;
    assert_eq!(
        pair.nodes[A].peer.reconfigure(config(A), now),
        Effect::Reset
    );
    pair.run_for(200 * SECOND);
    assert!(pair.is_up());
}

#[test]
fn a_peer_configured_down_does_not_start() {
    let mut down = config(A);
    down.admin_down = Some("until noon".to_owned());
    let mut pair = Pair::with([down, config(B)], 1);
    pair.start();
    pair.run_for(100 * SECOND);
    assert_eq!(
        pair.nodes[A].peer.idle_reason(),
        Some(IdleReason::AdminDown)
    );
    assert_eq!(pair.nodes[A].dials, []);
    assert!(pair.nodes[A].peer.stats().refused > 0);
    // Who comes is told why, however late.
    let words = Notification::cease_shutdown("until noon");
    assert_eq!(pair.nodes[A].peer.refusal(), words);
}

#[test]
fn turning_passive_stops_connecting_and_turning_active_begins_again() {
    let mut pair = Pair::new();
    pair.nodes[B].listening = false;
    pair.nodes[A].peer.start(pair.now);
    pair.run_for(10 * SECOND);
    let mut passive = config(A);
    passive.passive = true;
    let now = pair.now;
    pair.nodes[A].peer.reconfigure(passive, now);
    let dials = pair.nodes[A].dials.len();
    pair.run_for(1000 * SECOND);
    assert_eq!(
        (pair.nodes[A].dials.len(), pair.nodes[A].peer.state()),
        (dials, State::Active)
    );
    let now = pair.now;
    pair.nodes[A].peer.reconfigure(config(A), now);
    pair.run_for(SECOND / 2);
    assert_eq!(pair.nodes[A].dials.len(), dials + 1);
}

#[test]
fn turning_active_together_with_a_reset_connects_too() {
    let mut passive = config(A);
    passive.passive = true;
    let mut pair = Pair::with([passive, config(B)], 1);
    pair.nodes[A].peer.start(pair.now);
    let mut active = config(A);
    active.families.truncate(1);
    let now = pair.now;
    assert_eq!(pair.nodes[A].peer.reconfigure(active, now), Effect::Reset);
    pair.run_for(SECOND / 2);
    assert_eq!(pair.nodes[A].dials.len(), 1);
}
