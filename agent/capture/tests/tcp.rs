//! Segments of TCP, as captures have them: twice, overlapping, out of order, in part, not at all.

use std::net::SocketAddr;
use std::ops::ControlFlow;

use bgp_capture::Time;
use bgp_capture::packet::Segment;
use bgp_capture::stream::Found;
use bgp_capture::tcp::{Flow, Listener, Reassembly};
use proptest::prelude::*;

/// What was heard, in words.
#[derive(Debug, Default)]
struct Heard {
    said: Vec<String>,
    messages: Vec<Vec<u8>>,
    lost: u64,
    skipped: u64,
}

impl Listener for Heard {
    fn max_message(&mut self, _: &Flow) -> usize {
        4096
    }

    fn found(&mut self, flow: &Flow, found: &Found, octets: &[u8]) -> ControlFlow<()> {
        let (what, piece) = match found {
            Found::Message(piece) => {
                self.messages.push(octets.to_vec());
                ("", piece)
            }
            Found::BadHeader(piece, _) => ("bad ", piece),
            Found::Cut(piece) => ("cut ", piece),
        };
        let (connection, port) = (flow.connection, flow.from.port());
        self.said.push(format!(
            "{connection}/{port} {what}{}+{}",
            piece.offset,
            octets.len()
        ));
        ControlFlow::Continue(())
    }

    fn lost(&mut self, _: &Flow, octets: u64) {
        self.lost += octets;
    }

    fn closed(&mut self, _: u64, skipped: u64) {
        self.skipped += skipped;
    }
}

/// A capture being made: port 40000 is the client.
#[derive(Default)]
struct Capture {
    /// In seconds.
    now: u64,
    streams: Reassembly,
    heard: Heard,
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, if port == 179 { 2 } else { 1 }], port))
}

fn segment(from: u16, to: u16, sequence: u32, payload: &[u8]) -> Segment<'_> {
    Segment {
        from: at(from),
        to: at(to),
        sequence,
        acknowledged: None,
        syn: false,
        fin: false,
        rst: false,
        payload,
    }
}

impl Capture {
    fn take(&mut self, segment: Segment<'_>) {
        let time = Time {
            seconds: self.now,
            nanos: 0,
        };
        let done = self
            .streams
            .handle_segment(&segment, Some(time), &mut self.heard);
        assert!(done.is_continue());
    }

    fn syn(&mut self, sequence: u32) {
        self.take(Segment {
            syn: true,
            ..segment(40000, 179, sequence, &[])
        });
    }

    fn data(&mut self, sequence: u32, payload: &[u8]) {
        self.take(segment(40000, 179, sequence, payload));
    }

    fn ack(&mut self, number: u32) {
        self.take(Segment {
            acknowledged: Some(number),
            ..segment(179, 40000, 1, &[])
        });
    }

    fn end(mut self) -> Heard {
        assert!(self.streams.finish(&mut self.heard).is_continue());
        assert_eq!((self.streams.held(), self.streams.connections()), (0, 0));
        self.heard
    }
}

fn keepalive() -> Vec<u8> {
    let mut message = vec![0xff; 16];
    message.extend([0, 19, 4]);
    message
}

/// A message that no other is like.
fn update(number: u8) -> Vec<u8> {
    let mut message = vec![0xff; 16];
    message.extend([0, 25, 2, 0, 2, 8, number, 0, 0]);
    message
}

#[test]
fn what_comes_again_is_heard_once() {
    let stream = [keepalive(), keepalive(), keepalive()].concat();
    let mut capture = Capture::default();
    capture.syn(99);
    capture.syn(99);
    capture.data(100, &stream[..30]);
    capture.data(100, &stream[..30]);
    // One that begins before what is known and ends behind it.
    capture.data(110, &stream[10..50]);
    capture.data(105, &stream[5..20]);
    capture.data(150, &stream[50..]);
    let heard = capture.end();
    assert_eq!(
        heard.said,
        ["1/40000 0+19", "1/40000 19+19", "1/40000 38+19"]
    );
    assert_eq!((heard.lost, heard.skipped), (0, 0));
}

#[test]
fn segments_out_of_order_wait_for_those_before() {
    let stream = [keepalive(), keepalive(), keepalive()].concat();
    let mut capture = Capture::default();
    capture.syn(99);
    capture.data(140, &stream[40..]);
    capture.data(120, &stream[20..45]);
    assert_eq!(capture.heard.said, [""; 0]);
    assert!(capture.streams.held() > 0);
    capture.data(100, &stream[..20]);
    assert_eq!(capture.heard.said.len(), 3);
    assert_eq!(capture.end().lost, 0);
}

#[test]
fn a_hole_that_the_peer_does_not_have_is_skipped_at_the_next_marker() {
    let stream = [update(1), update(2), update(3), update(4)].concat();
    let mut capture = Capture::default();
    capture.syn(99);
    capture.data(100, &stream[..30]);
    // 30 to 60 are missing: the end of the second and the start of the third.
    capture.data(160, &stream[60..]);
    assert_eq!(capture.heard.said, ["1/40000 0+25"]);
    capture.ack(200);
    assert_eq!(capture.heard.said.len(), 1, "it may only be late");
    for _ in 0..20 {
        capture.ack(200);
    }
    assert_eq!(capture.heard.said, ["1/40000 0+25", "1/40000 75+25"]);
    let heard = capture.end();
    // Five octets of the second, fifteen of the third.
    assert_eq!((heard.lost, heard.skipped), (30, 20));
    assert_eq!(heard.messages, [update(1), update(4)]);
}

/// A capture of one direction, as some taps and mirror ports give it.
#[test]
fn a_hole_is_given_up_after_some_segments_where_the_peer_is_not_heard() {
    let mut capture = Capture::default();
    capture.syn(99);
    capture.data(100, &update(0));
    for number in 2..=65 {
        capture.data(100 + 25 * u32::from(number), &update(number));
    }
    assert_eq!(capture.heard.messages, [update(0)], "it may only be late");
    capture.data(100 + 25 * 66, &update(66));
    assert_eq!(capture.heard.messages.len(), 66);
    let heard = capture.end();
    assert_eq!((heard.lost, heard.skipped), (25, 0));
}

#[test]
fn a_hole_is_given_up_after_some_seconds_where_the_peer_is_not_heard() {
    let mut capture = Capture::default();
    capture.syn(99);
    capture.data(100, &update(0));
    capture.now = 60;
    capture.data(150, &update(2));
    capture.now = 67;
    capture.data(175, &update(3));
    assert_eq!(capture.heard.messages, [update(0)], "it may only be late");
    capture.now = 90;
    capture.data(200, &update(4));
    assert_eq!(capture.heard.lost, 25);
    let all = [update(0), update(2), update(3), update(4)];
    assert_eq!(capture.heard.messages, all);
}

#[test]
fn a_hole_is_waited_for_while_the_peer_has_not_acknowledged_it() {
    let mut capture = Capture::default();
    capture.syn(99);
    capture.data(100, &update(0));
    capture.ack(125);
    for number in 2..=200 {
        capture.now += 10;
        capture.data(100 + 25 * u32::from(number), &update(number));
    }
    assert_eq!(capture.heard.messages, [update(0)]);
    capture.data(125, &update(1));
    assert_eq!(capture.heard.messages.len(), 201);
    assert_eq!(capture.end().lost, 0);
}

#[test]
fn a_hole_at_the_end_of_the_capture_hides_nothing_behind_it() {
    let mut capture = Capture::default();
    capture.syn(99);
    capture.data(119, &keepalive());
    let heard = capture.end();
    assert_eq!(heard.said, ["1/40000 19+19"]);
    assert_eq!(heard.lost, 19);
}

#[test]
fn a_connection_joined_in_its_middle_is_found_at_the_next_marker() {
    let stream = [update(1), update(2)].concat();
    let mut capture = Capture::default();
    capture.data(7, &stream[10..]);
    let heard = capture.end();
    assert_eq!(heard.said, ["1/40000 15+25"]);
    assert_eq!(heard.skipped, 15);
}

/// Without a SYN nobody knows which segment is the first.
#[test]
fn the_first_segments_of_a_connection_joined_in_its_middle_may_be_out_of_order() {
    let stream = [update(1), update(2), update(3), update(4)].concat();
    let pieces = [(0, 20), (20, 45), (45, 60), (60, 100)];
    for start in [7u32, u32::MAX - 30] {
        for order in [[1, 0, 2, 3], [2, 1, 0, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let mut capture = Capture::default();
            for place in order {
                let (from, end) = pieces[place];
                let at = u32::try_from(from).unwrap();
                capture.data(start.wrapping_add(at), &stream[from..end]);
            }
            let heard = capture.end();
            assert_eq!((heard.messages.len(), heard.lost), (4, 0), "{order:?}");
            assert_eq!(heard.skipped, 0, "{order:?}");
        }
    }
}

/// The SYN came by after what it begins, as in a capture of several interfaces.
#[test]
fn a_syn_may_come_behind_the_first_segments() {
    let mut capture = Capture::default();
    capture.data(125, &update(2));
    capture.syn(99);
    capture.data(100, &update(1));
    capture.data(150, &update(3));
    let heard = capture.end();
    assert_eq!(heard.messages, [update(1), update(2), update(3)]);
    assert_eq!(
        heard.said,
        ["1/40000 0+25", "1/40000 25+25", "1/40000 50+25"]
    );
}

#[test]
fn what_came_first_is_told_after_some_segments_or_seconds_and_what_was_before_is_late() {
    let mut by_segments = Capture::default();
    for number in 1..=20 {
        by_segments.data(100 + 25 * u32::from(number), &update(number));
    }
    assert_eq!(by_segments.heard.messages.len(), 20);
    let mut by_time = Capture::default();
    by_time.data(125, &update(1));
    assert_eq!(by_time.heard.messages.len(), 0);
    by_time.now = 30;
    by_time.ack(150);
    assert_eq!(by_time.heard.messages, [update(1)]);
    by_time.data(100, &update(0));
    assert_eq!(by_time.end().messages, [update(1)]);
}

#[test]
fn numbers_go_round() {
    let stream = [update(1), update(2)].concat();
    let mut capture = Capture::default();
    capture.syn(u32::MAX - 30);
    capture.data(9, &stream[39..]);
    capture.data(u32::MAX - 29, &stream[..39]);
    let heard = capture.end();
    assert_eq!((heard.messages.len(), heard.lost), (2, 0));
}

#[test]
fn a_new_syn_between_the_same_ends_is_a_new_connection() {
    let mut capture = Capture::default();
    capture.syn(99);
    capture.data(100, &[update(1), update(2)].concat()[..30]);
    capture.syn(5000);
    capture.data(5001, &update(3));
    let heard = capture.end();
    assert_eq!(
        heard.said,
        ["1/40000 0+25", "1/40000 cut 25+5", "2/40000 0+25"]
    );
}

#[test]
fn nothing_is_heard_after_a_reset_until_the_next_syn() {
    let mut capture = Capture::default();
    capture.syn(99);
    capture.data(100, &update(1));
    capture.take(Segment {
        rst: true,
        ..segment(179, 40000, 1, &[])
    });
    capture.data(125, &update(2));
    capture.syn(7000);
    capture.data(7001, &update(3));
    assert_eq!(capture.end().messages, [update(1), update(3)]);
}

#[test]
fn both_directions_have_their_own_numbers() {
    let mut capture = Capture::default();
    capture.syn(99);
    capture.take(Segment {
        syn: true,
        acknowledged: Some(100),
        ..segment(179, 40000, 499, &[])
    });
    capture.data(100, &update(1));
    capture.take(segment(179, 40000, 500, &update(2)));
    let heard = capture.end();
    assert_eq!(heard.said, ["1/40000 0+25", "1/179 0+25"]);
}

/// Someone wrote this capture to fill memory: holes in all directions of many connections.
#[test]
fn memory_is_bounded_whatever_is_missing() {
    let mut capture = Capture::default();
    let payload = vec![0; 1400];
    for round in 0..20u32 {
        for port in 1000..10_000 {
            capture.take(segment(port, 179, 0, &payload[..1]));
            capture.take(segment(port, 179, 100 + round * 10_000, &payload));
            assert!(capture.streams.held() <= 17 * 1024 * 1024);
            assert!(capture.streams.connections() <= 4096);
        }
    }
    let mut capture = Capture::default();
    capture.syn(0);
    for place in 0..10_000u32 {
        capture.data(2 + place * 3, &[0xff]);
        assert!(capture.streams.held() <= 512 * 1024);
    }
}

proptest! {
    /// However a stream is cut, repeated, overlapped and disordered within a window, the messages are the same.
    #[test]
    fn disorder_changes_nothing(
        cuts in prop::collection::vec((1usize..60, 0usize..40, 0usize..4), 1..40),
        start: u32,
    ) {
        let messages: Vec<_> = (0..40).map(update).collect();
        let stream = messages.concat();
        let mut segments = Vec::new();
        let mut place = 0;
        for (length, overlap, late) in cuts.iter().cycle() {
            if place == stream.len() {
                break;
            }
            let end = (place + length).min(stream.len());
            let from = place.saturating_sub(*overlap);
            segments.push((segments.len() + late * 3, from, end));
            place = end;
        }
        segments.sort();
        let mut capture = Capture::default();
        capture.syn(start.wrapping_sub(1));
        for (_, from, end) in segments {
            capture.data(start.wrapping_add(from as u32), &stream[from..end]);
        }
        let heard = capture.end();
        prop_assert_eq!(heard.messages, messages);
        prop_assert_eq!((heard.lost, heard.skipped), (0, 0));
    }

    /// Nothing that a capture can hold does harm.
    #[test]
    fn any_segments_are_survived(
        segments in prop::collection::vec(
            (any::<bool>(), any::<u32>(), any::<Option<u32>>(), 0u8..8, prop::collection::vec(any::<u8>(), 0..50)),
            0..60,
        ),
    ) {
        let mut capture = Capture::default();
        for (ours, sequence, acknowledged, flags, payload) in &segments {
            let (from, to) = if *ours { (40000, 179) } else { (179, 40000) };
            capture.take(Segment {
                acknowledged: *acknowledged,
                syn: flags & 1 != 0,
                fin: flags & 2 != 0,
                rst: flags & 4 != 0,
                ..segment(from, to, *sequence, payload)
            });
        }
        capture.end();
    }
}
