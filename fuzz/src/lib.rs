//! What the fuzz targets share: how the first octets of an input choose a session, and how the rest is cut up.
//!
//! | target | input | law |
//! |---|---|---|
//! | `framing` | a stream | a frame is what its length says, and is found only once it is whole |
//! | `messages` | kind, body | OPEN, NOTIFICATION, ROUTE-REFRESH: what was read and can be written is read again as it was |
//! | `update` | session, body | every octet is accounted for; NLRI are as many as counted and without host bits |
//! | `nlri` | family, form, octets | as many as counted; decode(encode(x)) = x; parse(print(x)) = x |
//! | `attribute` | session, flags, code, value | one attribute resets no session; the canonical form is a fixed point |
//! | `text` | what, a text | parse(print(x)) = x |
//! | `containers` | which, octets | hexadecimal, streams, captures, MRT: no octet is told twice |
//! | `differential` | session, body | where neither of two other codecs objects either, NLRI and attributes agree with its own |
//! | `decode_encode_decode` | session, type, body | decode(encode(x)) = x; the canonical form of attributes is a fixed point |
//! | `session_bytes` | configuration, a script | the machine of `bgp-session` stays sound whatever its peer and its driver do |
//! | `bfd_packets` | a script of packets and times | the BFD machine stays sound whatever its peer and its driver do |
//! | `rib_inbound` | a script of UPDATEs | who is told holds what the table says; withdrawing all empties everything |
//!
//! Whatever reads something asks for no more memory than a small multiple of what it is given.
//!
//! `corpus/` holds inputs for each, made by `scripts/fuzz-corpus` of seeds (`examples/seeds`) and of what long runs found: the fewest
//! that reach as much. `scripts/fuzz-coverage` says which lines of the codec they reach.

use std::alloc::System;

use bgp_wire::{Asn, Encoding, Family, FamilySet, PeerKind, SessionContext};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

/// Counts what is asked for.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Our AS in every target.
pub const LOCAL_AS: Asn = Asn(65000);
/// The AS of an external peer.
pub const PEER_AS: Asn = Asn(65001);

/// An input that is used up from its front. When there is nothing left, it gives zeros.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of it.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether all is used up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One octet.
    pub fn octet(&mut self) -> u8 {
        self.octets(1).first().copied().unwrap_or(0)
    }

    /// Two octets as a number.
    pub fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.octet(), self.octet()])
    }

    /// That many octets, or what is left.
    pub fn octets(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// What is left.
    #[must_use]
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// The families of `session_bytes` and `rib_inbound`.
#[must_use]
pub fn families() -> FamilySet {
    FamilySet::from([Family::IPV4_UNICAST, Family::IPV6_UNICAST])
}

/// The session that an octet chooses: each bit is something that two speakers may have agreed on.
#[must_use]
pub fn session(choice: u8) -> SessionContext {
    let bit = |n: u8| choice >> n & 1 == 1;
    let all = FamilySet::supported();
    let set = |yes: bool| if yes { all } else { FamilySet::EMPTY };
    let kind = match choice & 3 {
        0 | 1 => PeerKind::External,
        2 => PeerKind::Internal,
        _ => PeerKind::Confederation,
    };
    let remote = if kind == PeerKind::Internal {
        LOCAL_AS
    } else {
        PEER_AS
    };
    SessionContext {
        peer_kind: kind,
        asn4: !bit(2),
        max_message: if bit(3) { 65535 } else { 4096 },
        add_path_receive: set(bit(4)),
        add_path_send: set(bit(4)),
        extended_next_hop: set(bit(5)),
        families: all,
        accept_as_set: bit(6),
        same_domain: true,
        enforce_first_as: bit(7),
        ..SessionContext::new(LOCAL_AS, remote)
    }
}

/// How messages are written on such a session when any length will do.
#[must_use]
pub fn encoding(ctx: &SessionContext) -> Encoding {
    Encoding {
        asn4: ctx.asn4,
        max_message: 65535,
        ..Encoding::default()
    }
}

/// A whole message of this type.
#[must_use]
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let body = &body[..body.len().min(65535 - 19)];
    let mut bytes = vec![0xff; 16];
    bytes.extend(u16::try_from(19 + body.len()).unwrap_or(0).to_be_bytes());
    bytes.push(kind);
    bytes.extend_from_slice(body);
    bytes
}

/// Fails if `read` asks for more memory than a small multiple of the octets that it is given.
pub fn with_bounded_memory<T>(octets: usize, read: impl FnOnce() -> T) -> T {
    with_memory_beside(8192, octets, read)
}

/// The same for what has a buffer of some size whatever it is given.
pub fn with_memory_beside<T>(buffer: usize, octets: usize, read: impl FnOnce() -> T) -> T {
    let region = Region::new(ALLOCATOR);
    let result = read();
    let asked = region.change().bytes_allocated;
    // A finding for every three octets, in a list that doubles, is the most there is.
    assert!(
        asked <= 64 * octets + buffer,
        "{asked} octets for {octets} and {buffer}"
    );
    result
}

/// Fails if a field meant for people could play tricks on their terminal.
pub fn are_readable(fields: &impl std::fmt::Debug) {
    is_readable(&format!("{fields:?}"));
}

/// Fails if a text meant for people could play tricks on their terminal.
pub fn is_readable(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
