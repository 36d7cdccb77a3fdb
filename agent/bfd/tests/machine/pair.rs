//! Two nodes that run this: they find each other, stay together while the network lets them, and part in time when it does not.

use std::time::Duration;

use bfd::{Config, Micros, State, Why};

use crate::by_hand::{CONFIG, ms};
use crate::network::{Network, Weather};

/// Simulated histories in a test run; `BFD_RUNS` in the environment sets another number.
const RUNS: u64 = 10_000;

fn runs() -> u64 {
    let runs = std::env::var("BFD_RUNS").ok();
    runs.and_then(|runs| runs.parse().ok()).unwrap_or(RUNS)
}

fn config(network: &mut Network) -> Config {
    let intervals = [10, 20, 50, 100, 300, 1000];
    let mut draw = || Micros(intervals[network.draw(6) as usize] * 1000);
    Config {
        desired_min_tx: draw(),
        required_min_rx: draw(),
        detect_mult: 1 + network.draw(5) as u8,
        passive: false,
    }
}

/// Long enough for two polls, and for the slow packets of a session that is not up, some of them lost.
const SETTLES: Duration = Duration::from_secs(30);

fn settle(network: &mut Network) {
    let up = network.run_until(network.now + SETTLES, Network::are_up);
    assert!(up, "stuck: {:?} and {:?}", network.view(0), network.view(1));
}

#[test]
fn two_sessions_come_up_in_two_slow_intervals() {
    for seed in 0..200 {
        let mut network = Network::new(seed, [CONFIG; 2]);
        network.weather.delay = ms(1);
        let up = network.run_until(network.now + ms(2100), Network::are_up);
        assert!(up, "seed {seed}: {:?}", network.view(0));
        network.run(ms(2000));
        for node in [0, 1] {
            assert_eq!(network.view(node).tx_interval, Some(ms(50)));
            assert_eq!(network.view(node).detection_time, Some(ms(150)));
        }
    }
}

#[test]
fn a_cut_is_seen_after_the_detection_time_and_not_before() {
    for seed in 0..200 {
        let mut network = Network::new(seed, [CONFIG; 2]);
        settle(&mut network);
        network.run(ms(3000));
        let way = (seed % 2) as usize;
        network.weather.cut[way] = true;
        let deaf = 1 - way;
        network.run_until(network.now + ms(1000), |network| {
            network.view(deaf).state != State::Up
        });
        let (at, change) = *network.nodes[deaf].changes.last().unwrap();
        assert_eq!(change.why, Why::DetectionTimeExpired);
        assert_eq!(at - network.nodes[deaf].heard, ms(150), "seed {seed}");
        // The other one hears of it.
        network.run(ms(5));
        assert!(network.nodes[way].changes.last().unwrap().1.is_failure());
    }
}

/// One history: changes of the weather, of parameters, crashes and administrative wishes; then the sun shines, and both have to
/// come up and stay so.
fn history(seed: u64) {
    let mut network = Network::new(seed, [CONFIG; 2]);
    let mut configs = [0, 1].map(|_| config(&mut network));
    for node in [0, 1] {
        network.restart(node, configs[node]);
    }
    for _ in 0..network.draw(12) {
        let node = network.draw(2) as usize;
        match network.draw(8) {
            0 | 1 => {
                network.weather = Weather {
                    delay: Duration::from_micros(network.draw(20_000)),
                    jitter: Duration::from_micros(network.draw(20_000)),
                    lost: network.draw(400),
                    repeated: network.draw(300),
                    cut: [network.draw(4) == 0, network.draw(4) == 0],
                };
            }
            2 | 3 => {
                configs[node] = config(&mut network);
                let at = &mut network.nodes[node];
                at.sessions.reconfigure(at.id, configs[node], network.now);
            }
            4 => network.restart(node, configs[node]),
            5 => {
                let at = &mut network.nodes[node];
                at.sessions.disable(at.id, network.now);
            }
            6 => {
                let at = &mut network.nodes[node];
                at.sessions.close(at.id, network.now);
            }
            _ => {}
        }
        let time = Duration::from_micros(network.draw(3_000_000));
        let end = network.now + time;
        network.run_until(end, |_| false);
        network.now = end;
        let gone = network.nodes[node]
            .sessions
            .view(network.nodes[node].id)
            .is_none();
        if gone {
            network.restart(node, configs[node]);
        }
        let enables = network.draw(2) == 0;
        let at = &mut network.nodes[node];
        if enables {
            at.sessions.enable(at.id, network.now);
        } else {
            at.sessions.reconfigure(at.id, configs[node], network.now);
        }
    }
    // The sun shines.
    network.weather = Weather {
        delay: Duration::from_micros(network.draw(2000)),
        ..Weather::default()
    };
    for node in [0, 1] {
        let at = &mut network.nodes[node];
        if at.sessions.view(at.id).is_none() {
            network.restart(node, configs[node]);
        } else {
            at.sessions.enable(at.id, network.now);
        }
    }
    settle(&mut network);
    // What was still under way is over, and from then on nothing changes any more.
    network.run(SETTLES);
    settle(&mut network);
    let before = [0, 1].map(|node| network.nodes[node].changes.len());
    network.run(SETTLES);
    let after = [0, 1].map(|node| network.nodes[node].changes.len());
    assert_eq!(
        before, after,
        "nothing is lost, and yet: {:?}",
        network.nodes[0].changes
    );
    for node in [0, 1] {
        let (ours, theirs) = (configs[node], configs[1 - node]);
        let view = network.view(node);
        let tx = ours.desired_min_tx.max(theirs.required_min_rx).duration();
        assert_eq!(view.tx_interval, Some(tx), "what both agree on");
        let rx = theirs.desired_min_tx.max(ours.required_min_rx).duration();
        let time = rx * u32::from(theirs.detect_mult);
        assert_eq!(view.detection_time, Some(time));
    }
}

#[test]
fn whatever_happened_before_two_nodes_that_hear_each_other_are_up() {
    let first: u64 = std::env::var("BFD_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0);
    for seed in first..first + runs() {
        let run = std::panic::catch_unwind(|| history(seed));
        assert!(
            run.is_ok(),
            "the seed is {seed}: BFD_RUNS=1 BFD_SEED={seed}"
        );
    }
}
