//! What the operator wants: other parameters (RFC 5880 §6.8.3, §6.8.12), a session down and up again (§6.8.16), or gone.

use bfd::{Config, Diagnostic, Discard, Micros, State};

use crate::by_hand::{ByHand, CONFIG, PATH, ms};

fn with(tx: u32, rx: u32) -> Config {
    Config {
        desired_min_tx: Micros(tx * 1000),
        required_min_rx: Micros(rx * 1000),
        ..CONFIG
    }
}

#[test]
fn other_intervals_are_told_at_once_and_polled_for() {
    let mut by_hand = ByHand::up(with(100, 100));
    by_hand
        .sessions
        .reconfigure(by_hand.id, with(200, 50), by_hand.now);
    by_hand.run(ms(0));
    let told = by_hand.sent();
    assert_eq!(told.len(), 1);
    assert!(told[0].poll);
    let intervals = (told[0].desired_min_tx, told[0].required_min_rx);
    assert_eq!(intervals, (Micros(200_000), Micros(50_000)));
    let view = by_hand.view();
    assert_eq!(view.tx_interval, Some(ms(100)), "not before the answer");
    assert_eq!(view.detection_time, Some(ms(300)), "not before the answer");
    by_hand.hear(|packet| packet.final_answer = true);
    let view = by_hand.view();
    assert_eq!(view.tx_interval, Some(ms(200)));
    assert_eq!(view.detection_time, Some(ms(150)));
}

#[test]
fn changes_never_cost_the_session() {
    let mut by_hand = ByHand::up(CONFIG);
    for (tx, rx) in [(500, 50), (50, 500), (10, 10), (1000, 1000), (50, 50)] {
        by_hand
            .sessions
            .reconfigure(by_hand.id, with(tx, rx), by_hand.now);
        by_hand.keep_alive(ms(500));
        by_hand.hear(|packet| packet.final_answer = true);
        by_hand.keep_alive(ms(500));
    }
    assert!(by_hand.changes.is_empty());
    assert_eq!(by_hand.view().tx_interval, Some(ms(50)));
}

#[test]
fn another_multiplier_is_told_without_a_poll() {
    let mut by_hand = ByHand::up(CONFIG);
    let config = Config {
        detect_mult: 5,
        ..CONFIG
    };
    by_hand
        .sessions
        .reconfigure(by_hand.id, config, by_hand.now);
    by_hand.run(ms(0));
    let told = by_hand.sent();
    assert_eq!((told[0].detect_mult, told[0].poll), (5, false));
}

#[test]
fn a_session_that_is_disabled_says_so_and_takes_nothing_in() {
    let mut by_hand = ByHand::up(CONFIG);
    by_hand.sessions.disable(by_hand.id, by_hand.now);
    by_hand.run(ms(0));
    let told = by_hand.sent();
    assert_eq!(
        (told[0].state, told[0].diagnostic),
        (State::AdminDown, Diagnostic::ADMIN_DOWN)
    );
    assert!(!by_hand.changes[0].is_failure());
    assert_eq!(by_hand.try_hear(|_| ()), Err(Discard::AdminDown));
    by_hand.run(ms(10_000));
    assert_eq!(by_hand.changes.len(), 1);
    let told = by_hand.sent();
    assert!(told.len() >= 9, "§6.8.16: it MAY go on to say so, and does");
    by_hand.sessions.enable(by_hand.id, by_hand.now);
    by_hand.hear(|packet| {
        packet.state = State::Down;
        packet.your_discriminator = 0;
    });
    assert_eq!(by_hand.state(), State::Init);
}

#[test]
fn a_session_that_is_closed_says_goodbye_for_a_detection_time() {
    let mut by_hand = ByHand::up(CONFIG);
    by_hand.sessions.close(by_hand.id, by_hand.now);
    by_hand.run(ms(149));
    assert!(by_hand.sessions.view(by_hand.id).is_some());
    assert!(
        by_hand
            .sent()
            .iter()
            .all(|packet| packet.state == State::AdminDown)
    );
    by_hand.run(ms(1));
    assert!(by_hand.sessions.view(by_hand.id).is_none());
    assert_eq!(by_hand.try_hear(|_| ()), Err(Discard::YourDiscriminator));
    let first = by_hand.try_hear(|packet| {
        packet.your_discriminator = 0;
        packet.state = State::Down;
    });
    assert_eq!(first, Err(Discard::NoSession));
    by_hand.run(ms(10_000));
    assert_eq!(by_hand.sessions.poll_timeout(), None, "nothing is left");
}

#[test]
fn a_session_with_nobody_is_closed_at_once() {
    let mut by_hand = ByHand::new(CONFIG);
    by_hand.sessions.close(by_hand.id, by_hand.now);
    assert!(by_hand.sessions.view(by_hand.id).is_none());
}

#[test]
fn a_session_that_comes_back_while_it_says_goodbye_is_the_same() {
    let mut by_hand = ByHand::up(CONFIG);
    by_hand.sessions.close(by_hand.id, by_hand.now);
    let again = by_hand.sessions.open(PATH, with(20, 20), by_hand.now);
    assert_eq!(again, Ok(by_hand.id));
    by_hand.run(ms(10_000));
    assert_eq!(by_hand.state(), State::Down);
    by_hand.hear(|packet| packet.state = State::Init);
    assert_eq!(
        by_hand.view().tx_interval,
        Some(ms(50)),
        "the neighbour can receive no faster"
    );
    assert_eq!(by_hand.state(), State::Up);
}

#[test]
fn a_change_that_had_to_wait_for_a_poll_is_told_when_it_is_over() {
    let mut by_hand = ByHand::up(CONFIG);
    for tx in [100, 200] {
        by_hand
            .sessions
            .reconfigure(by_hand.id, with(tx, 50), by_hand.now);
    }
    by_hand.run(ms(0));
    assert_eq!(by_hand.sent().len(), 1);
    by_hand.hear(|packet| packet.final_answer = true);
    by_hand.hear(|_| ());
    let told = by_hand.sent();
    assert_eq!(
        (told[0].desired_min_tx, told[0].poll),
        (Micros(200_000), true)
    );
}
