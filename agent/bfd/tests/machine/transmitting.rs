//! RFC 5880 §6.8.7, §6.5 and §6.6: when packets are sent, and which.

use bfd::{Config, Micros, State};

use crate::by_hand::{ARRIVAL, ByHand, CONFIG, PATH, THEIRS, epoch, ms};

#[test]
fn who_is_not_up_sends_once_a_second() {
    let mut by_hand = ByHand::new(CONFIG);
    by_hand.run(ms(60_000));
    let gaps = by_hand.gaps();
    assert!(gaps.len() >= 59, "{}", gaps.len());
    assert!(gaps.iter().all(|gap| (ms(750)..=ms(1000)).contains(gap)));
    let all = by_hand.sent();
    assert!(
        all.iter()
            .all(|packet| packet.desired_min_tx == Micros(1_000_000))
    );
}

#[test]
fn who_is_up_sends_as_was_agreed_with_jitter() {
    for (detect_mult, longest) in [(3, 50), (1, 45)] {
        let mut by_hand = ByHand::up(Config {
            detect_mult,
            ..CONFIG
        });
        by_hand.keep_alive(ms(20_000));
        let gaps = by_hand.gaps();
        let bounds = ms(50).mul_f64(0.75)..=ms(longest);
        assert!(gaps.iter().all(|gap| bounds.contains(gap)), "{gaps:?}");
        let spread = gaps
            .iter()
            .max()
            .unwrap()
            .abs_diff(*gaps.iter().min().unwrap());
        assert!(spread > ms(5), "it is random: {spread:?}");
    }
}

#[test]
fn a_packet_says_what_the_session_is() {
    let mut by_hand = ByHand::up(CONFIG);
    by_hand.run(ms(50));
    let packet = by_hand.sent()[0];
    let ours = by_hand.view().discriminator;
    assert_eq!(
        (packet.my_discriminator, packet.your_discriminator),
        (ours, THEIRS)
    );
    assert_eq!(packet.state, State::Up);
    assert_eq!(packet.detect_mult, 3);
    let told = (packet.desired_min_tx, packet.required_min_rx);
    assert_eq!(told, (Micros(50_000), Micros(50_000)));
    assert!(!packet.control_plane_independent && !packet.demand && !packet.poll);
    // Required Min Echo RX Interval.
    assert_eq!(packet.encode()[20..], [0; 4]);
}

#[test]
fn coming_up_is_a_change_of_the_interval_and_polled_for() {
    let mut by_hand = ByHand::new(CONFIG);
    by_hand.hear(|packet| packet.state = State::Init);
    by_hand.packet.state = State::Up;
    by_hand.sent.remove(0);
    by_hand.keep_alive(ms(1000));
    let polls = by_hand.sent();
    assert!(polls.len() >= 20);
    assert!(
        polls.iter().all(|packet| packet.poll),
        "until it is answered"
    );
    by_hand.hear(|packet| packet.final_answer = true);
    by_hand.run(ms(100));
    assert!(by_hand.sent().iter().all(|packet| !packet.poll));
}

#[test]
fn a_poll_is_answered_at_once_in_every_state() {
    let mut by_hand = ByHand::new(CONFIG);
    for state in [State::Down, State::Init, State::Up] {
        by_hand.run(ms(20));
        by_hand.sent();
        by_hand.hear(|packet| {
            packet.state = state;
            packet.poll = true;
        });
        let sent = by_hand.sent();
        assert_eq!(sent.len(), 1, "the answer tells the news, too: {sent:?}");
        assert!(sent[0].final_answer && !sent[0].poll);
        assert_eq!(sent[0].state, by_hand.state());
    }
}

#[test]
fn a_storm_of_polls_is_answered_a_hundred_times_a_second() {
    let mut by_hand = ByHand::up(CONFIG);
    for _ in 0..10_000 {
        by_hand.hear(|packet| packet.poll = true);
        by_hand.run(ms(1) / 10);
    }
    let answers = by_hand
        .sent()
        .into_iter()
        .filter(|packet| packet.final_answer);
    assert_eq!(answers.count(), 100);
}

#[test]
fn answers_do_not_shift_the_periodic_packets() {
    let mut by_hand = ByHand::up(CONFIG);
    for _ in 0..200 {
        by_hand.hear(|packet| packet.poll = true);
        by_hand.run(ms(17));
    }
    let gaps = by_hand.gaps();
    let bounds = ms(50).mul_f64(0.75)..=ms(50);
    assert!(gaps.iter().all(|gap| bounds.contains(gap)), "{gaps:?}");
}

#[test]
fn who_wants_to_hear_nothing_periodically_hears_changes_and_answers() {
    let mut by_hand = ByHand::up(CONFIG);
    by_hand.packet.required_min_rx = Micros(0);
    by_hand.keep_alive(ms(1000));
    assert!(by_hand.sent().is_empty());
    by_hand.hear(|packet| packet.poll = true);
    assert!(by_hand.sent()[0].final_answer);
    by_hand.hear(|packet| packet.state = State::Down);
    assert_eq!(by_hand.sent()[0].state, State::Down);
    by_hand.packet.required_min_rx = Micros(50_000);
    by_hand.hear(|packet| packet.state = State::Init);
    by_hand.run(ms(50));
    assert!(by_hand.sent().len() >= 2, "and again when it wants to");
}

/// §6.6, §6.8.6: "Demand mode is active on the remote system and the local system MUST cease the periodic transmission".
#[test]
fn demand_mode_of_the_neighbour_is_honoured() {
    let mut by_hand = ByHand::up(CONFIG);
    by_hand.packet.demand = true;
    by_hand.keep_alive(ms(1000));
    assert!(by_hand.sent().is_empty());
    assert_eq!(by_hand.state(), State::Up);
    // A change is polled for until it is confirmed, then there is silence again.
    let config = Config {
        desired_min_tx: Micros(100_000),
        ..CONFIG
    };
    by_hand
        .sessions
        .reconfigure(by_hand.id, config, by_hand.now);
    by_hand.keep_alive(ms(500));
    let polls = by_hand.sent();
    assert!(polls.len() >= 5 && polls.iter().all(|packet| packet.poll));
    by_hand.hear(|packet| packet.final_answer = true);
    by_hand.keep_alive(ms(500));
    assert!(by_hand.sent().is_empty());
    by_hand.packet.demand = false;
    by_hand.keep_alive(ms(1000));
    assert!(by_hand.sent().len() >= 9);
}

#[test]
fn a_passive_session_waits_to_be_spoken_to() {
    let mut by_hand = ByHand::new(Config {
        passive: true,
        ..CONFIG
    });
    by_hand.run(ms(10_000));
    assert!(by_hand.sent().is_empty());
    by_hand.hear(|packet| packet.your_discriminator = 0);
    assert_eq!(by_hand.sent()[0].state, State::Init);
    by_hand.run(ms(10_000));
    let last = by_hand.sent().pop();
    assert!(
        last.is_none(),
        "forgotten after the detection time: {last:?}"
    );
}

/// §6.8.3: "the local system MUST honor the new interval immediately. In other words, the local system cannot wait longer than the
/// new interval between the previous packet transmission and the next one."
#[test]
fn a_shorter_interval_of_the_neighbour_is_honoured_from_the_last_packet_on() {
    let mut by_hand = ByHand::up(CONFIG);
    by_hand.packet.required_min_rx = Micros(10_000_000);
    by_hand.keep_alive(ms(2000));
    by_hand.sent();
    by_hand.packet.required_min_rx = Micros(50_000);
    by_hand.hear(|_| ());
    by_hand.run(ms(0));
    assert_eq!(
        by_hand.sent().len(),
        1,
        "the last one was sent longer ago than that"
    );
}

/// A hundred sessions, all of them Up: what is due within two milliseconds leaves together, and no packet leaves before three quarters of
/// its interval.
#[test]
fn packets_of_many_sessions_leave_together() {
    let config = Config {
        desired_min_tx: Micros(10_000),
        ..CONFIG
    };
    let packet = ByHand::new(config).packet;
    let mut sessions = bfd::Sessions::new(5);
    let start = epoch();
    for n in 0..100 {
        let path = bfd::Path {
            remote: std::net::IpAddr::from([198, 51, 100, n]),
            ..PATH
        };
        let id = sessions.open(path, config, start).unwrap();
        let packet = bfd::ControlPacket {
            state: State::Init,
            your_discriminator: sessions.view(id).unwrap().discriminator,
            required_min_rx: Micros(10_000),
            desired_min_tx: Micros(60_000_000),
            ..packet
        };
        let verdict = sessions.handle_packet(&packet.encode(), &ARRIVAL, start);
        assert_eq!(verdict, Ok(id));
    }
    let (mut wakes, mut packets) = (0, 0);
    let mut last = std::collections::HashMap::new();
    while let Some(at) = sessions.poll_timeout().filter(|at| *at <= start + ms(1000)) {
        sessions.handle_timeout(at);
        wakes += 1;
        while let Some(transmit) = sessions.poll_transmit() {
            packets += 1;
            if let Some(before) = last.insert(transmit.session, at) {
                let gap = at - before;
                let bounds = ms(10).mul_f64(0.75)..=ms(10);
                assert!(bounds.contains(&gap), "{gap:?}");
            }
        }
    }
    assert!(packets > 10_000, "{packets}");
    assert!(wakes < packets / 5, "{wakes} for {packets}");
}
