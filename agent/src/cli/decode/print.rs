//! Judged messages to the output, in the format that was asked for.

use std::io::{self, Write};

use bgp_capture::Time;
use bgp_wire::Fields;

use super::judgement::Judgement;
use super::{json, tree};
use crate::args::DecodeFormat;

/// A judged message, and where it was.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) judgement: &'a Judgement,
    /// Where it begins, in octets from the start of its stream.
    pub(super) offset: u64,
    pub(super) time: Option<Time>,
    /// Whose it is, if the input says so.
    pub(super) session: Option<&'a Session>,
}

/// Who speaks to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) from: String,
    pub(super) to: String,
    /// What else is known.
    pub(super) details: Fields,
}

/// Writes what was told.
pub(super) struct Printer<'o> {
    format: DecodeFormat,
    /// Each message is written out at once.
    live: bool,
    out: &'o mut dyn Write,
}

impl<'o> Printer<'o> {
    pub(super) fn new(format: DecodeFormat, live: bool, out: &'o mut dyn Write) -> Self {
        Self { format, live, out }
    }

    pub(super) fn format(&self) -> DecodeFormat {
        self.format
    }

    /// Whether what cosmos would send is asked for.
    pub(super) fn wants_again(&self) -> bool {
        self.format == DecodeFormat::Hex
    }

    pub(super) fn tell(&mut self, told: &Told<'_>) -> io::Result<()> {
        match self.format {
            DecodeFormat::Tree => tree::write(self.out, told),
            DecodeFormat::Json => json::write(self.out, told),
            DecodeFormat::Hex => self.again(&told.judgement.again),
            DecodeFormat::Bgpdump => Ok(()),
        }?;
        if self.live { self.out.flush() } else { Ok(()) }
    }

    /// Each message on its line.
    fn again(&mut self, mut messages: &[u8]) -> io::Result<()> {
        while let Some([high, low]) = messages.get(16..18) {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let (message, rest) = messages
                .split_at_checked(length)
                .filter(|_| length > 0)
                .unwrap_or((messages, &[]));
            writeln!(self.out, "{}", json::hex(message))?;
            messages = rest;
        }
        Ok(())
    }

    /// Writes text as it is.
    pub(super) fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.out.write_all(text)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A time as RFC 3339 writes it.
pub(super) fn time(time: Time) -> String {
    let seconds = i64::try_from(time.seconds).unwrap_or(i64::MAX);
    let nanos = i32::try_from(time.nanos).unwrap_or(0);
    match jiff::Timestamp::new(seconds, nanos) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{seconds}s"),
    }
}
