//! AS_PATH (RFC 4271 §5.1.2, RFC 5065, RFC 6793), canonically with four octets for each AS.

mod text;

use std::fmt;

use bytes::BufMut;

pub use text::AsPath;

use crate::describe::{Fields, Node};
use crate::error::Reason;
use crate::faults::Faults;
use crate::input::{Input, Malformed};
use crate::{Asn, PeerKind, SessionContext};

/// What a segment of an AS_PATH is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SegmentKind {
    /// AS_SET: in no order.
    Set,
    /// AS_SEQUENCE: in the order passed, the last one first.
    Sequence,
    /// AS_CONFED_SEQUENCE (RFC 5065).
    ConfedSequence,
    /// AS_CONFED_SET (RFC 5065).
    ConfedSet,
}

impl SegmentKind {
    #[inline]
    fn from_u8(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Set),
            2 => Some(Self::Sequence),
            3 => Some(Self::ConfedSequence),
            4 => Some(Self::ConfedSet),
            _ => None,
        }
    }

    /// The number of the kind.
    pub fn code(self) -> u8 {
        match self {
            Self::Set => 1,
            Self::Sequence => 2,
            Self::ConfedSequence => 3,
            Self::ConfedSet => 4,
        }
    }

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Set => "AS_SET",
            Self::Sequence => "AS_SEQUENCE",
            Self::ConfedSequence => "AS_CONFED_SEQUENCE",
            Self::ConfedSet => "AS_CONFED_SET",
        }
    }

    /// Whether it speaks of member ASes of a confederation.
    pub fn is_confed(self) -> bool {
        matches!(self, Self::ConfedSequence | Self::ConfedSet)
    }

    /// Whether it has no order.
    pub fn is_set(self) -> bool {
        matches!(self, Self::Set | Self::ConfedSet)
    }
}

/// One segment of an AS_PATH.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// What it is.
    pub kind: SegmentKind,
    asns: &'a [[u8; 4]],
}

impl<'a> Segment<'a> {
    /// The ASes of the segment.
    #[inline]
    pub fn iter(
        self,
    ) -> impl ExactSizeIterator<Item = Asn> + DoubleEndedIterator + Clone + use<'a> {
        self.asns.iter().map(|four| Asn(u32::from_be_bytes(*four)))
    }

    /// How many ASes it names.
    pub fn len(self) -> usize {
        self.asns.len()
    }

    /// Whether it names none, which no segment of a valid path does.
    pub fn is_empty(self) -> bool {
        self.asns.is_empty()
    }

    /// What it adds to the length of the path (RFC 4271 §9.1.2.2, RFC 5065 §5.3).
    #[inline]
    pub(super) fn path_len(self) -> usize {
        match self.kind {
            SegmentKind::Sequence => self.asns.len(),
            SegmentKind::Set => 1,
            SegmentKind::ConfedSequence | SegmentKind::ConfedSet => 0,
        }
    }
}

/// An AS_PATH in canonical form.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AsPathRef<'a>(pub(super) &'a [u8]);

impl<'a> AsPathRef<'a> {
    /// The path with these octets, which came from [`as_bytes`](Self::as_bytes).
    pub fn from_canonical(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The canonical octets.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The segments in order.
    #[inline]
    pub fn segments(self) -> impl Iterator<Item = Segment<'a>> + Clone + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let [kind, count, after @ ..] = rest else {
                return None;
            };
            let (asns, after) = after.split_at_checked(usize::from(*count) * 4)?;
            rest = after;
            Some(Segment {
                kind: SegmentKind::from_u8(*kind)?,
                asns: asns.as_chunks().0,
            })
        })
    }

    /// All ASes, of whatever segment.
    pub fn iter(self) -> impl Iterator<Item = Asn> + Clone + use<'a> {
        self.segments().flat_map(Segment::iter)
    }

    /// The length that the decision compares: a set counts one (RFC 4271 §9.1.2.2), confederation
    /// segments nothing (RFC 5065 §5.3).
    #[inline]
    pub fn len(self) -> usize {
        self.segments().map(Segment::path_len).sum()
    }

    /// Whether there is no AS at all, as in a route of the own AS.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The neighbouring AS the route came from, whose MEDs can be compared (RFC 4271 §9.1.2.2 c):
    /// the first AS of the first segment that is not of a confederation, if that is a sequence.
    #[inline]
    pub fn neighbor_as(self) -> Option<Asn> {
        let first = self.segments().find(|segment| !segment.kind.is_confed())?;
        if first.kind == SegmentKind::Sequence {
            first.iter().next()
        } else {
            None
        }
    }

    /// The AS that brought the route into BGP: the last of the path, if that is not in a set.
    pub fn origin_as(self) -> Option<Asn> {
        let last = self.segments().last()?;
        if last.kind.is_set() {
            None
        } else {
            last.iter().next_back()
        }
    }

    /// The leftmost AS, in whatever kind of sequence.
    pub fn first_as(self) -> Option<Asn> {
        let first = self.segments().next()?;
        if first.kind.is_set() {
            None
        } else {
            first.iter().next()
        }
    }

    /// Whether the AS is in the path.
    #[inline]
    pub fn contains(self, asn: Asn) -> bool {
        self.segments()
            .any(|segment| segment.asns.contains(&asn.0.to_be_bytes()))
    }

    /// How often the AS is in the path.
    pub fn count(self, asn: Asn) -> usize {
        self.iter().filter(|one| *one == asn).count()
    }

    /// Whether there is an AS_SET or an AS_CONFED_SET.
    pub fn has_set(self) -> bool {
        self.segments().any(|segment| segment.kind.is_set())
    }

    /// Whether there is an AS that two octets cannot say.
    pub(crate) fn needs_four_octets(self) -> bool {
        self.iter().any(|asn| !asn.fits_two_octets())
    }

    /// Writes the path with two octets for each AS (RFC 6793 §4.2.2).
    pub(crate) fn put_old(self, out: &mut impl BufMut) {
        for segment in self.segments() {
            out.put_u8(segment.kind.code());
            out.put_u8(u8::try_from(segment.len()).unwrap_or(u8::MAX));
            segment
                .iter()
                .for_each(|asn| out.put_u16(asn.to_two_octets()));
        }
    }

    /// Writes the path as AS4_PATH has it: without confederation segments (RFC 6793 §3).
    pub(crate) fn put_as4(self, out: &mut impl BufMut) {
        for segment in self.segments().filter(|segment| !segment.kind.is_confed()) {
            out.put_u8(segment.kind.code());
            out.put_u8(u8::try_from(segment.len()).unwrap_or(u8::MAX));
            out.put_slice(segment.asns.as_flattened());
        }
    }
}

pub(crate) fn read<'a>(
    value: Input<'a>,
    ctx: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    if ctx.asn4 {
        check::<4>(value, ctx)?;
    } else {
        check::<2>(value, ctx)?;
        widen(value, out);
    }
    Ok(())
}

/// Adds all that is wrong with a path that was refused.
pub(crate) fn each_fault<'a>(value: Input<'a>, ctx: &SessionContext, all: &mut Faults<'a>) {
    if ctx.asn4 {
        add_each::<4>(value, ctx, all);
    } else {
        add_each::<2>(value, ctx, all);
    }
}

#[cold]
fn add_each<'a, const N: usize>(value: Input<'a>, ctx: &SessionContext, all: &mut Faults<'a>) {
    let mut rest = value;
    while !rest.is_empty() {
        match segment::<N>(rest) {
            Ok((kind, asns, after)) => {
                segment_faults(rest, kind, asns, ctx).for_each(|fault| all.add(fault));
                rest = after;
            }
            // What follows cannot be cut.
            Err(fault) => return all.add(fault),
        }
    }
    if let Err(fault) = check_beginning::<N>(value, ctx) {
        all.add(fault);
    }
}

/// The rules for a received AS_PATH whose ASes take `N` octets.
#[inline]
fn check<'a, const N: usize>(value: Input<'a>, ctx: &SessionContext) -> Result<(), Malformed<'a>> {
    let mut rest = value;
    while !rest.is_empty() {
        let (kind, asns, after) = segment::<N>(rest)?;
        let is_usual = kind == SegmentKind::Sequence && !asns.contains(&[0; N]);
        if !is_usual && let Some(fault) = segment_faults(rest, kind, asns, ctx).next() {
            return Err(fault);
        }
        rest = after;
    }
    check_beginning::<N>(value, ctx)
}

/// What is wrong with a segment that could be cut.
fn segment_faults<'a, const N: usize>(
    segment: Input<'a>,
    kind: SegmentKind,
    asns: &'a [[u8; N]],
    ctx: &SessionContext,
) -> impl Iterator<Item = Malformed<'a>> + use<'a, N> {
    // RFC 5065 §5: confederation segments "from a neighbor that is not located in the same
    // confederation" are an error.
    let outside = kind.is_confed() && ctx.peer_kind == PeerKind::External;
    // RFC 9774 §3: "Unless explicitly configured by a network operator to do otherwise", an UPDATE with
    // an AS_SET or AS_CONFED_SET is treat-as-withdraw.
    let set = kind.is_set() && !ctx.accept_as_set;
    // RFC 7607 §2.
    let zero = asns.contains(&[0; N]);
    let wrong = [
        (outside, "is of a confederation, the peer is outside of it"),
        (set, "is a set, which is not accepted"),
        (zero, "contains AS 0"),
    ];
    let wrong = wrong.into_iter().filter(|(is_so, _)| *is_so);
    wrong.map(move |(_, text)| Malformed::new(segment, "AS_PATH segment", Reason::Text(text)))
}

/// What a path of this peer has to begin with.
#[inline]
fn check_beginning<'a, const N: usize>(
    value: Input<'a>,
    ctx: &SessionContext,
) -> Result<(), Malformed<'a>> {
    let why = match ctx.peer_kind {
        // RFC 5065 §5: it is an error if the path from a peer in another member AS does not have
        // AS_CONFED_SEQUENCE as its first segment.
        PeerKind::Confederation if value.first() != Some(&SegmentKind::ConfedSequence.code()) => {
            "does not start with AS_CONFED_SEQUENCE"
        }
        PeerKind::External if ctx.enforce_first_as && !starts_with::<N>(value, ctx.remote_as) => {
            "does not start with the AS of the peer"
        }
        _ => return Ok(()),
    };
    Err(Malformed::new(value, "AS_PATH", Reason::Text(why)))
}

/// The first segment of what is left, whatever it means (RFC 7606 §7.2).
#[inline]
#[allow(
    clippy::type_complexity,
    reason = "kind, ASes and rest need no name of their own"
)]
pub(super) fn segment<const N: usize>(
    rest: Input<'_>,
) -> Result<(SegmentKind, &[[u8; N]], Input<'_>), Malformed<'_>> {
    let [kind, count, after @ ..] = rest else {
        return Err(Malformed::new(rest, "AS_PATH segment", Reason::Truncated));
    };
    let Some(kind) = SegmentKind::from_u8(*kind) else {
        return Err(Malformed::new(
            rest,
            "AS_PATH segment type",
            Reason::Value(u32::from(*kind)),
        ));
    };
    if *count == 0 {
        return Err(Malformed::new(
            rest,
            "AS_PATH segment",
            Reason::Text("is empty"),
        ));
    }
    match after.split_at_checked(usize::from(*count) * N) {
        Some((asns, after)) => Ok((kind, asns.as_chunks().0, after)),
        None => Err(Malformed::new(rest, "AS_PATH segment", Reason::Truncated)),
    }
}

fn starts_with<const N: usize>(path: Input<'_>, asn: Asn) -> bool {
    let [2, _, first @ ..] = path else {
        return false;
    };
    let first = first.get(..N).unwrap_or(&[]);
    match N {
        2 => first == asn.to_two_octets().to_be_bytes(),
        _ => first == asn.0.to_be_bytes(),
    }
}

/// From two octets for each AS to four. The path has been checked.
fn widen(path: Input<'_>, out: &mut Vec<u8>) {
    let mut rest = path;
    while let Ok((kind, asns, after)) = segment::<2>(rest) {
        out.extend_from_slice(&[kind.code(), u8::try_from(asns.len()).unwrap_or(u8::MAX)]);
        for [high, low] in asns {
            out.extend_from_slice(&[0, 0, *high, *low]);
        }
        rest = after;
    }
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "as-path \"{}\"", AsPathRef(value))
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    let path = AsPathRef(value);
    fields.text("as_path", path);
    fields.list(
        "segments",
        path.segments().map(|segment| {
            Node::fields(|fields| {
                fields.named("type", segment.kind.code(), Some(segment.kind.name()));
                fields.list(
                    "as_numbers",
                    segment.iter().map(|asn| Node::Number(u64::from(asn.0))),
                );
            })
        }),
    );
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The octets of a path.
    pub(crate) fn path(text: &str) -> Vec<u8> {
        let path: AsPath = text.parse().unwrap();
        path.as_ref().as_bytes().to_vec()
    }

    pub(crate) fn ctx(kind: PeerKind) -> SessionContext {
        SessionContext {
            peer_kind: kind,
            ..SessionContext::new(Asn(65000), Asn(65001))
        }
    }

    #[test]
    fn texts_lengths_and_neighbours() {
        for (text, len, neighbor, origin) in [
            ("", 0, None, None),
            ("65001", 1, Some(65001), Some(65001)),
            (
                "65001 65002 4200000000",
                3,
                Some(65001),
                Some(4_200_000_000),
            ),
            ("65001 {1,2,3}", 2, Some(65001), None),
            ("{1,2,3}", 1, None, None),
            ("(64512 64513) 65001", 1, Some(65001), Some(65001)),
            ("(64512) [1,2] {7}", 1, None, None),
            ("(64512)", 0, None, Some(64512)),
        ] {
            let bytes = path(text);
            let path = AsPathRef(&bytes);
            assert_eq!(path.to_string(), text);
            assert_eq!(path.len(), len, "{text}");
            assert_eq!(path.neighbor_as(), neighbor.map(Asn), "{text}");
            assert_eq!(path.origin_as(), origin.map(Asn), "{text}");
        }
        let bytes = path("1 2 1 {1,3}");
        assert_eq!(AsPathRef(&bytes).count(Asn(1)), 3);
        assert!(AsPathRef(&bytes).contains(Asn(3)) && !AsPathRef(&bytes).contains(Asn(4)));
    }

    /// RFC 7606 §7.2, RFC 7607 §2, RFC 5065 §5, RFC 9774 §3.
    #[test]
    fn malformed_paths_are_refused() {
        let external = ctx(PeerKind::External);
        let confed = ctx(PeerKind::Confederation);
        let internal = ctx(PeerKind::Internal);
        let sets = SessionContext {
            accept_as_set: true,
            ..ctx(PeerKind::External)
        };
        let first = SessionContext {
            enforce_first_as: true,
            ..ctx(PeerKind::External)
        };
        for (name, ctx, bytes, good) in [
            ("plain", &external, path("65001 2"), true),
            ("empty", &external, vec![], true),
            ("segment type 0", &external, vec![0, 1, 0, 0, 0, 1], false),
            ("segment type 5", &external, vec![5, 1, 0, 0, 0, 1], false),
            ("segment of nothing", &external, vec![2, 0], false),
            (
                "nothing after a segment",
                &external,
                vec![2, 1, 0, 0, 0, 1, 2, 0],
                false,
            ),
            ("overrun", &external, vec![2, 2, 0, 0, 0, 1], false),
            (
                "one octet left",
                &external,
                vec![2, 1, 0, 0, 0, 1, 2],
                false,
            ),
            ("AS 0", &external, path("65001 0 3"), false),
            ("set", &external, path("65001 {1,2}"), false),
            ("set where accepted", &sets, path("65001 {1,2}"), true),
            (
                "confederation from outside",
                &external,
                path("(1) 65001"),
                false,
            ),
            (
                "confederation set from outside",
                &sets,
                path("65001 [1]"),
                false,
            ),
            (
                "confederation from a member",
                &confed,
                path("(65001) 7"),
                true,
            ),
            (
                "member without confederation",
                &confed,
                path("65001 7"),
                false,
            ),
            ("member with nothing", &confed, vec![], false),
            (
                "confederation from inside",
                &internal,
                path("(1) 65001"),
                true,
            ),
            ("empty from inside", &internal, vec![], true),
            ("first AS enforced", &first, path("65001 7"), true),
            ("other first AS", &first, path("65002 7"), false),
            ("no first AS", &first, vec![], false),
        ] {
            let mut out = Vec::new();
            assert_eq!(read(&bytes, ctx, &mut out).is_ok(), good, "{name}");
            assert!(out.is_empty(), "canonical as it is: {name}");
        }
    }

    #[test]
    fn two_octets_become_four() {
        let old = SessionContext {
            asn4: false,
            ..ctx(PeerKind::External)
        };
        let mut out = Vec::new();
        read(&[2, 2, 0xfd, 0xe9, 0x5b, 0xa0], &old, &mut out).unwrap();
        assert_eq!(AsPathRef(&out).to_string(), "65001 23456");
        let mut back = Vec::new();
        AsPathRef(&out).put_old(&mut back);
        assert_eq!(back, [2, 2, 0xfd, 0xe9, 0x5b, 0xa0]);
    }
}
