//! MRT files: messages, changes of state, and the routes of a table.

use std::io::BufReader;
use std::net::IpAddr;
use std::path::Path;

use bgp_capture::bgpdump::Lines;
use bgp_capture::mrt::{self, Content, Message, Peer, Reader, Record, Rib, TableDump};
use bgp_wire::{
    AttrScratch, Family, Fields, Finding, MessageType, Node, PeerKind, SessionContext,
    decode_update, frame, next_frame,
};

use super::input::open;
use super::judgement::{Fault, Judgement};
use super::negotiated::{Known, Said, ipv4_families};
use super::print::{Printer, Session, Told};
use super::{Stopped, Summary};
use crate::args::DecodeFormat;

mod route;

/// What is read at a time.
const BUFFER: usize = 256 * 1024;
/// Lines are written out from here on.
const LINES: usize = 64 * 1024;

pub(super) fn decode(
    path: &Path,
    said: &Said,
    printer: &mut Printer<'_>,
    summary: &mut Summary,
) -> Result<(), Stopped> {
    let mut records = Reader::new(BufReader::with_capacity(BUFFER, open(path)?));
    let mut decoder = Decoder {
        contexts: Contexts::new(said),
        printer,
        summary,
        scratch: AttrScratch::new(),
        peers: Vec::new(),
        lines: Lines::new(),
        text: Vec::new(),
    };
    let lines = decoder.printer.format() == DecodeFormat::Bgpdump;
    let mut read = || -> Result<(), Stopped> {
        while let Some(record) = records.next_record()? {
            let content = record.content();
            if lines {
                decoder.line(&record, &content)?;
            } else {
                decoder.record(&record, &content)?;
            }
        }
        Ok(())
    };
    let done = read();
    decoder.printer.text(&decoder.text)?;
    summary.empty = records.offset() == 0;
    done
}

/// What messages depend on, for each kind of session that a record can be of.
struct Contexts([SessionContext; 8]);

impl Contexts {
    fn new(said: &Said) -> Self {
        Self(std::array::from_fn(|place| {
            let mut ctx = said.context();
            // What a collector has received it has understood, so it was negotiated.
            ctx.max_message = frame::MAX_EXTENDED_LEN;
            ctx.extended_next_hop = ipv4_families();
            ctx.asn4 = said.asn4().unwrap_or(place & 1 != 0);
            if place & 2 != 0 {
                ctx.add_path_receive = ctx.families;
                ctx.add_path_send = ctx.families;
            }
            if place & 4 != 0 {
                ctx.peer_kind = PeerKind::Internal;
            }
            ctx
        }))
    }

    fn of(&self, asn4: bool, add_path: bool, internal: bool) -> &SessionContext {
        let place = usize::from(asn4) | usize::from(add_path) << 1 | usize::from(internal) << 2;
        &self.0[place]
    }

    fn of_message(&self, message: &Message<'_>) -> &SessionContext {
        let internal = message.peer_as == message.local_as;
        self.of(message.asn4, message.add_path, internal)
    }
}

struct Decoder<'a, 'o> {
    contexts: Contexts,
    printer: &'a mut Printer<'o>,
    summary: &'a mut Summary,
    scratch: AttrScratch,
    peers: Vec<Peer>,
    lines: Lines,
    text: Vec<u8>,
}

impl Decoder<'_, '_> {
    /// A record as the lines of bgpdump. Only what is wrong is looked for in it.
    fn line(&mut self, record: &Record<'_>, content: &Content<'_>) -> Result<(), Stopped> {
        self.lines.write(record, content, &mut self.text);
        match content {
            Content::Message(message) => {
                self.summary.messages += 1;
                let ctx = self.contexts.of_message(message);
                let sound = is_sound(message.octets, ctx, &mut self.scratch);
                self.summary.malformed += u64::from(!sound);
                // bgpdump looks at the first message of a record only; that there is more is counted.
                let (messages, behind) = messages(message.octets, ctx.max_message);
                for octets in messages.skip(1) {
                    self.summary.messages += 1;
                    let sound = is_sound(octets, ctx, &mut self.scratch);
                    self.summary.malformed += u64::from(!sound);
                }
                if !behind.is_empty() {
                    self.skip(behind);
                    self.summary.malformed += 1;
                }
            }
            Content::Rib(rib) => {
                let peers = self.lines.peers();
                for entry in rib.entries {
                    self.summary.messages += 1;
                    let update = route::of_entry(rib, &entry, peers);
                    let ctx = self.contexts.of(true, update.add_path, update.internal);
                    let sound = update.faults.is_empty()
                        && is_sound(&update.message, ctx, &mut self.scratch);
                    self.summary.malformed += u64::from(!sound);
                }
                self.summary.malformed += u64::from(!rib.entries.is_whole());
            }
            Content::TableDump(dump) => {
                self.summary.messages += 1;
                let update = route::of_dump(dump);
                let ctx = self.contexts.of(false, false, update.internal);
                let sound =
                    update.faults.is_empty() && is_sound(&update.message, ctx, &mut self.scratch);
                self.summary.malformed += u64::from(!sound);
            }
            Content::StateChange(_) | Content::PeerIndex(_) => {}
            Content::Unknown | Content::UnknownFamily(_) => self.pass_over(record),
            Content::Malformed(_) => {
                self.summary.malformed += 1;
                self.pass_over(record);
            }
        }
        if self.text.len() > LINES {
            self.printer.text(&self.text)?;
            self.text.clear();
        }
        Ok(())
    }

    fn pass_over(&mut self, record: &Record<'_>) {
        self.skip(record.body);
    }

    fn skip(&mut self, octets: &[u8]) {
        let octets = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        self.summary.skipped = self.summary.skipped.saturating_add(octets);
    }

    fn record(&mut self, record: &Record<'_>, content: &Content<'_>) -> Result<(), Stopped> {
        match content {
            Content::Message(message) => self.message(record, message),
            Content::StateChange(change) => {
                let mut fields = Fields::new();
                fields.named("old_state", change.old, mrt::state_name(change.old));
                fields.named("new_state", change.new, mrt::state_name(change.new));
                let session = session(
                    (change.peer, change.peer_as.0),
                    (change.local, change.local_as.0),
                );
                self.other(record, "STATE_CHANGE", fields, Some(&session))
            }
            Content::PeerIndex(index) => {
                self.peers.clone_from(&index.peers);
                let mut fields = Fields::new();
                fields.text("collector", index.collector);
                fields.text("view", String::from_utf8_lossy(index.view));
                fields.list(
                    "peers",
                    index.peers.iter().map(|peer| {
                        Node::fields(|fields| {
                            fields.text("address", peer.address);
                            fields.number("as", peer.asn.0);
                            fields.text("bgp_identifier", peer.id);
                        })
                    }),
                );
                self.other(record, "PEER_INDEX_TABLE", fields, None)
            }
            Content::Rib(rib) => self.rib(record, rib),
            Content::TableDump(dump) => self.table_dump(record, dump),
            Content::Unknown => {
                self.pass_over(record);
                self.other(record, "MRT", kind(record), None)
            }
            Content::UnknownFamily(family) => {
                self.pass_over(record);
                let reason = format!("is {family}, which is not known");
                let mut fault = Fault::unanswered(0, "Address Family Identifier", reason);
                fault.malformed = false;
                let judgement = Judgement {
                    kind: Some("MRT"),
                    length: Some(record.body.len()),
                    findings: vec![fault],
                    fields: kind(record),
                    ..Judgement::default()
                };
                self.tell_record(record, &judgement, None)
            }
            Content::Malformed(field) => {
                self.pass_over(record);
                self.malformed(record, field)
            }
        }
    }

    fn message(&mut self, record: &Record<'_>, message: &Message<'_>) -> Result<(), Stopped> {
        let ctx = self.contexts.of_message(message);
        let again = self.printer.wants_again();
        let peer = (message.peer, message.peer_as.0);
        let local = (message.local, message.local_as.0);
        let mut session = if message.sent {
            session(local, peer)
        } else {
            session(peer, local)
        };
        session.details.flag("asn4", ctx.asn4);
        session.details.flag("add_path", message.add_path);
        let (messages, behind) = messages(message.octets, ctx.max_message);
        for octets in messages {
            let scratch = &mut self.scratch;
            let judgement = Judgement::of_message(octets, ctx, Known::Nothing, scratch, again);
            let hints = &mut self.summary.hints;
            hints.consider(octets, ctx, Known::Nothing, &judgement, scratch);
            self.summary.messages += 1;
            self.summary.malformed += u64::from(judgement.error.is_some());
            self.printer.tell(&Told {
                judgement: &judgement,
                offset: record.place_of(octets),
                time: Some(record.time),
                session: Some(&session),
            })?;
        }
        if behind.is_empty() {
            return Ok(());
        }
        self.skip(behind);
        let reason = match behind.len() {
            1 => "one octet stands behind the message".to_owned(),
            count => format!("{count} octets stand behind the message"),
        };
        self.wrong(record, behind, "BGP Message", reason)
    }

    fn rib(&mut self, record: &Record<'_>, rib: &Rib<'_>) -> Result<(), Stopped> {
        for entry in rib.entries {
            let update = route::of_entry(rib, &entry, self.peers.len());
            let peer = self.peers.get(usize::from(entry.peer)).copied();
            let mut head = Fields::new();
            head.number("sequence", rib.sequence);
            head.number("peer_index", entry.peer);
            head.text("originated", super::print::time(seconds(entry.originated)));
            let peer = peer.map(|peer| (peer.address, peer.asn.0));
            let ctx = self.contexts.of(true, update.add_path, update.internal);
            let ctx = with_family(ctx, rib.family);
            self.route(record, &update, &ctx, head, peer, entry.attributes)?;
        }
        if rib.entries.is_whole() {
            Ok(())
        } else {
            self.malformed(record, "RIB Entries")
        }
    }

    fn table_dump(&mut self, record: &Record<'_>, dump: &TableDump<'_>) -> Result<(), Stopped> {
        let update = route::of_dump(dump);
        let mut head = Fields::new();
        head.number("view", dump.view);
        head.number("sequence", dump.sequence);
        head.text("originated", super::print::time(seconds(dump.originated)));
        let peer = Some((dump.peer, dump.peer_as.0));
        let ctx = self.contexts.of(false, false, update.internal).clone();
        self.route(record, &update, &ctx, head, peer, dump.attributes)
    }

    /// A route of a table.
    fn route(
        &mut self,
        record: &Record<'_>,
        update: &route::AsUpdate,
        ctx: &SessionContext,
        head: Fields,
        peer: Option<(IpAddr, u32)>,
        attributes: &[u8],
    ) -> Result<(), Stopped> {
        let again = self.printer.wants_again();
        let octets = &update.message;
        let scratch = &mut self.scratch;
        let mut judgement = Judgement::of_message(octets, ctx, Known::Nothing, scratch, again);
        judgement.kind = Some("RIB");
        judgement.length = Some(attributes.len());
        for fault in judgement.error.iter_mut().chain(&mut judgement.findings) {
            fault.offset = update.place(fault.offset);
        }
        judgement.add_first(&update.faults);
        let mut fields = head;
        for (name, value) in update.fields.iter().chain(judgement.fields.iter()) {
            // The UPDATE around the attributes is ours.
            if name != "as_received" {
                fields.put(name, value.clone());
            }
        }
        judgement.fields = fields;
        self.summary.messages += 1;
        self.summary.malformed += u64::from(judgement.error.is_some());
        let session = peer.map(|(address, asn)| {
            let mut details = Fields::new();
            details.number("from_as", asn);
            Session {
                from: address.to_string(),
                to: "collector".to_owned(),
                details,
            }
        });
        Ok(self.printer.tell(&Told {
            judgement: &judgement,
            offset: record.place_of(attributes),
            time: Some(record.time),
            session: session.as_ref(),
        })?)
    }

    /// What is no message.
    fn other(
        &mut self,
        record: &Record<'_>,
        kind: &'static str,
        fields: Fields,
        session: Option<&Session>,
    ) -> Result<(), Stopped> {
        let judgement = Judgement {
            kind: Some(kind),
            length: Some(record.body.len()),
            fields,
            ..Judgement::default()
        };
        self.tell_record(record, &judgement, session)
    }

    fn tell_record(
        &mut self,
        record: &Record<'_>,
        judgement: &Judgement,
        session: Option<&Session>,
    ) -> Result<(), Stopped> {
        Ok(self.printer.tell(&Told {
            judgement,
            offset: record.body_offset,
            time: Some(record.time),
            session,
        })?)
    }

    fn malformed(&mut self, record: &Record<'_>, field: &'static str) -> Result<(), Stopped> {
        let reason = "does not fit into the MRT record".to_owned();
        self.wrong(record, record.body, field, reason)
    }

    /// Something is wrong with a record itself, in these octets of it.
    fn wrong(
        &mut self,
        record: &Record<'_>,
        octets: &[u8],
        field: &'static str,
        reason: String,
    ) -> Result<(), Stopped> {
        self.summary.malformed += 1;
        let fault = Fault::unanswered(0, field, reason);
        let judgement = Judgement {
            kind: Some("MRT"),
            length: Some(octets.len()),
            error: Some(fault.clone()),
            findings: vec![fault],
            fields: kind(record),
            again: Vec::new(),
        };
        Ok(self.printer.tell(&Told {
            judgement: &judgement,
            offset: record.place_of(octets),
            time: Some(record.time),
            session: None,
        })?)
    }
}

/// The messages of a record, of which there should be one, and what stands behind them. What is no
/// message is one all the same if there is no other: it is what the record is about.
fn messages(octets: &[u8], max: usize) -> (impl Iterator<Item = &[u8]>, &[u8]) {
    let whole = move |octets: &[u8]| next_frame(octets, max).ok().flatten().map(|(_, used)| used);
    let first = whole(octets).unwrap_or(octets.len());
    let mut end = first;
    while let Some(used) = octets.get(end..).and_then(whole) {
        end += used;
    }
    let (rest, behind) = octets.split_at_checked(end).unwrap_or((octets, &[]));
    let mut rest = Some(rest);
    let messages = std::iter::from_fn(move || {
        let octets = rest.take()?;
        let (one, after) = octets
            .split_at_checked(whole(octets).unwrap_or(octets.len()))
            .unwrap_or((octets, &[]));
        rest = Some(after).filter(|after| !after.is_empty());
        Some(one)
    });
    (messages, behind)
}

/// Whether nothing is malformed in a message.
fn is_sound(octets: &[u8], ctx: &SessionContext, scratch: &mut AttrScratch) -> bool {
    let sound = match next_frame(octets, ctx.max_message) {
        Ok(Some((frame, _))) if frame.kind == MessageType::Update => {
            decode_update(frame.body, ctx, scratch)
                .is_ok_and(|decoded| !decoded.findings.iter().any(Finding::is_malformed))
        }
        _ => false,
    };
    // What is wrong is rare, and judged with all that is to be thought of.
    sound || {
        let judgement = Judgement::of_message(octets, ctx, Known::Nothing, scratch, false);
        judgement.error.is_none()
    }
}

fn session(from: (IpAddr, u32), to: (IpAddr, u32)) -> Session {
    let mut details = Fields::new();
    details.number("from_as", from.1);
    details.number("to_as", to.1);
    Session {
        from: from.0.to_string(),
        to: to.0.to_string(),
        details,
    }
}

fn kind(record: &Record<'_>) -> Fields {
    let (kind, subtype) = mrt::name(record.kind, record.subtype);
    let mut fields = Fields::new();
    fields.named("type", record.kind, kind);
    fields.named("subtype", record.subtype, subtype);
    fields
}

fn with_family(ctx: &SessionContext, family: Family) -> SessionContext {
    let mut ctx = ctx.clone();
    ctx.families.insert(family);
    ctx
}

fn seconds(seconds: u32) -> bgp_capture::Time {
    bgp_capture::Time {
        seconds: u64::from(seconds),
        nanos: 0,
    }
}
