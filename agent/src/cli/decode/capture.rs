//! Packet captures: the messages of both directions of each connection, and what their OPENs agreed on.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::Path;

use bgp_capture::pcap;
use bgp_capture::stream::Found;
use bgp_capture::tcp::{Flow, Listener};
use bgp_wire::{AttrScratch, Fields, frame};

use super::input::{READ_AS_IBGP, open, open_message};
use super::judgement::Judgement;
use super::negotiated::{Dialogue, Known, Said, Side};
use super::print::{Printer, Session, Told};
use super::{Stopped, Summary};
use crate::cli::words;

pub(super) fn decode(
    path: &Path,
    port: u16,
    said: &Said,
    printer: &mut Printer<'_>,
    summary: &mut Summary,
) -> Result<(), Stopped> {
    let reader = open(path)?;
    let mut decoder = Decoder {
        said,
        printer,
        summary,
        sessions: HashMap::new(),
        scratch: AttrScratch::new(),
        failed: None,
    };
    let read = pcap::read(reader, port, &mut decoder);
    if let Some(error) = decoder.failed {
        return Err(Stopped::Output(error));
    }
    let packets = read?;
    summary.empty = packets.empty;
    let count = |count: u64| words::count(count, "packet", "packets");
    for (tunnel, packets) in &packets.tunnelled {
        let (packets, tunnel) = (count(*packets), tunnel.name());
        summary.note(format!("{packets} of BGP came through {tunnel}"));
    }
    if packets.bgp == 0 && packets.all > 0 {
        let all = count(packets.all);
        summary.note(format!("none of {all} is of TCP port {port}"));
    }
    if let Some((other, segments)) = packets.other_port {
        let segments = words::count(segments, "segment begins", "segments begin");
        summary.hints.add(format!(
            "TCP port {other} looks like BGP, {segments} with a marker: try --port {other}"
        ));
    }
    if packets.unsupported > 0 {
        let count = words::count(packets.unsupported, "packet is", "packets are");
        let note = format!("{count} of a link layer that is not understood");
        summary.note(note);
    }
    Ok(())
}

/// A connection.
struct Connection {
    /// Who was heard first.
    first: SocketAddr,
    dialogue: Dialogue,
}

impl Connection {
    fn side(&self, from: SocketAddr) -> Side {
        if from == self.first {
            Side::First
        } else {
            Side::Second
        }
    }
}

struct Decoder<'a, 'o> {
    said: &'a Said,
    printer: &'a mut Printer<'o>,
    summary: &'a mut Summary,
    sessions: HashMap<u64, Connection>,
    scratch: AttrScratch,
    failed: Option<io::Error>,
}

impl Decoder<'_, '_> {
    fn connection(&mut self, flow: &Flow) -> &mut Connection {
        self.sessions
            .entry(flow.connection)
            .or_insert_with(|| Connection {
                first: flow.from,
                dialogue: Dialogue::new(self.said, true),
            })
    }

    fn judge(&mut self, flow: &Flow, octets: &[u8]) -> Judgement {
        let again = self.printer.wants_again();
        let connection = self.connection(flow);
        let side = connection.side(flow.from);
        let body = octets.get(frame::HEADER_LEN..).unwrap_or(&[]);
        let (guess, internal) = match octets.get(frame::HEADER_LEN - 1) {
            Some(2) => (
                connection.dialogue.guess_asn4(body),
                connection.dialogue.guess_internal(body),
            ),
            _ => (None, false),
        };
        if let Some(opened) = open_message(octets) {
            connection.dialogue.learn(side, opened);
        }
        let ctx = connection.dialogue.context(side).clone();
        let known = connection.dialogue.known();
        if let Some(four) = guess {
            self.summary.note(format!(
                "connection {}, {} > {}: there is no OPEN; AS numbers look like {} octets each (--asn4 says otherwise)",
                flow.connection,
                flow.from,
                flow.to,
                if four { "four" } else { "two" },
            ));
        }
        if internal {
            self.summary.note(format!(
                "connection {}, {} > {}: both OPENs are not there; {READ_AS_IBGP}",
                flow.connection, flow.from, flow.to,
            ));
        }
        let judgement = Judgement::of_message(octets, &ctx, known, &mut self.scratch, again);
        let hints = &mut self.summary.hints;
        hints.consider(octets, &ctx, known, &judgement, &mut self.scratch);
        judgement
    }

    fn session(&mut self, flow: &Flow) -> Session {
        let connection = self.connection(flow);
        let dialogue = &connection.dialogue;
        let mut details = Fields::new();
        details.number("connection", flow.connection);
        details.flag("asn4", dialogue.context(connection.side(flow.from)).asn4);
        let known = match dialogue.known() {
            Known::BothOpens => "opens",
            Known::OneOpen => "one-open",
            Known::Nothing => "assumed",
        };
        details.text("negotiated", known);
        Session {
            from: flow.from.to_string(),
            to: flow.to.to_string(),
            details,
        }
    }

    fn tell(&mut self, flow: &Flow, found: &Found, octets: &[u8]) -> io::Result<()> {
        let (offset, judgement) = match found {
            Found::Message(piece) => (piece.offset, self.judge(flow, octets)),
            Found::BadHeader(piece, error) => (piece.offset, Judgement::of_header(octets, error)),
            // The connection went on, the capture did not.
            Found::Cut(piece) => {
                self.summary.note(format!(
                    "connection {}, {} > {}: ends {} into the message at {}",
                    flow.connection,
                    flow.from,
                    flow.to,
                    words::count(
                        u64::try_from(octets.len()).unwrap_or(u64::MAX),
                        "octet",
                        "octets"
                    ),
                    piece.offset
                ));
                return Ok(());
            }
        };
        let session = self.session(flow);
        self.summary.count(found, &judgement);
        self.printer.tell(&Told {
            judgement: &judgement,
            offset,
            time: flow.time,
            session: Some(&session),
        })
    }
}

impl Listener for Decoder<'_, '_> {
    fn max_message(&mut self, flow: &Flow) -> usize {
        let connection = self.connection(flow);
        let side = connection.side(flow.from);
        connection.dialogue.context(side).max_message
    }

    fn found(&mut self, flow: &Flow, found: &Found, octets: &[u8]) -> ControlFlow<()> {
        match self.tell(flow, found, octets) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn lost(&mut self, _: &Flow, octets: u64) {
        self.summary.missing = self.summary.missing.saturating_add(octets);
    }

    fn closed(&mut self, connection: u64, skipped: u64) {
        self.sessions.remove(&connection);
        self.summary.skipped = self.summary.skipped.saturating_add(skipped);
    }
}
