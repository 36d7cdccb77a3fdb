//! AS_PATH as a text: `65000 1.10`, `{1,2}` for a set, `(64512 64513)` and `[1,2]` inside of a
//! confederation.

use std::fmt;
use std::str::FromStr;

use super::{AsPathRef, Segment, SegmentKind};
use crate::Asn;
use crate::text::{ParseTextError, Scanner, Wrong, parse};

/// An AS_PATH with octets of its own, as it is read from a text.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct AsPath(Vec<u8>);

impl AsPath {
    /// The path, borrowed.
    #[allow(
        clippy::should_implement_trait,
        reason = "AsRef cannot give a type with a lifetime of its own"
    )]
    pub fn as_ref(&self) -> AsPathRef<'_> {
        AsPathRef(&self.0)
    }

    /// One more AS at the end of a segment of this kind, the last one if `start` allows that.
    fn push(&mut self, kind: SegmentKind, asn: Asn, start: &mut Option<usize>) {
        let place =
            start.filter(|place| self.0.get(place + 1).is_some_and(|count| *count < u8::MAX));
        let place = place.unwrap_or_else(|| {
            self.0.extend_from_slice(&[kind.code(), 0]);
            self.0.len() - 2
        });
        if let Some(count) = self.0.get_mut(place + 1) {
            *count += 1;
        }
        self.0.extend_from_slice(&asn.0.to_be_bytes());
        *start = Some(place);
    }
}

impl From<AsPathRef<'_>> for AsPath {
    fn from(path: AsPathRef<'_>) -> Self {
        Self(path.as_bytes().to_vec())
    }
}

/// The sign before, between and after the ASes of a segment.
fn signs(kind: SegmentKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        SegmentKind::Sequence => ("", " ", ""),
        SegmentKind::Set => ("{", ",", "}"),
        SegmentKind::ConfedSequence => ("(", " ", ")"),
        SegmentKind::ConfedSet => ("[", ",", "]"),
    }
}

/// How an AS is printed.
type Print = fn(Asn, &mut fmt::Formatter<'_>) -> fmt::Result;

fn print_plain(asn: Asn, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{asn}")
}

fn print_dotted(asn: Asn, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}", asn.dotted())
}

fn print_segment(segment: Segment<'_>, print: Print, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (open, between, close) = signs(segment.kind);
    f.write_str(open)?;
    for (place, asn) in segment.iter().enumerate() {
        f.write_str(if place > 0 { between } else { "" })?;
        print(asn, f)?;
    }
    f.write_str(close)
}

fn print_path(path: AsPathRef<'_>, print: Print, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (place, segment) in path.segments().enumerate() {
        f.write_str(if place > 0 { " " } else { "" })?;
        print_segment(segment, print, f)?;
    }
    Ok(())
}

impl<'a> AsPathRef<'a> {
    /// The path with ASes above 65535 as `high.low` ("asdot", RFC 5396 §2).
    pub fn dotted(self) -> impl fmt::Display + use<'a> {
        fmt::from_fn(move |f| print_path(self, print_dotted, f))
    }
}

impl fmt::Display for AsPathRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_path(*self, print_plain, f)
    }
}

impl fmt::Debug for AsPathRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_segment(*self, print_plain, f)
    }
}

impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for AsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_ref(), f)
    }
}

impl fmt::Debug for AsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_ref(), f)
    }
}

fn asn(scanner: &mut Scanner<'_>) -> Result<Asn, Wrong> {
    scanner.whole("an AS number", |one| one.is_ascii_digit() || one == '.')
}

/// Reads what is printed, plain or dotted. A sequence may be of any length and is cut into segments
/// of 255; what has brackets is one segment.
impl FromStr for AsPath {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const BRACKETED: [SegmentKind; 3] = [
            SegmentKind::Set,
            SegmentKind::ConfedSequence,
            SegmentKind::ConfedSet,
        ];
        let mut path = Self::default();
        if text.is_empty() {
            return Ok(path);
        }
        parse(text, "AS path", |scanner| {
            let mut sequence = None;
            loop {
                let bracketed = BRACKETED
                    .into_iter()
                    .find(|kind| scanner.eat(signs(*kind).0));
                if let Some(kind) = bracketed {
                    let (_, between, close) = signs(kind);
                    let mut segment = None;
                    let start = path.0.len();
                    loop {
                        if path.0.len() - start >= 2 + 4 * usize::from(u8::MAX) {
                            return scanner.wrong("no more than 255 AS numbers in brackets");
                        }
                        path.push(kind, asn(scanner)?, &mut segment);
                        if !scanner.eat(between) {
                            break;
                        }
                    }
                    scanner.expect(close)?;
                    sequence = None;
                } else {
                    path.push(SegmentKind::Sequence, asn(scanner)?, &mut sequence);
                }
                if scanner.rest().is_empty() {
                    return Ok(path);
                }
                scanner.expect(" ")?;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back() {
        for text in [
            "",
            "65001",
            "65001 65002 4200000000",
            "65001 {1,2,3}",
            "{1,2,3}",
            "(64512 64513) 65001",
            "(64512) [1,2] {7} 8 {9}",
        ] {
            let path: AsPath = text.parse().unwrap();
            assert_eq!(path.to_string(), text);
        }
        let path: AsPath = "1.10 AS2".parse::<AsPath>().unwrap_or_default();
        assert_eq!(path, AsPath::default(), "an AS in a path is a number");
        let path: AsPath = "65535 1.10 {1.0}".parse().unwrap();
        assert_eq!(path.to_string(), "65535 65546 {65536}");
        assert_eq!(path.as_ref().dotted().to_string(), "65535 1.10 {1.0}");
    }

    /// RFC 4271 §4.3: the length of a segment is one octet; RFC 5065 §3: the types are 3 and 4.
    #[test]
    fn octets_are_those_of_the_rfc() {
        let path: AsPath = "1 65546 (7) [8,9]".parse().unwrap();
        assert_eq!(
            path.as_ref().as_bytes(),
            [
                2, 2, 0, 0, 0, 1, 0, 1, 0, 10, 3, 1, 0, 0, 0, 7, 4, 2, 0, 0, 0, 8, 0, 0, 0, 9
            ]
        );
        let long: AsPath = vec!["7"; 600].join(" ").parse().unwrap();
        let lengths: Vec<_> = long.as_ref().segments().map(Segment::len).collect();
        assert_eq!(lengths, [255, 255, 90]);
    }

    #[test]
    fn errors_name_the_character() {
        for (text, character) in [
            ("x", 1),
            ("1 x", 3),
            ("1  2", 3),
            ("1 ", 3),
            ("{1,2", 5),
            ("{1 2}", 3),
            ("{}", 2),
            ("(1,2)", 3),
            ("[1 2]", 3),
            ("1 4294967296", 3),
            ("1 1.65536", 3),
            ("{1}2", 4),
        ] {
            let error = text.parse::<AsPath>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
        let many = format!("{{{}}}", vec!["1"; 256].join(","));
        assert!(many.parse::<AsPath>().is_err());
    }
}
