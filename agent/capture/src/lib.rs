//! BGP messages out of what holds them: hexadecimal text, byte streams, packet captures, MRT files.
//!
//! This crate reads containers and never looks into a message beyond its header. It opens no file and
//! no socket: it is given something to [`Read`](std::io::Read), takes from it as much as it needs next,
//! and holds a bounded piece of it at a time, however long it is and whoever wrote it.
//!
//! # Map
//!
//! | module | |
//! |---|---|
//! | [`hex`] | text to octets, as people paste them |
//! | `hexdump` | the same with offsets and characters beside the octets, as tools print them |
//! | `literal` | the same as arrays and strings in the source of a program |
//! | [`stream`] | a byte stream cut into messages, and found again after junk and gaps |
//! | [`raw`] | a whole byte stream from a reader |
//! | [`packet`] | a captured packet to its TCP segment |
//! | [`tcp`] | segments to the byte stream of each direction of each connection |
//! | [`pcap`] | pcap and pcapng files, through the two above |
//! | [`mrt`] | records of RFC 6396 and RFC 8050 |
//! | [`bgpdump`] | MRT records as the lines that `bgpdump -m` prints |
//! | [`compressed`] | gzip and bzip2, told by their first octets |
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::cast_possible_truncation
    )
)]

pub mod bgpdump;
pub mod compressed;
pub mod hex;
mod hexdump;
mod literal;
pub mod mrt;
pub mod packet;
pub mod pcap;
pub mod raw;
pub mod stream;
pub mod tcp;

use std::io;

/// Why reading stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The reader failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The container ends where it should go on. What came before has been read.
    #[error("ends in the middle of {what} at octet {offset}")]
    Cut {
        /// What it ends in.
        what: &'static str,
        /// The octet at which that begins, counted from 0 in what was given to read.
        offset: u64,
    },
    /// There is less of it than the shortest that can be.
    #[error("{octets} octet{} too few to be {what}", if *octets == 1 { " is" } else { "s are" })]
    Short {
        /// What it begins as, or has to be.
        what: &'static str,
        /// How many octets there are.
        octets: usize,
    },
    /// It is compressed in a way that is not read.
    #[error("compressed with {0}, which is not read here (gzip and bzip2 are): unpack it first")]
    Compression(&'static str),
    /// No packet of a capture is of a link layer that is understood.
    #[error(
        "its packets are of link layer {0}, which is not read here (Ethernet, Linux cooked, loopback and plain IP are)"
    )]
    LinkLayer(i32),
    /// It is not such a container, or is one no more from here on.
    #[error("{reason} at octet {offset}")]
    Format {
        /// What is wrong.
        reason: &'static str,
        /// Where, counted from 0 in what was given to read.
        offset: u64,
    },
}

impl ReadError {
    /// Whether the container is only shorter than it says.
    pub fn is_cut(&self) -> bool {
        match self {
            Self::Cut { .. } => true,
            Self::Io(error) => error.kind() == io::ErrorKind::UnexpectedEof,
            Self::Short { .. }
            | Self::Compression(_)
            | Self::LinkLayer(_)
            | Self::Format { .. } => false,
        }
    }
}

/// When something was captured: seconds since 1970 and nanoseconds of the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    pub seconds: u64,
    /// Nanoseconds of the second.
    pub nanos: u32,
}
