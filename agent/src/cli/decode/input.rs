//! EDGE: opens what is read, and decodes the two kinds of input that are one stream of messages.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use bgp_capture::ReadError;
use bgp_capture::compressed::Decompressed;
use bgp_capture::hex::HexReader;
use bgp_capture::raw::RawReader;
use bgp_capture::stream::Found;
use bgp_wire::{AttrScratch, MessageType, Open, frame};

use super::judgement::Judgement;
use super::negotiated::{Dialogue, Said, Side};
use super::print::{Printer, Told};
use super::{Stopped, Summary};
use crate::args::DecodeSource;
use crate::cli::words;

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// What the input is called when something is said about it.
pub(super) fn name(source: DecodeSource<'_>) -> Cow<'_, str> {
    match source {
        DecodeSource::Hex(Some(_)) => "--hex".into(),
        DecodeSource::Hex(None) => "standard input".into(),
        DecodeSource::Raw(path) | DecodeSource::Pcap(path) | DecodeSource::Mrt(path) => {
            if path == Path::new(STANDARD_INPUT) {
                "standard input".into()
            } else {
                path.to_string_lossy()
            }
        }
    }
}

/// Whether standard input is read.
pub(super) fn is_standard_input(source: DecodeSource<'_>) -> bool {
    match source {
        DecodeSource::Hex(given) => given.is_none(),
        DecodeSource::Raw(path) | DecodeSource::Pcap(path) | DecodeSource::Mrt(path) => {
            path == Path::new(STANDARD_INPUT)
        }
    }
}

/// Opens a file, or standard input, and unpacks it if it is compressed.
pub(super) fn open(path: &Path) -> Result<Decompressed<Box<dyn Read>>, ReadError> {
    let reader: Box<dyn Read> = if path == Path::new(STANDARD_INPUT) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path)?)
    };
    Decompressed::new(reader)
}

/// Decodes hexadecimal text.
pub(super) fn hex(
    given: Option<&[String]>,
    said: &Said,
    printer: &mut Printer<'_>,
    summary: &mut Summary,
) -> Result<(), Stopped> {
    match given {
        // Pieces that the shell has cut are one text.
        Some(pieces) => {
            let text = Cursor::new(pieces.join(" "));
            pasted(HexReader::new(text), said, printer, summary)
        }
        None => {
            let text = BufReader::new(open(Path::new(STANDARD_INPUT))?);
            pasted(HexReader::new(text), said, printer, summary)
        }
    }
}

/// Decodes octets that people have copied: often whole packets, with their headers.
fn pasted<R: Read>(
    octets: R,
    said: &Said,
    printer: &mut Printer<'_>,
    summary: &mut Summary,
) -> Result<(), Stopped> {
    let mut messages = RawReader::with_headers(octets);
    let done = stream(&mut messages, said, printer, summary);
    if messages.in_front() > 0 {
        let octets = words::count(messages.in_front(), "byte", "bytes");
        summary.note(format!(
            "{octets} in front of the first marker passed over, as the headers of a packet"
        ));
    }
    done
}

/// Decodes a byte stream.
pub(super) fn raw(
    path: &Path,
    said: &Said,
    printer: &mut Printer<'_>,
    summary: &mut Summary,
) -> Result<(), Stopped> {
    let mut messages = RawReader::new(open(path)?);
    stream(&mut messages, said, printer, summary)
}

fn stream<R: Read>(
    messages: &mut RawReader<R>,
    said: &Said,
    printer: &mut Printer<'_>,
    summary: &mut Summary,
) -> Result<(), Stopped> {
    let done = decode_stream(messages, said, printer, summary);
    summary.skipped = messages.skipped();
    summary.empty = messages.offset() == 0;
    done
}

fn decode_stream<R: Read>(
    messages: &mut RawReader<R>,
    said: &Said,
    printer: &mut Printer<'_>,
    summary: &mut Summary,
) -> Result<(), Stopped> {
    let mut dialogue = Dialogue::new(said, false);
    let mut scratch = AttrScratch::new();
    let mut failed = None;
    loop {
        let max = dialogue.context(Side::First).max_message;
        // What came before an error, and what is cut by it, is told first.
        let found = match messages.poll(max) {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(error) => {
                failed = Some(error);
                continue;
            }
        };
        let (offset, judgement) = match &found {
            Found::Message(piece) => {
                let octets = messages.octets(piece);
                let is_update =
                    octets.get(frame::HEADER_LEN - 1) == Some(&MessageType::Update.code());
                let body = octets.get(frame::HEADER_LEN..).unwrap_or(&[]);
                if is_update && dialogue.guess_internal(body) {
                    summary.note(format!("both OPENs are not there; {READ_AS_IBGP}"));
                }
                let ctx = dialogue.context(Side::First);
                let (known, again) = (dialogue.known(), printer.wants_again());
                let judgement = Judgement::of_message(octets, ctx, known, &mut scratch, again);
                summary
                    .hints
                    .consider(octets, ctx, known, &judgement, &mut scratch);
                if let Some(open) = open_message(octets) {
                    dialogue.learn_any(open);
                }
                (piece.offset, judgement)
            }
            Found::BadHeader(piece, error) => (
                piece.offset,
                Judgement::of_header(messages.octets(piece), error),
            ),
            Found::Cut(piece) => (piece.offset, Judgement::of_cut(messages.octets(piece))),
        };
        summary.count(&found, &judgement);
        printer.tell(&Told {
            judgement: &judgement,
            offset,
            time: None,
            session: None,
        })?;
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// What is said where only an attribute tells that two peers are of one AS.
pub(super) const READ_AS_IBGP: &str = "read as of one AS, as LOCAL_PREF, ORIGINATOR_ID or CLUSTER_LIST is there (--ebgp says otherwise)";

/// The OPEN in a message, if it is one.
pub(super) fn open_message(octets: &[u8]) -> Option<Open> {
    if octets.get(frame::HEADER_LEN - 1) != Some(&MessageType::Open.code()) {
        return None;
    }
    Open::decode(octets.get(frame::HEADER_LEN..)?).ok()
}

impl Summary {
    /// Counts what was found in a stream.
    pub(super) fn count(&mut self, found: &Found, judgement: &Judgement) {
        if matches!(found, Found::Message(_)) {
            self.messages += 1;
        }
        self.malformed += u64::from(judgement.error.is_some());
    }
}
