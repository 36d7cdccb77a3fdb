//! AS4_PATH (RFC 6793 §3): what AS_PATH loses on a session with two-octet AS numbers, and how it is
//! put back.

use super::as_path::{AsPathRef, SegmentKind, segment};
use crate::SessionContext;
use crate::error::{Disposition, Reason};
use crate::input::{Input, Malformed};

pub(crate) use super::as_path::{describe, show};

/// RFC 6793 §6 for what is malformed; RFC 7607 §2 for AS 0. §3, §6: confederation segments "MUST NOT
/// be included", are discarded, and "This case SHOULD be logged locally for analysis."
pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    if value.is_empty() {
        return Err(Malformed::new(value, "AS4_PATH", Reason::Length(0)));
    }
    let (mut rest, mut left_out) = (value, Ok(()));
    while !rest.is_empty() {
        let (kind, asns, after) = segment::<4>(rest)?;
        if asns.contains(&[0; 4]) {
            return Err(Malformed::new(
                rest,
                "AS4_PATH segment",
                Reason::Text("contains AS 0"),
            ));
        }
        if kind.is_confed() {
            let why = Reason::Text("is of a confederation, and is left out");
            let odd = Malformed::new(rest, "AS4_PATH segment", why);
            left_out = left_out.and_then(|()| Err(odd.asking(Disposition::None)));
        } else {
            out.extend_from_slice(rest.get(..2 + asns.len() * 4).unwrap_or(&[]));
        }
        rest = after;
    }
    left_out
}

/// Puts what AS4_PATH knows into the canonical path that begins at `start` and ends `out` (RFC 6793
/// §4.2.3).
pub(crate) fn merge(out: &mut Vec<u8>, start: usize, as4: &[u8]) {
    let Some(path) = out.get(start..) else { return };
    // "If the number of AS numbers in the AS_PATH attribute is less than the number of AS numbers
    // in the AS4_PATH attribute, then the AS4_PATH attribute SHALL be ignored".
    let Some(mut wanted) = AsPathRef(path).len().checked_sub(AsPathRef(as4).len()) else {
        return;
    };
    if as4.is_empty() {
        return;
    }

    // "taking as many AS numbers and path segments as necessary from the leading part of the
    // AS_PATH"; a confederation segment goes along "if it is either the leading path segment or is
    // adjacent to a path segment that is prepended".
    let mut taken = 0;
    let mut last = None;
    for segment in AsPathRef(path).segments() {
        let count = match segment.kind {
            SegmentKind::ConfedSequence | SegmentKind::ConfedSet => segment.len(),
            _ if wanted == 0 => break,
            SegmentKind::Set => segment.len(),
            SegmentKind::Sequence => segment.len().min(wanted),
        };
        last = Some((segment.kind, start + taken + 1, count));
        taken += 2 + count * 4;
        wanted = wanted.saturating_sub(if segment.kind.is_confed() {
            0
        } else {
            count.min(segment.path_len())
        });
        if count < segment.len() {
            break;
        }
    }
    out.truncate(start + taken);

    // Two sequences that meet are one.
    let mut rest = as4;
    if let (Some((kind, place, count)), [2, more, after @ ..]) = (last, as4) {
        let joined = u8::try_from(count + usize::from(*more));
        if let Some(slot) = out.get_mut(place) {
            *slot = u8::try_from(count).unwrap_or(u8::MAX);
            if let (SegmentKind::Sequence, Ok(joined)) = (kind, joined) {
                *slot = joined;
                rest = after;
            }
        }
    } else if let Some((_, place, count)) = last
        && let Some(slot) = out.get_mut(place)
    {
        *slot = u8::try_from(count).unwrap_or(u8::MAX);
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::super::as_path::Segment;
    use super::super::as_path::tests::{ctx, path};
    use super::*;
    use crate::PeerKind;

    /// RFC 6793 §4.2.3.
    #[test]
    fn what_as4_path_knows_is_merged() {
        for (old, as4, merged) in [
            ("1 23456 23456", "70000 80000", "1 70000 80000"),
            ("23456 23456", "70000 80000", "70000 80000"),
            ("1 2 23456", "80000", "1 2 80000"),
            // AS4_PATH longer than AS_PATH is ignored.
            ("1 23456", "70000 80000 90000", "1 23456"),
            ("", "70000", ""),
            // A set counts one.
            ("1 23456 {5,6}", "70000 {5,6}", "1 70000 {5,6}"),
            ("1 {5,6} 23456", "70000", "1 {5,6} 70000"),
            // Confederation segments count nothing, and go along when they lead or follow what is
            // taken.
            ("(64512) 1 23456", "70000", "(64512) 1 70000"),
            ("(64512) 23456", "70000", "(64512) 70000"),
            ("1 (64512) 23456", "70000", "1 (64512) 70000"),
            ("1 23456 2", "70000 2", "1 70000 2"),
        ] {
            let mut out = vec![0xaa];
            out.extend(path(old));
            merge(&mut out, 1, &path(as4));
            assert_eq!(AsPathRef(&out[1..]).to_string(), merged, "{old} + {as4}");
        }
    }

    #[test]
    fn sequences_too_long_to_join_stay_two() {
        let long = vec!["1"; 250].join(" ");
        let mut out = path(&format!("7 8 9 10 {long}"));
        merge(&mut out, 0, &path(&vec!["70000"; 200].join(" ")));
        assert_eq!(AsPathRef(&out).len(), 254);
        assert_eq!(AsPathRef(&out).segments().count(), 1);
        let mut out = path(&format!("7 8 9 10 {long}"));
        out.extend(path(&long));
        merge(&mut out, 0, &path(&format!("{long} 70000")));
        assert_eq!(AsPathRef(&out).len(), 504);
        assert_eq!(
            AsPathRef(&out)
                .segments()
                .map(Segment::len)
                .collect::<Vec<_>>(),
            [253, 251]
        );
    }

    #[test]
    fn as4_path_drops_confederation_segments() {
        let mut out = Vec::new();
        let value = path("(64512) 70000 (64513)");
        let error = read(&value, &ctx(PeerKind::External), &mut out).unwrap_err();
        assert_eq!(AsPathRef(&out).to_string(), "70000");
        assert!(error.is_harmless() && error.at == value);
        for bad in [
            vec![],
            vec![2],
            vec![2, 0],
            vec![9, 1, 0, 0, 0, 1],
            path("0"),
        ] {
            assert!(read(&bad, &ctx(PeerKind::External), &mut Vec::new()).is_err());
        }
    }
}
