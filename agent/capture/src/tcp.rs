//! Segments to the byte stream of each direction of each connection, cut into messages.
//!
//! Segments may come out of order, twice, overlapping, or not at all. What is there first stays. A hole
//! is waited for until the peer has acknowledged what is behind it and a few segments more have come by:
//! then the receiver has it and the capture does not. Where nothing of the peer is captured, that can only
//! be guessed, by what has come since and by how long it took. The stream goes on behind the hole, at the
//! next marker. Where a connection is joined in its middle, what comes first need not be first in the stream:
//! a few segments are waited for before it begins.
//!
//! Memory is bounded: by what one direction may hold back, by what all may hold together, and by the
//! number of connections. The connections that have been silent for longest are ended for new ones.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::ops::ControlFlow;

use crate::Time;
use crate::packet::Segment;
use crate::stream::{Found, Splitter, to_u64};

/// What one direction may hold back while it waits for a hole to be filled.
const MAX_AHEAD: usize = 256 * 1024;
/// What all directions may hold together.
const MAX_HELD: usize = 16 * 1024 * 1024;
/// How many connections are followed at a time.
const MAX_CONNECTIONS: usize = 4096;
/// What a segment that is held back costs besides its octets.
const SEGMENT_COST: usize = 96;
/// Segments of the connection that may pass after a hole has been acknowledged. A capture of several
/// interfaces or processors does not have all of them in order.
const PATIENCE: u32 = 8;
/// Segments that may wait for a hole if the peer is not heard: more than are under way at a time on most
/// paths, so that what is sent again still finds its place.
const UNHEARD_SEGMENTS: usize = 64;
/// Seconds that they may wait. RFC 6298 section 2: an octet is sent again after one second, and the delay
/// doubles (section 5.5): this is three times.
const UNHEARD_SECONDS: u64 = 8;
/// Seconds that the first segments of a connection whose SYN is not there may wait for what was sent before
/// them: many times what a path or a capture of several interfaces takes to mix them up.
const SETTLING_SECONDS: u64 = 1;
/// Where a stream is joined, so that places before that one have numbers.
const JOINED_AT: u64 = 1 << 32;
/// A sequence number farther away than any window belongs to another connection.
const FAR: i32 = 1 << 28;

/// One direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The number of the connection, counted from 1 in the order of the capture.
    pub connection: u64,
    /// Who sends.
    pub from: SocketAddr,
    /// Who receives.
    pub to: SocketAddr,
    /// The time of the segment that was read last, if it has one.
    pub time: Option<Time>,
}

/// Who hears what is found.
pub trait Listener {
    /// How long a message of this direction may be.
    fn max_message(&mut self, flow: &Flow) -> usize;
    /// Something was found in the stream of a direction.
    fn found(&mut self, flow: &Flow, found: &Found, octets: &[u8]) -> ControlFlow<()>;
    /// Octets of a direction are not in the capture.
    fn lost(&mut self, flow: &Flow, octets: u64);
    /// A connection is over, or no longer followed. `skipped` octets were in no message.
    fn closed(&mut self, connection: u64, skipped: u64);
}

/// The two ends of a connection, the lower one first.
type Ends = (SocketAddr, SocketAddr);

/// Follows connections.
#[derive(Debug, Default)]
pub struct Reassembly {
    connections: HashMap<Ends, Connection>,
    opened: u64,
    held: usize,
    clock: u64,
}

#[derive(Debug)]
struct Connection {
    number: u64,
    /// From the lower end and from the higher one.
    directions: [Direction; 2],
    /// Both have said that they are done, or one has reset it. What comes until the next SYN is late.
    over: bool,
    last_seen: u64,
    time: Option<Time>,
}

#[derive(Debug)]
struct Direction {
    stream: Splitter,
    /// The number after that of the SYN, if the SYN was seen.
    start: Option<u32>,
    /// The number of the next octet; `None` before the first segment.
    next: Option<u32>,
    /// The place of that octet in the stream.
    position: u64,
    /// The SYN was not there, and what came first may not be what was sent first: all is held back.
    settling: bool,
    /// Segments behind a hole, by their place in the stream.
    ahead: BTreeMap<u64, Held>,
    ahead_cost: usize,
    /// Segments that came by since the peer acknowledged what is missing.
    waited: u32,
    /// When the first hole was met, in seconds.
    since: Option<u64>,
    acknowledged: Option<u32>,
    fin: bool,
}

/// The payload of a segment that waits.
#[derive(Debug)]
struct Held {
    time: Option<Time>,
    octets: Vec<u8>,
}

impl Reassembly {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The octets that are held back, and what keeping them costs.
    pub fn held(&self) -> usize {
        self.held
    }

    /// How many connections are followed.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Takes a segment and tells what it completes.
    pub fn handle_segment(
        &mut self,
        segment: &Segment<'_>,
        time: Option<Time>,
        listener: &mut dyn Listener,
    ) -> ControlFlow<()> {
        let (ends, side) = if segment.from <= segment.to {
            ((segment.from, segment.to), 0)
        } else {
            ((segment.to, segment.from), 1)
        };
        self.clock += 1;
        let begins = segment.syn
            && self
                .connections
                .get(&ends)
                .is_some_and(|connection| connection.is_another(side, segment));
        if begins {
            self.close(ends, listener)?;
        }
        if !self.connections.contains_key(&ends) {
            // Acknowledgements alone say nothing about a connection that is not known.
            if segment.payload.is_empty() && !segment.syn {
                return ControlFlow::Continue(());
            }
            self.make_room(listener)?;
            self.opened += 1;
            self.connections.insert(ends, Connection::new(self.opened));
        }
        let Some(connection) = self.connections.get_mut(&ends) else {
            return ControlFlow::Continue(());
        };
        connection.last_seen = self.clock;
        connection.time = time;
        let before = connection.held();
        let done = connection.take(ends, side, segment, listener);
        let after = connection.held();
        self.held = self.held.saturating_sub(before).saturating_add(after);
        done?;
        if self.held > MAX_HELD {
            self.evict(listener)?;
        }
        ControlFlow::Continue(())
    }

    /// The capture is over.
    pub fn finish(&mut self, listener: &mut dyn Listener) -> ControlFlow<()> {
        let mut all: Vec<_> = self
            .connections
            .iter()
            .map(|(ends, connection)| (connection.number, *ends))
            .collect();
        all.sort_unstable();
        for (_, ends) in all {
            self.close(ends, listener)?;
        }
        ControlFlow::Continue(())
    }

    fn close(&mut self, ends: Ends, listener: &mut dyn Listener) -> ControlFlow<()> {
        let Some(mut connection) = self.connections.remove(&ends) else {
            return ControlFlow::Continue(());
        };
        self.held = self.held.saturating_sub(connection.held());
        connection.end(ends, listener)
    }

    fn make_room(&mut self, listener: &mut dyn Listener) -> ControlFlow<()> {
        if self.connections.len() < MAX_CONNECTIONS {
            return ControlFlow::Continue(());
        }
        self.evict(listener)
    }

    /// Ends the quarter of the connections that has been silent for longest.
    fn evict(&mut self, listener: &mut dyn Listener) -> ControlFlow<()> {
        let mut all: Vec<_> = self
            .connections
            .iter()
            .map(|(ends, connection)| (connection.last_seen, *ends))
            .collect();
        all.sort_unstable();
        let quarter = all.len().div_ceil(4);
        for (_, ends) in all.into_iter().take(quarter) {
            self.close(ends, listener)?;
        }
        ControlFlow::Continue(())
    }
}

impl Connection {
    fn new(number: u64) -> Self {
        Self {
            number,
            directions: [Direction::new(), Direction::new()],
            over: false,
            last_seen: 0,
            time: None,
        }
    }

    fn held(&self) -> usize {
        self.directions.iter().map(Direction::held).sum()
    }

    /// Whether a SYN is not of this connection but of the next one between the same ends.
    fn is_another(&self, side: usize, segment: &Segment<'_>) -> bool {
        let start = segment.sequence.wrapping_add(1);
        self.directions
            .get(side)
            .is_some_and(|direction| match (direction.start, direction.next) {
                (Some(known), _) => known != start,
                // Data came first: of an older connection, unless it begins where this SYN says or soon after.
                (None, _) if direction.settling => direction.before_next(start).is_none(),
                (None, next) => next.is_some_and(|next| next != start),
            })
    }

    fn flow(&self, ends: Ends, side: usize) -> Flow {
        let (from, to) = if side == 0 { ends } else { (ends.1, ends.0) };
        Flow {
            connection: self.number,
            from,
            to,
            time: self.time,
        }
    }

    fn take(
        &mut self,
        ends: Ends,
        side: usize,
        segment: &Segment<'_>,
        listener: &mut dyn Listener,
    ) -> ControlFlow<()> {
        if self.over {
            return ControlFlow::Continue(());
        }
        let flows = [self.flow(ends, 0), self.flow(ends, 1)];
        let [low, high] = &mut self.directions;
        let (ours, theirs, [flow, back]) = if side == 0 {
            (low, high, [&flows[0], &flows[1]])
        } else {
            (high, low, [&flows[1], &flows[0]])
        };
        if segment.syn {
            ours.begin(segment.sequence.wrapping_add(1));
            ours.fill(*flow, listener)?;
        }
        if !segment.payload.is_empty() {
            let sequence = segment.sequence.wrapping_add(u32::from(segment.syn));
            ours.take(sequence, segment.payload, flow, listener)?;
        }
        if let Some(acknowledged) = segment.acknowledged {
            theirs.acknowledge(acknowledged);
        }
        ours.wait(flow, listener)?;
        theirs.wait(back, listener)?;
        ours.fin |= segment.fin;
        if segment.rst || (ours.fin && theirs.fin) {
            self.over = true;
            self.finish(ends, listener)?;
        }
        ControlFlow::Continue(())
    }

    /// Tells what is left in both directions.
    fn finish(&mut self, ends: Ends, listener: &mut dyn Listener) -> ControlFlow<()> {
        let flows = [self.flow(ends, 0), self.flow(ends, 1)];
        for (direction, flow) in self.directions.iter_mut().zip(&flows) {
            direction.finish(flow, listener)?;
        }
        ControlFlow::Continue(())
    }

    fn end(&mut self, ends: Ends, listener: &mut dyn Listener) -> ControlFlow<()> {
        let done = self.finish(ends, listener);
        let skipped = self
            .directions
            .iter()
            .map(|direction| direction.stream.skipped())
            .sum();
        listener.closed(self.number, skipped);
        done
    }
}

impl Direction {
    fn new() -> Self {
        Self {
            stream: Splitter::midstream(),
            start: None,
            next: None,
            position: JOINED_AT,
            settling: false,
            ahead: BTreeMap::new(),
            ahead_cost: 0,
            waited: 0,
            since: None,
            acknowledged: None,
            fin: false,
        }
    }

    fn held(&self) -> usize {
        self.ahead_cost.saturating_add(self.stream.pending())
    }

    fn begin(&mut self, start: u32) {
        if self.start.is_none() {
            self.start = Some(start);
            if self.settling {
                self.go_back_to(start);
                self.settling = false;
                self.stream = Splitter::new();
            } else if self.next.is_none() {
                self.next = Some(start);
                self.stream = Splitter::new();
            }
        }
    }

    /// How far a sequence number is before the next one, if no farther than what may be held back.
    fn before_next(&self, sequence: u32) -> Option<u64> {
        let distance = u64::from(self.next?.wrapping_sub(sequence));
        (distance <= to_u64(MAX_AHEAD)).then_some(distance)
    }

    /// Begins the stream earlier, if the sequence number is a little before what came first.
    fn go_back_to(&mut self, sequence: u32) {
        if let Some(distance) = self.before_next(sequence) {
            self.next = Some(sequence);
            self.position = self.position.saturating_sub(distance);
        }
    }

    /// Takes the payload of a segment.
    fn take(
        &mut self,
        sequence: u32,
        payload: &[u8],
        flow: &Flow,
        listener: &mut dyn Listener,
    ) -> ControlFlow<()> {
        if self.next.is_none() {
            self.settling = true;
            self.next = Some(sequence);
        }
        if self.settling {
            self.go_back_to(sequence);
        }
        let next = self.next.unwrap_or(sequence);
        let distance = sequence.wrapping_sub(next).cast_signed();
        if distance.checked_abs().is_none_or(|far| far > FAR) {
            // Another connection between the same ends, whose SYN was not captured.
            self.flush(flow, listener)?;
            self.stream.lose(0);
            self.next = Some(sequence);
            return self.deliver(payload, flow, listener);
        }
        if distance > 0 || distance == 0 && self.settling {
            let place = self
                .position
                .saturating_add(u64::from(distance.unsigned_abs()));
            self.hold(place, payload, flow.time);
            if self.ahead_cost > MAX_AHEAD {
                self.settle(flow, listener)?;
            }
            if self.ahead_cost > MAX_AHEAD {
                self.skip_hole(flow, listener)?;
            }
            return ControlFlow::Continue(());
        }
        let known = usize::try_from(distance.unsigned_abs()).unwrap_or(usize::MAX);
        if let Some(new) = payload.get(known..).filter(|new| !new.is_empty()) {
            self.deliver(new, flow, listener)?;
            self.fill(*flow, listener)?;
        }
        ControlFlow::Continue(())
    }

    fn hold(&mut self, place: u64, payload: &[u8], time: Option<Time>) {
        let known = self.ahead.get(&place).map_or(0, |held| held.octets.len());
        if payload.len() > known {
            let cost = payload.len().saturating_add(SEGMENT_COST);
            let held = Held {
                time,
                octets: payload.to_vec(),
            };
            if let Some(shorter) = self.ahead.insert(place, held) {
                self.forget(&shorter.octets);
            }
            self.ahead_cost = self.ahead_cost.saturating_add(cost);
        }
    }

    fn forget(&mut self, segment: &[u8]) {
        let cost = segment.len().saturating_add(SEGMENT_COST);
        self.ahead_cost = self.ahead_cost.saturating_sub(cost);
    }

    fn acknowledge(&mut self, number: u32) {
        let newer = self
            .acknowledged
            .is_none_or(|known| number.wrapping_sub(known).cast_signed() > 0);
        if newer {
            self.acknowledged = Some(number);
        }
    }

    /// Gives up on a hole whose octets the peer has, once enough has come by.
    fn wait(&mut self, flow: &Flow, listener: &mut dyn Listener) -> ControlFlow<()> {
        let (false, Some(next)) = (self.ahead.is_empty(), self.next) else {
            self.waited = 0;
            self.since = None;
            return ControlFlow::Continue(());
        };
        // Without times, only segments are counted.
        let now = flow.time.map_or(0, |time| time.seconds);
        let since = *self.since.get_or_insert(now);
        if self.settling {
            self.waited += 1;
            if self.waited > PATIENCE || now.saturating_sub(since) > SETTLING_SECONDS {
                self.settle(flow, listener)?;
            }
            return ControlFlow::Continue(());
        }
        let Some(acknowledged) = self.acknowledged else {
            let seconds = now.saturating_sub(since);
            if self.ahead.len() > UNHEARD_SEGMENTS || seconds > UNHEARD_SECONDS {
                self.skip_hole(flow, listener)?;
            }
            return ControlFlow::Continue(());
        };
        if acknowledged.wrapping_sub(next).cast_signed() <= 0 {
            return ControlFlow::Continue(());
        }
        self.waited += 1;
        if self.waited > PATIENCE {
            self.skip_hole(flow, listener)?;
        }
        ControlFlow::Continue(())
    }

    /// What has come first by now is the first: what was held back is told as if it never had been.
    fn settle(&mut self, flow: &Flow, listener: &mut dyn Listener) -> ControlFlow<()> {
        if !self.settling {
            return ControlFlow::Continue(());
        }
        self.settling = false;
        self.waited = 0;
        self.since = None;
        self.fill(
            Flow {
                time: None,
                ..*flow
            },
            listener,
        )
    }

    /// Goes on behind the first hole.
    fn skip_hole(&mut self, flow: &Flow, listener: &mut dyn Listener) -> ControlFlow<()> {
        self.waited = 0;
        self.since = None;
        let Some(&place) = self.ahead.keys().next() else {
            return ControlFlow::Continue(());
        };
        let lost = place.saturating_sub(self.position);
        self.stream.lose(lost);
        self.advance(lost);
        listener.lost(flow, lost);
        self.fill(*flow, listener)
    }

    /// Delivers what was held back and is next now. `flow` has the time of what it waited for.
    fn fill(&mut self, mut flow: Flow, listener: &mut dyn Listener) -> ControlFlow<()> {
        while let Some(first) = self.ahead.first_entry() {
            if *first.key() > self.position {
                break;
            }
            let (place, Held { time, octets }) = first.remove_entry();
            self.forget(&octets);
            flow.time = flow.time.max(time);
            let known = usize::try_from(self.position.saturating_sub(place)).unwrap_or(usize::MAX);
            if let Some(new) = octets.get(known..).filter(|new| !new.is_empty()) {
                self.deliver(new, &flow, listener)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn advance(&mut self, octets: u64) {
        self.position = self.position.saturating_add(octets);
        // The number is that of the place, modulo 2^32.
        let [.., a, b, c, d] = octets.to_be_bytes();
        let octets = u32::from_be_bytes([a, b, c, d]);
        self.next = self.next.map(|next| next.wrapping_add(octets));
    }

    fn deliver(
        &mut self,
        octets: &[u8],
        flow: &Flow,
        listener: &mut dyn Listener,
    ) -> ControlFlow<()> {
        self.waited = 0;
        self.since = None;
        self.advance(to_u64(octets.len()));
        self.stream.push(octets);
        // The longest message may change with what the last one said.
        while let Some(found) = {
            let max = listener.max_message(flow);
            self.stream.poll(max)
        } {
            tell(&self.stream, &found, flow, listener)?;
        }
        ControlFlow::Continue(())
    }

    /// Delivers all that is held back, whatever is missing between.
    fn flush(&mut self, flow: &Flow, listener: &mut dyn Listener) -> ControlFlow<()> {
        self.settle(flow, listener)?;
        while !self.ahead.is_empty() {
            self.skip_hole(flow, listener)?;
        }
        ControlFlow::Continue(())
    }

    fn finish(&mut self, flow: &Flow, listener: &mut dyn Listener) -> ControlFlow<()> {
        self.flush(flow, listener)?;
        if let Some(found) = self.stream.finish() {
            tell(&self.stream, &found, flow, listener)?;
        }
        ControlFlow::Continue(())
    }
}

fn tell(
    stream: &Splitter,
    found: &Found,
    flow: &Flow,
    listener: &mut dyn Listener,
) -> ControlFlow<()> {
    let (Found::Message(piece) | Found::BadHeader(piece, _) | Found::Cut(piece)) = found;
    listener.found(flow, found, stream.octets(piece))
}
