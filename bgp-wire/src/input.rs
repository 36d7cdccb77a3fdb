//! The glue to nom: an error that knows the field and the place, and the few parsers all messages
//! share.
//!
//! Parsers work on slices that are already framed by a length, so only nom's `complete` parsers are
//! used. An error keeps the slice at which it happened; the offset is worked out once, when the
//! error leaves the crate. Nothing is allocated either way.

use nom::bytes::complete::take;
use nom::error::{ErrorKind, ParseError};
use nom::number::complete::{be_u8, be_u16, be_u24, be_u32};
use nom::{Offset, Parser};

use crate::error::{DecodeError, Disposition, Reason};

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed<'a> {
    pub(crate) at: &'a [u8],
    pub(crate) field: &'static str,
    pub(crate) reason: Reason,
    /// What this error asks for, where that is not what the table says of its attribute.
    pub(crate) asks: Option<Disposition>,
}

pub(crate) type Input<'a> = &'a [u8];
pub(crate) type Parsed<'a, T> = nom::IResult<Input<'a>, T, Malformed<'a>>;

impl<'a> ParseError<Input<'a>> for Malformed<'a> {
    // Every parser used here fails for one reason only: the slice is too short. Other reasons are
    // given by name where they arise.
    fn from_error_kind(input: Input<'a>, _: ErrorKind) -> Self {
        Self {
            at: input,
            field: "",
            reason: Reason::Truncated,
            asks: None,
        }
    }

    fn append(_: Input<'a>, _: ErrorKind, other: Self) -> Self {
        other
    }
}

impl<'a> Malformed<'a> {
    pub(crate) fn new(at: Input<'a>, field: &'static str, reason: Reason) -> Self {
        Self {
            at,
            field,
            reason,
            asks: None,
        }
    }

    /// The same, asking for something of its own.
    pub(crate) fn asking(self, disposition: Disposition) -> Self {
        Self {
            asks: Some(disposition),
            ..self
        }
    }

    /// Whether it has no consequences: what it is in is used without it.
    pub(crate) fn is_harmless(&self) -> bool {
        self.asks == Some(Disposition::None)
    }

    /// The error with its place counted from the start of `whole`, which begins `base` octets into
    /// the message.
    pub(crate) fn within(self, whole: &[u8], base: usize) -> DecodeError {
        DecodeError {
            field: self.field,
            offset: base.saturating_add(whole.offset(self.at)),
            reason: self.reason,
        }
    }

    /// The same as an error that no other parser can mend.
    pub(crate) fn failure(self) -> nom::Err<Self> {
        nom::Err::Failure(self)
    }
}

/// The error inside nom's wrapper; `complete` parsers never ask for more.
pub(crate) fn malformed<'a>(error: nom::Err<Malformed<'a>>) -> Malformed<'a> {
    match error {
        nom::Err::Error(error) | nom::Err::Failure(error) => error,
        nom::Err::Incomplete(_) => Malformed::new(&[], "", Reason::Truncated),
    }
}

/// Names what `parser` reads, unless something inside has named it already.
pub(crate) fn field<'a, T>(
    name: &'static str,
    mut parser: impl Parser<Input<'a>, Output = T, Error = Malformed<'a>>,
) -> impl FnMut(Input<'a>) -> Parsed<'a, T> {
    move |input| {
        parser.parse(input).map_err(|error| {
            let mut error = malformed(error);
            if error.field.is_empty() {
                error.field = name;
            }
            error.failure()
        })
    }
}

/// One octet.
pub(crate) fn u8<'a>(name: &'static str) -> impl FnMut(Input<'a>) -> Parsed<'a, u8> {
    field(name, be_u8)
}

/// Two octets, most significant first.
pub(crate) fn u16<'a>(name: &'static str) -> impl FnMut(Input<'a>) -> Parsed<'a, u16> {
    field(name, be_u16)
}

/// Three octets, most significant first.
pub(crate) fn u24<'a>(name: &'static str) -> impl FnMut(Input<'a>) -> Parsed<'a, u32> {
    field(name, be_u24)
}

/// Four octets, most significant first.
pub(crate) fn u32<'a>(name: &'static str) -> impl FnMut(Input<'a>) -> Parsed<'a, u32> {
    field(name, be_u32)
}

/// So many octets as a slice of their own: what reads them cannot read beyond.
pub(crate) fn bytes<'a>(
    name: &'static str,
    length: usize,
) -> impl FnMut(Input<'a>) -> Parsed<'a, Input<'a>> {
    field(name, take(length))
}

/// A length of one octet and the slice it announces.
pub(crate) fn sized_u8<'a>(name: &'static str) -> impl FnMut(Input<'a>) -> Parsed<'a, Input<'a>> {
    move |input| {
        let (rest, length) = u8(name)(input)?;
        bytes(name, usize::from(length))(rest)
    }
}

/// A length of two octets and the slice it announces.
pub(crate) fn sized_u16<'a>(name: &'static str) -> impl FnMut(Input<'a>) -> Parsed<'a, Input<'a>> {
    move |input| {
        let (rest, length) = u16(name)(input)?;
        bytes(name, usize::from(length))(rest)
    }
}

/// `item` until nothing is left.
pub(crate) fn all<'a, T>(
    mut input: Input<'a>,
    mut item: impl FnMut(Input<'a>) -> Parsed<'a, T>,
) -> Result<Vec<T>, Malformed<'a>> {
    let mut items = Vec::new();
    while !input.is_empty() {
        let (rest, parsed) = item(input).map_err(malformed)?;
        // Progress is a promise: a parser that takes nothing would loop for ever.
        if rest.len() >= input.len() {
            return Err(Malformed::new(input, "", Reason::Text("makes no progress")));
        }
        items.push(parsed);
        input = rest;
    }
    Ok(items)
}

/// Fails if anything is left.
pub(crate) fn end<'a>(name: &'static str, rest: Input<'a>) -> Result<(), Malformed<'a>> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Malformed::new(rest, name, Reason::TrailingOctets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_counted_through_nested_slices() {
        let whole = [9, 2, 7, 8, 1];
        let (_, inner) = sized_u8("inner")(&whole[1..]).unwrap();
        let (rest, _) = u8("first")(inner).unwrap();
        let error = malformed(u16("second")(rest).unwrap_err()).within(&whole, 19);
        assert_eq!(
            error,
            DecodeError {
                field: "second",
                offset: 22,
                reason: Reason::Truncated
            }
        );
    }

    #[test]
    fn the_innermost_name_stays() {
        let error = malformed(field("outer", u8("inner")).parse(&[][..]).unwrap_err());
        assert_eq!(error.field, "inner");
    }

    #[test]
    fn a_parser_that_takes_nothing_is_an_error_not_a_loop() {
        assert!(all(&[1], |input| Ok((input, ()))).is_err());
    }
}
