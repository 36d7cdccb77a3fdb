//! Histories of two nodes in a network that loses, delays and is cut: whatever happened before, two that hear each other have a
//! session, and one that works.

use std::time::Duration;

use bgp_session::{PeerConfig, ResetReason, StopReason};
use bgp_wire::Notification;

use crate::pair::{A, B, Pair, SECOND, Weather, config, hold};
use crate::restart::graceful_restart;

/// Histories in a test run; `SESSION_RUNS` in the environment sets another number.
const RUNS: u64 = 10_000;

/// Settings of a node that can be any, as long as the two can have a session.
fn any_config(pair: &mut Pair, node: usize, passive: bool) -> PeerConfig {
    let mut config = config(node);
    // Not zero: who neither speaks nor listens for long cannot know that the other is gone.
    config.hold_time = hold([3, 9, 30, 90, 180, 240][pair.draw(6) as usize]);
    config.keepalive = (pair.draw(3) == 0).then(|| (1 + pair.draw(30) as u32) * SECOND);
    config.connect_retry = (1 + pair.draw(30) as u32) * SECOND;
    config.graceful_restart = (pair.draw(2) == 0).then(graceful_restart);
    config.passive = passive;
    config
}

fn any_weather(pair: &mut Pair) -> Weather {
    Weather {
        jitter: Duration::from_micros(pair.draw(500_000)),
        lost: pair.draw(300),
        cut: [pair.draw(4) == 0, pair.draw(4) == 0],
    }
}

/// One history. None of what happens is answered by the test: at the end the sun shines, both want a session, and that is all.
fn history(seed: u64) {
    let mut pair = Pair::with([config(A), config(B)], seed >> 8);
    for _ in 0..seed % 256 {
        pair.draw(2);
    }
    pair.latency = Duration::from_micros(pair.draw(300_000));
    // Two that only listen never meet.
    let passive = [Some(A), Some(B), None, None][pair.draw(4) as usize];
    for node in [A, B] {
        let config = any_config(&mut pair, node, passive == Some(node));
        let seed = pair.draw(u64::MAX);
        pair.replace(node, config, seed);
    }
    for _ in 0..pair.draw(15) {
        let node = pair.draw(2) as usize;
        let now = pair.now;
        let what = pair.draw(14);
        let peer = &mut pair.nodes[node].peer;
        match what {
            0..=2 => {
                let weather = any_weather(&mut pair);
                pair.set_weather(weather);
            }
            3 => pair.set_weather(Weather::default()),
            4 => peer.start(now),
            5 => peer.stop(StopReason::Shutdown("for a while".to_owned()), now),
            6 => peer.reset(ResetReason::ConfigurationChange, now),
            7 => peer.fail(Notification::fsm(0), now),
            8 => {
                let config = any_config(&mut pair, node, passive == Some(node));
                pair.nodes[node].peer.reconfigure(config, now);
            }
            9 | 10 => {
                let config = any_config(&mut pair, node, passive == Some(node));
                let (seed, told) = (pair.draw(u64::MAX), pair.draw(2) == 0);
                pair.crash(node, config, seed, told);
                pair.nodes[node].peer.start(now);
            }
            11 => pair.nodes[node].listening ^= true,
            12 => pair.nodes[node].stuck ^= true,
            _ => peer.handle_link_down(now),
        }
        let time = match pair.draw(3) {
            0 => pair.draw(1_000_000),
            1 => pair.draw(20_000_000),
            _ => pair.draw(300_000_000),
        };
        pair.run_for(Duration::from_micros(time));
    }
    pair.set_weather(Weather::default());
    for node in &mut pair.nodes {
        (node.listening, node.stuck) = (true, false);
        node.peer.start(pair.now);
    }
    settles(&mut pair);
    // A new connection without a word of the old one's end, when both are quiet, is the hardest to tell from a stranger's.
    let config = any_config(&mut pair, B, passive == Some(B));
    pair.crash(B, config, seed, false);
    pair.nodes[B].peer.start(pair.now);
    settles(&mut pair);
}

/// Both come up and stay so, and what one says the other hears.
fn settles(pair: &mut Pair) {
    // What a dead connection may cost: the wait for an OPEN or the hold time, each of which the other side has to begin with, and
    // the longest rest.
    pair.run_until(900 * SECOND, Pair::is_up);
    assert!(pair.is_up(), "{:?}", pair.states());
    // One side may be up on a connection that the other has given up: then they end within a hold time, and are up again.
    pair.run_for(900 * SECOND);
    assert!(pair.is_up(), "{:?}", pair.states());
    let sessions = |pair: &Pair| [A, B].map(|node| pair.nodes[node].peer.stats().established);
    let before = sessions(pair);
    for node in [A, B] {
        pair.send_updates(node, 3);
    }
    let heard = [A, B].map(|node| pair.nodes[node].sink.updates);
    pair.run_for(600 * SECOND);
    assert!(pair.is_up() && sessions(pair) == before, "it does not last");
    for node in [A, B] {
        assert_eq!(pair.nodes[node].sink.updates, heard[node] + 3);
        assert_eq!(pair.nodes[node].peer.stats().impossible_events, 0);
    }
}

#[test]
fn whatever_happened_before_two_nodes_that_hear_each_other_have_a_session() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let first = number("SESSION_SEED").unwrap_or(0);
    for seed in first..first + number("SESSION_RUNS").unwrap_or(RUNS) {
        let run = std::panic::catch_unwind(|| history(seed));
        assert!(
            run.is_ok(),
            "the seed is {seed}: SESSION_RUNS=1 SESSION_SEED={seed}"
        );
    }
}
