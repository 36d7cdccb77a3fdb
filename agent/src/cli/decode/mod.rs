//! `cosmos decode`: what messages say and what is wrong with them, wherever they come from.
//!
//! | file | |
//! |---|---|
//! | `input` | EDGE: files and standard input; each kind of input to the octets of its messages |
//! | `capture` | connections of a packet capture, and what their OPENs say |
//! | `collector` | records of an MRT file |
//! | [`negotiated`] | PURE: what two OPENs and the options come to |
//! | [`judgement`] | PURE: a message to its fields, its faults and what cosmos would send for it |
//! | `hint` | PURE: what was likely negotiated, where a message is malformed by what is known of that |
//! | `print`, `json`, `tree` | a judged message as text |
//!
//! Containers are read by the crate `bgp_capture`, messages by `bgp_wire`. Nothing here knows what an octet means.

mod capture;
mod collector;
mod hint;
mod input;
mod json;
pub mod judgement;
pub mod negotiated;
mod print;
mod tree;

use std::io::{self, Write};

use bgp_capture::ReadError;

use crate::args::{DecodeArgs, DecodeFormat, DecodeSource};
use crate::cli::client::AskError;
use hint::Hints;
use negotiated::Said;
use print::Printer;

/// What was read, for the last line.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Messages, and routes of a dump.
    messages: u64,
    malformed: u64,
    /// Octets that were in no message.
    skipped: u64,
    /// Octets that a capture does not have.
    missing: u64,
    /// There was nothing to read.
    empty: bool,
    /// What else there is to say about the input.
    notes: Vec<String>,
    /// What would likely read more of it.
    hints: Hints,
}

/// Notes above this are counted only.
const MAX_NOTES: usize = 20;

/// Why decoding stopped early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// What is read ends or is not what it should be.
    Input(ReadError),
    /// Nobody reads on, or nothing can be written.
    Output(io::Error),
}

impl From<ReadError> for Stopped {
    fn from(error: ReadError) -> Self {
        Self::Input(error)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Decodes as asked: results to `out`, the summary to `err`; the exit status.
pub fn run(args: &DecodeArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, AskError> {
    let source = args.input.source();
    if args.output == DecodeFormat::Bgpdump && !matches!(source, DecodeSource::Mrt(_)) {
        writeln!(
            err,
            "cosmos: -o bgpdump is for --mrt: it prints records of route collectors"
        )?;
        return Ok(2);
    }
    if args.output == DecodeFormat::Bgpdump
        && let Some(option) = args.reads_otherwise()
    {
        writeln!(
            err,
            "cosmos: {option} is not for -o bgpdump, whose lines are those of the records as they are"
        )?;
        return Ok(2);
    }
    let said = Said::new(args);
    let mut summary = Summary::default();
    // What comes while it is read is told while it comes.
    let live = input::is_standard_input(source);
    let mut printer = Printer::new(args.output, live, out);
    let name = input::name(source);
    let stopped = match source {
        DecodeSource::Hex(given) => input::hex(given, &said, &mut printer, &mut summary),
        DecodeSource::Raw(path) => input::raw(path, &said, &mut printer, &mut summary),
        DecodeSource::Pcap(path) => {
            capture::decode(path, args.port, &said, &mut printer, &mut summary)
        }
        DecodeSource::Mrt(path) => collector::decode(path, &said, &mut printer, &mut summary),
    };
    let mut status = u8::from(summary.malformed > 0);
    match stopped {
        Ok(()) => {
            printer.flush()?;
            if summary.empty {
                summary.note(format!("{name} is empty"));
            }
        }
        Err(Stopped::Output(error)) => return Err(error.into()),
        Err(Stopped::Input(error)) => {
            printer.flush()?;
            status = if error.is_cut() { 1 } else { 2 };
            writeln!(err, "cosmos: {name}: {error}")?;
        }
    }
    write!(err, "{summary}")?;
    Ok(status)
}

impl Summary {
    /// Keeps a note. Of many the first are kept.
    fn note(&mut self, note: String) {
        self.notes.push(note);
        self.notes.truncate(MAX_NOTES);
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        self.hints.write(self.messages, f)?;
        let s = |count: u64| if count == 1 { "" } else { "s" };
        let Self {
            messages,
            malformed,
            skipped,
            missing,
            ..
        } = self;
        write!(
            f,
            "{messages} message{}, {malformed} malformed",
            s(*messages)
        )?;
        write!(f, ", {skipped} byte{} skipped", s(*skipped))?;
        if *missing > 0 {
            write!(
                f,
                ", {missing} byte{} missing from the capture",
                s(*missing)
            )?;
        }
        writeln!(f)
    }
}
