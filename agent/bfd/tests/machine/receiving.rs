//! RFC 5880 §6.8.6, from where a session is to be found, and §6.8.4.

use bfd::{Arrival, Change, Diagnostic, Discard, Hops, Micros, Path, Sessions, State, Why};

use crate::by_hand::{ARRIVAL, ByHand, CONFIG, LOCAL, PATH, REMOTE, THEIRS, epoch, ms};

#[test]
fn each_discard_is_counted_by_its_reason() {
    let mut by_hand = ByHand::new(CONFIG);
    let multi = Arrival {
        hops: Hops::Multi,
        ..ARRIVAL
    };
    let far = Arrival {
        ttl: 254,
        ..ARRIVAL
    };
    let stranger = Arrival {
        remote: LOCAL,
        ..ARRIVAL
    };
    let known = by_hand.packet;
    let unknown = bfd::ControlPacket {
        your_discriminator: known.your_discriminator ^ 1,
        ..known
    };
    let first = bfd::ControlPacket {
        your_discriminator: 0,
        ..known
    };
    let late = |state| bfd::ControlPacket { state, ..first };
    let mut authenticated = known.encode().to_vec();
    authenticated[1] |= 0x04;
    authenticated[3] = 24 + 28;
    authenticated.extend([4, 28]);
    authenticated.resize(24 + 28, 0);
    for (payload, arrival, discard) in [
        (known.encode().to_vec(), far, Discard::Ttl),
        (
            unknown.encode().to_vec(),
            ARRIVAL,
            Discard::YourDiscriminator,
        ),
        (known.encode().to_vec(), multi, Discard::Port),
        (late(State::Init).encode().to_vec(), ARRIVAL, Discard::State),
        (late(State::Up).encode().to_vec(), ARRIVAL, Discard::State),
        (first.encode().to_vec(), stranger, Discard::NoSession),
        (first.encode().to_vec(), multi, Discard::NoSession),
        (authenticated, ARRIVAL, Discard::Authentication),
        (vec![0x20; 3], ARRIVAL, Discard::Length),
    ] {
        let before = by_hand.sessions.discards().get(discard);
        assert_eq!(by_hand.raw(&payload, &arrival), Err(discard));
        assert_eq!(by_hand.sessions.discards().get(discard), before + 1);
        assert_eq!(by_hand.view().received, 0);
    }
    assert_eq!(by_hand.state(), State::Down);
    assert_eq!(
        by_hand.view().remote.authentication,
        Some(Some(bfd::AuthType::KeyedSha1)),
        "it can be told why nothing happens"
    );
}

#[test]
fn a_known_discriminator_is_enough() {
    let mut by_hand = ByHand::new(CONFIG);
    let moved = Arrival {
        remote: LOCAL,
        local: REMOTE,
        interface: 99,
        ..ARRIVAL
    };
    let payload = by_hand.packet.encode();
    assert_eq!(by_hand.raw(&payload, &moved), Ok(by_hand.id));
    assert_eq!(by_hand.state(), State::Init);
}

#[test]
fn without_it_the_path_tells() {
    for state in [State::Down, State::AdminDown] {
        let mut by_hand = ByHand::new(CONFIG);
        by_hand.hear(|packet| {
            packet.your_discriminator = 0;
            packet.state = state;
        });
        assert_eq!(by_hand.view().remote.discriminator, THEIRS);
    }
}

#[test]
fn the_same_neighbour_has_a_session_for_each_path() {
    let mut sessions = Sessions::new(3);
    let now = epoch();
    let paths = [
        PATH,
        Path {
            hops: Hops::Multi,
            ..PATH
        },
        Path {
            local: "192.0.2.9".parse().unwrap(),
            ..PATH
        },
        Path {
            remote: "fe80::1".parse().unwrap(),
            local: "fe80::2".parse().unwrap(),
            interface: 4,
            ..PATH
        },
        Path {
            remote: "fe80::1".parse().unwrap(),
            local: "fe80::2".parse().unwrap(),
            interface: 5,
            ..PATH
        },
    ];
    let ids = paths.map(|path| sessions.open(path, CONFIG, now).unwrap());
    let first = bfd::ControlPacket {
        your_discriminator: 0,
        ..ByHand::new(CONFIG).packet
    };
    for (path, id) in paths.into_iter().zip(ids) {
        let arrival = Arrival {
            hops: path.hops,
            local: path.local,
            remote: path.remote,
            interface: path.interface,
            ttl: 255,
        };
        let verdict = sessions.handle_packet(&first.encode(), &arrival, now);
        assert_eq!(verdict, Ok(id), "{path:?}");
        assert_eq!(sessions.open(path, CONFIG, now), Err(bfd::Taken(id)));
    }
}

#[test]
fn several_hops_may_take_any_ttl() {
    let mut sessions = Sessions::new(3);
    let now = epoch();
    let multi = Path {
        hops: Hops::Multi,
        ..PATH
    };
    let id = sessions.open(multi, CONFIG, now).unwrap();
    let arrival = Arrival {
        hops: Hops::Multi,
        ttl: 3,
        ..ARRIVAL
    };
    let mut packet = ByHand::new(CONFIG).packet;
    packet.your_discriminator = 0;
    let verdict = sessions.handle_packet(&packet.encode(), &arrival, now);
    assert_eq!(verdict, Ok(id));
}

#[test]
fn a_session_comes_up_by_three_packets() {
    let mut by_hand = ByHand::new(CONFIG);
    assert_eq!(
        by_hand.sent()[0].state,
        State::Down,
        "the first goes at once"
    );
    by_hand.hear(|packet| packet.your_discriminator = 0);
    assert_eq!(by_hand.state(), State::Init);
    let answer = by_hand.sent();
    assert_eq!(answer.len(), 1, "a change is told at once");
    assert_eq!(
        (answer[0].state, answer[0].your_discriminator),
        (State::Init, THEIRS)
    );
    by_hand.hear(|packet| packet.state = State::Up);
    assert_eq!(by_hand.state(), State::Up);
    assert_eq!(by_hand.sent()[0].state, State::Up);
    let received = |state| Why::Received(state, Diagnostic::NONE);
    let change = |from, to, why| Change { from, to, why };
    assert_eq!(
        by_hand.changes,
        [
            change(State::Down, State::Init, received(State::Down)),
            change(State::Init, State::Up, received(State::Up)),
        ]
    );
    assert!(by_hand.changes.iter().all(|change| !change.is_failure()));
}

/// §6.8.4: the greater of both intervals by the neighbour's multiplier, from the last packet on.
#[test]
fn silence_for_the_detection_time_is_a_failure() {
    for (ours, theirs, mult, expected) in [
        (50, 50, 3, 150),
        (50, 100, 3, 300),
        (100, 50, 3, 300),
        (50, 20, 1, 50),
        (10, 10, 50, 500),
    ] {
        let mut by_hand = ByHand::up(bfd::Config {
            required_min_rx: Micros(ours * 1000),
            ..CONFIG
        });
        by_hand.hear(|packet| {
            packet.desired_min_tx = Micros(theirs * 1000);
            packet.detect_mult = mult;
        });
        assert_eq!(by_hand.view().detection_time, Some(ms(expected)));
        by_hand.run(ms(expected) - std::time::Duration::from_nanos(1));
        assert_eq!(by_hand.state(), State::Up);
        by_hand.sent();
        by_hand.run(std::time::Duration::from_nanos(1));
        assert_eq!(by_hand.state(), State::Down);
        let told = by_hand.sent();
        assert_eq!(told[0].diagnostic, Diagnostic::DETECTION_TIME_EXPIRED);
        assert_eq!(told[0].your_discriminator, 0, "§6.8.1: it is forgotten");
        let [change] = by_hand.changes[..] else {
            panic!("{:?}", by_hand.changes)
        };
        assert!(change.is_failure());
        assert_eq!(change.why, Why::DetectionTimeExpired);
        assert_eq!(by_hand.view().failures, 1);
    }
}

#[test]
fn silence_in_init_is_no_failure_of_anything_that_was_up() {
    let mut by_hand = ByHand::new(CONFIG);
    by_hand.hear(|_| ());
    by_hand.run(ms(150));
    assert_eq!(by_hand.state(), State::Down);
    assert!(by_hand.changes.iter().all(|change| !change.is_failure()));
}

#[test]
fn a_neighbour_that_goes_down_is_a_failure_with_its_reason() {
    let mut by_hand = ByHand::up(CONFIG);
    by_hand.hear(|packet| {
        packet.state = State::Down;
        packet.diagnostic = Diagnostic::DETECTION_TIME_EXPIRED;
    });
    assert_eq!(by_hand.view().diagnostic, Diagnostic::NEIGHBOR_DOWN);
    let why = Why::Received(State::Down, Diagnostic::DETECTION_TIME_EXPIRED);
    assert_eq!(by_hand.changes[0].why, why);
    assert!(by_hand.changes[0].is_failure());
}

/// RFC 5882 §4.2.
#[test]
fn a_neighbour_that_is_taken_down_by_its_operator_is_none() {
    let mut by_hand = ByHand::up(CONFIG);
    by_hand.hear(|packet| {
        packet.state = State::AdminDown;
        packet.diagnostic = Diagnostic::ADMIN_DOWN;
    });
    assert_eq!(by_hand.state(), State::Down);
    assert_eq!(by_hand.view().diagnostic, Diagnostic::NEIGHBOR_DOWN);
    assert!(!by_hand.changes[0].is_failure());
    by_hand.run(ms(5000));
    assert_eq!(by_hand.view().failures, 0, "nor is its silence afterwards");
}

#[test]
fn what_a_neighbour_says_counts_from_its_packet_on() {
    let mut by_hand = ByHand::up(CONFIG);
    by_hand.hear(|packet| packet.required_min_rx = Micros(200_000));
    assert_eq!(by_hand.view().tx_interval, Some(ms(200)));
    by_hand.hear(|packet| packet.required_min_rx = Micros(1));
    assert_eq!(
        by_hand.view().tx_interval,
        Some(ms(50)),
        "not faster than we want"
    );
}

#[test]
fn a_neighbour_that_is_forgotten_is_told_so() {
    let mut by_hand = ByHand::new(CONFIG);
    by_hand.hear(|packet| packet.state = State::AdminDown);
    assert_eq!(by_hand.sent().pop().unwrap().your_discriminator, THEIRS);
    by_hand.run(ms(150));
    let [packet] = by_hand.sent()[..] else {
        panic!("one packet, at the end of the detection time")
    };
    assert_eq!(packet.your_discriminator, 0);
}
