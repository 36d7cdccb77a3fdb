//! Changes of AS_PATH.

use super::AttrEditor;
use crate::Asn;
use crate::attribute::{AsPathRef, AttrCode, SegmentKind};

/// The most ASes a segment can name.
const MAX_SEGMENT: usize = 255;

impl AttrEditor {
    /// Sets AS_PATH to one sequence, or to nothing.
    pub fn set_as_path(&mut self, sequence: &[Asn]) {
        self.build(AttrCode::AS_PATH, |_, value| {
            for part in sequence.chunks(MAX_SEGMENT) {
                value.extend_from_slice(&[
                    SegmentKind::Sequence.code(),
                    u8::try_from(part.len()).unwrap_or(0),
                ]);
                part.iter()
                    .for_each(|asn| value.extend_from_slice(&asn.0.to_be_bytes()));
            }
        });
    }

    /// Sets AS_PATH to segments; those without an AS are left out.
    pub fn set_as_path_segments(&mut self, segments: &[(SegmentKind, &[Asn])]) {
        self.build(AttrCode::AS_PATH, |_, value| {
            for (kind, asns) in segments {
                for part in asns.chunks(MAX_SEGMENT) {
                    value.extend_from_slice(&[kind.code(), u8::try_from(part.len()).unwrap_or(0)]);
                    part.iter()
                        .for_each(|asn| value.extend_from_slice(&asn.0.to_be_bytes()));
                }
            }
        });
    }

    /// Puts an AS in front of AS_PATH, so many times (RFC 4271 §5.1.2 b).
    pub fn prepend_as_path(&mut self, asn: Asn, times: usize) {
        self.prepend(SegmentKind::Sequence, asn, times);
    }

    /// Puts a member AS in front of AS_PATH, as is done towards another member of the confederation
    /// (RFC 5065 §4.1).
    pub fn prepend_confed_as(&mut self, asn: Asn, times: usize) {
        self.prepend(SegmentKind::ConfedSequence, asn, times);
    }

    fn prepend(&mut self, kind: SegmentKind, asn: Asn, times: usize) {
        // Of the new ASes, as many as fit join the first segment if it is of the same kind.
        self.build(AttrCode::AS_PATH, |old, value| {
            let (count, rest) = match old {
                [code, count, rest @ ..] if *code == kind.code() => (usize::from(*count), rest),
                _ => (0, old),
            };
            let joined = times.min(MAX_SEGMENT - count);
            let mut before = times - joined;
            while before > 0 {
                let part = before.min(MAX_SEGMENT);
                put_segment(value, kind, part, asn, part);
                before -= part;
            }
            if joined + count > 0 {
                put_segment(value, kind, joined + count, asn, joined);
            }
            value.extend_from_slice(rest);
        });
    }

    /// Removes the confederation segments of AS_PATH, as is done when a route leaves the
    /// confederation (RFC 5065 §4.1).
    pub fn remove_confed_segments(&mut self) {
        self.retain_segments(|kind| !kind.is_confed());
    }

    fn retain_segments(&mut self, keep: impl Fn(SegmentKind) -> bool) {
        if self
            .get()
            .as_path()
            .segments()
            .all(|segment| keep(segment.kind))
        {
            return;
        }
        self.build(AttrCode::AS_PATH, |old, value| {
            for segment in AsPathRef(old)
                .segments()
                .filter(|segment| keep(segment.kind))
            {
                value.extend_from_slice(&[
                    segment.kind.code(),
                    u8::try_from(segment.len()).unwrap_or(0),
                ]);
                segment
                    .iter()
                    .for_each(|asn| value.extend_from_slice(&asn.0.to_be_bytes()));
            }
        });
    }

    /// Changes the ASes of AS_PATH one by one; `None` removes an AS, and a segment that becomes
    /// empty goes with it.
    pub fn map_as_path(&mut self, change: impl Fn(Asn) -> Option<Asn>) {
        if self
            .get()
            .as_path()
            .iter()
            .all(|asn| change(asn) == Some(asn))
        {
            return;
        }
        self.build(AttrCode::AS_PATH, |old, value| {
            for segment in AsPathRef(old).segments() {
                let kept = segment.iter().filter_map(&change).count();
                if kept > 0 {
                    value
                        .extend_from_slice(&[segment.kind.code(), u8::try_from(kept).unwrap_or(0)]);
                    segment
                        .iter()
                        .filter_map(&change)
                        .for_each(|asn| value.extend_from_slice(&asn.0.to_be_bytes()));
                }
            }
        });
    }
}

/// The head of a segment of `count` ASes, and the first `times` of them.
fn put_segment(value: &mut Vec<u8>, kind: SegmentKind, count: usize, asn: Asn, times: usize) {
    value.extend_from_slice(&[kind.code(), u8::try_from(count).unwrap_or(u8::MAX)]);
    for _ in 0..times {
        value.extend_from_slice(&asn.0.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Segment;

    fn editor() -> AttrEditor {
        let mut editor = AttrEditor::new();
        editor.set_as_path(&[Asn(65001)]);
        editor
    }

    /// RFC 4271 §5.1.2, RFC 5065 §4.1.
    #[test]
    fn as_numbers_are_prepended_to_the_segment_they_belong_to() {
        let path = |editor: &AttrEditor| editor.get().as_path().to_string();
        let mut editor = editor();
        editor.prepend_as_path(Asn(7), 2);
        assert_eq!(path(&editor), "7 7 65001");
        editor.prepend_confed_as(Asn(64512), 1);
        editor.prepend_confed_as(Asn(64513), 1);
        assert_eq!(path(&editor), "(64513 64512) 7 7 65001");
        editor.prepend_as_path(Asn(8), 0);
        assert_eq!(path(&editor), "(64513 64512) 7 7 65001");
        editor.remove_confed_segments();
        assert_eq!(path(&editor), "7 7 65001");
        editor.set_as_path(&[]);
        assert_eq!(path(&editor), "");
        editor.prepend_as_path(Asn(8), 1);
        assert_eq!(path(&editor), "8");
    }

    #[test]
    fn a_full_segment_is_followed_by_another() {
        let mut editor = editor();
        editor.prepend_as_path(Asn(7), 600);
        let attrs = editor.get();
        assert_eq!(
            attrs
                .as_path()
                .segments()
                .map(Segment::len)
                .collect::<Vec<_>>(),
            [255, 91, 255]
        );
        assert_eq!(attrs.as_path().len(), 601);
        assert_eq!(attrs.as_path().origin_as(), Some(Asn(65001)));
    }

    #[test]
    fn as_numbers_are_changed_and_dropped_one_by_one() {
        let mut editor = editor();
        editor.set_as_path_segments(&[
            (SegmentKind::Sequence, &[Asn(1), Asn(64512), Asn(2)]),
            (SegmentKind::Set, &[Asn(64512)]),
        ]);
        editor.map_as_path(|asn| if asn == Asn(64512) { None } else { Some(asn) });
        assert_eq!(editor.get().as_path().to_string(), "1 2");
        editor.map_as_path(|asn| Some(if asn == Asn(2) { Asn(9) } else { asn }));
        assert_eq!(editor.get().as_path().to_string(), "1 9");
    }
}
