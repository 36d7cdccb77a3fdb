//! Hexadecimal text to octets, as people copy it from logs, captures and RFCs.
//!
//! Between octets may be spaces, line breaks, tabs, `:`, `,`, `0x` and `\x`; the two digits of an octet
//! stand together. Nothing else: a letter that is no digit is more likely a mistake than a decoration.
//! Only where the offsets of a dump prove what is what are they, and the characters beside the octets,
//! passed over; and what stands around the octets of an array or a string in the source of a program.

use std::io::{self, BufRead, Chain, Cursor, Read};

use crate::hexdump::{self, Dump};
use crate::literal::Literal;

/// A text that is not what octets look like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// A character that has no place here.
    #[error("line {line}, column {column}: {character:?} is no hexadecimal digit")]
    Character {
        /// The character.
        character: char,
        /// Its line, counted from 1.
        line: u64,
        /// Its place in the line in characters, counted from 1.
        column: u64,
    },
    /// An octet of one digit.
    #[error("line {line}, column {column}: an octet has two digits, here is one")]
    HalfOctet {
        /// The line of the digit, counted from 1.
        line: u64,
        /// Its place in the line in characters, counted from 1.
        column: u64,
    },
    /// A line of a dump whose offset is not that of its octets.
    #[error("line {line}: the offset is {found:#06x}, that of the octets is {expected:#06x}")]
    Offset {
        /// The line, counted from 1.
        line: u64,
        /// The offset it has.
        found: u64,
        /// The octets of the dump before it.
        expected: u64,
    },
    /// A line of a dump without an offset.
    #[error("line {line}: no offset stands in front, as in the lines of the dump before")]
    NoOffset {
        /// The line, counted from 1.
        line: u64,
    },
    /// The source of a program without its end.
    #[error("line {line}: the text ends, and {missing:?} is missing")]
    Open {
        /// The bracket or quote that would have to come.
        missing: char,
        /// The last line, counted from 1.
        line: u64,
    },
    /// A dump without the lines that are as the one before.
    #[error("line {line}: lines are left out of the dump (hexdump -v and od -v print all)")]
    LeftOut {
        /// The line, counted from 1.
        line: u64,
    },
}

impl From<HexError> for io::Error {
    fn from(error: HexError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Reads octets out of a text.
///
/// What it gives before an error is good. The error is an [`io::Error`] around a [`HexError`].
#[derive(Debug)]
pub struct HexReader<R> {
    /// The lines that were looked at first, and the others.
    text: Chain<Cursor<Vec<u8>>, R>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// Nothing has been read.
    Unknown,
    Plain {
        state: State,
        /// What ended the octets. It is told after them.
        failed: Option<HexError>,
    },
    Pieces {
        of: Pieces,
        /// The octets of a piece of the text, and how many of them have been given.
        octets: Vec<u8>,
        given: usize,
        /// What ended the octets. It is told after them.
        failed: Option<io::Error>,
    },
}

/// A form of which a piece is read at a time.
#[derive(Debug)]
enum Pieces {
    Dump(Dump),
    Literal(Literal),
}

impl Pieces {
    /// Adds the octets of the next piece to `out`; whether there was one.
    fn read(&mut self, text: &mut impl BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        match self {
            Self::Dump(dump) => dump.read(text, out),
            Self::Literal(literal) => literal.read(text, out),
        }
    }
}

/// Where in the text we are.
#[derive(Clone, Debug)]
pub(crate) struct State {
    line: u64,
    column: u64,
    before: Before,
}

/// What the last character was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    /// The first digit of an octet.
    Digit(u8),
    /// The `\` of `\x`.
    Backslash,
    /// The rest of a character of several octets.
    Within(u8, u32),
}

impl<R: BufRead> HexReader<R> {
    /// Reads from a text.
    pub fn new(text: R) -> Self {
        Self {
            text: Cursor::new(Vec::new()).chain(text),
            form: Form::Unknown,
        }
    }
}

impl State {
    /// In front of the character behind this place.
    pub(crate) fn at(line: u64, column: u64) -> Self {
        Self {
            line,
            column,
            before: Before::Nothing,
        }
    }

    /// Takes one octet of the text; an octet of the result if it is complete.
    pub(crate) fn take(&mut self, octet: u8) -> Result<Option<u8>, HexError> {
        if let Before::Within(left, character) = self.before {
            return self.within(left, character, octet);
        }
        self.column += 1;
        match (self.before, octet) {
            (Before::Nothing, b'\n') => {
                self.line += 1;
                self.column = 0;
                Ok(None)
            }
            (Before::Nothing, b' ' | b'\t' | b'\r' | b':' | b',') => Ok(None),
            (Before::Nothing, b'\\') => {
                self.before = Before::Backslash;
                Ok(None)
            }
            // `0x`: the zero was no digit of an octet.
            (Before::Backslash, b'x') | (Before::Digit(0), b'x' | b'X') => {
                self.before = Before::Nothing;
                Ok(None)
            }
            (Before::Digit(_), b' ' | b'\t' | b'\r' | b'\n' | b':' | b',' | b'\\') => {
                self.column -= 1;
                Err(self.half())
            }
            (Before::Backslash, _) => {
                self.column -= 1;
                Err(self.wrong('\\'))
            }
            (before, octet) => {
                let Some(digit) = digit(octet) else {
                    return self.other(octet);
                };
                if let Before::Digit(high) = before {
                    self.before = Before::Nothing;
                    Ok(Some(high << 4 | digit))
                } else {
                    self.before = Before::Digit(digit);
                    Ok(None)
                }
            }
        }
    }

    /// A character that has no place here. It may be longer than an octet, and is to be named whole.
    fn other(&mut self, octet: u8) -> Result<Option<u8>, HexError> {
        let (left, bits) = match octet {
            0xc0..=0xdf => (1, octet & 0x1f),
            0xe0..=0xef => (2, octet & 0x0f),
            0xf0..=0xf7 => (3, octet & 0x07),
            0x80.. => return Err(self.wrong(char::REPLACEMENT_CHARACTER)),
            ascii => return Err(self.wrong(char::from(ascii))),
        };
        self.before = Before::Within(left, u32::from(bits));
        Ok(None)
    }

    fn within(&mut self, left: u8, character: u32, octet: u8) -> Result<Option<u8>, HexError> {
        if octet & 0xc0 != 0x80 {
            return Err(self.wrong(char::REPLACEMENT_CHARACTER));
        }
        let character = character << 6 | u32::from(octet & 0x3f);
        if left > 1 {
            self.before = Before::Within(left - 1, character);
            return Ok(None);
        }
        let whole = char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER);
        // What editors and web pages put in front or between, and nobody sees.
        if matches!(whole, '\u{feff}' | '\u{a0}' | '\u{200b}') {
            self.before = Before::Nothing;
            return Ok(None);
        }
        Err(self.wrong(whole))
    }

    /// The text is over.
    pub(crate) fn end(&self) -> Result<(), HexError> {
        match self.before {
            Before::Nothing => Ok(()),
            Before::Digit(_) => Err(self.half()),
            Before::Backslash => Err(self.wrong('\\')),
            Before::Within(..) => Err(self.wrong(char::REPLACEMENT_CHARACTER)),
        }
    }

    fn wrong(&self, character: char) -> HexError {
        HexError::Character {
            character,
            line: self.line,
            column: self.column,
        }
    }

    fn half(&self) -> HexError {
        HexError::HalfOctet {
            line: self.line,
            column: self.column,
        }
    }
}

pub(crate) fn digit(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        b'A'..=b'F' => Some(octet - b'A' + 10),
        _ => None,
    }
}

impl<R: BufRead> Read for HexReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if matches!(self.form, Form::Unknown) {
            let (lines, rest) = self.text.get_mut();
            let (seen, dump) = hexdump::look(rest)?;
            self.form = Form::of(dump, &seen);
            *lines = Cursor::new(seen);
        }
        match &mut self.form {
            Form::Unknown => Ok(0),
            Form::Plain { state, failed } => read_plain(&mut self.text, state, failed, out),
            Form::Pieces {
                of,
                octets,
                given,
                failed,
            } => {
                while *given == octets.len() && !out.is_empty() {
                    octets.clear();
                    *given = 0;
                    if let Some(error) = failed.take() {
                        return Err(error);
                    }
                    match of.read(&mut self.text, octets) {
                        Ok(true) => {}
                        Ok(false) => return Ok(0),
                        Err(error) => *failed = Some(error),
                    }
                }
                let mut rest = octets.get(*given..).unwrap_or(&[]);
                let read = rest.read(out)?;
                *given += read;
                Ok(read)
            }
        }
    }
}

impl Form {
    /// The form of a text that begins with what was seen.
    fn of(dump: Option<Dump>, seen: &[u8]) -> Self {
        let of = dump.map(Pieces::Dump);
        match of.or_else(|| Literal::of(seen).map(Pieces::Literal)) {
            Some(of) => Self::Pieces {
                of,
                octets: Vec::new(),
                given: 0,
                failed: None,
            },
            None => Self::Plain {
                state: State::at(1, 0),
                failed: None,
            },
        }
    }
}

fn read_plain(
    text: &mut impl BufRead,
    state: &mut State,
    failed: &mut Option<HexError>,
    out: &mut [u8],
) -> io::Result<usize> {
    let mut written = 0;
    while written == 0 && !out.is_empty() {
        if let Some(error) = failed.clone() {
            return Err(error.into());
        }
        let piece = text.fill_buf()?;
        if piece.is_empty() {
            state.end()?;
            break;
        }
        let mut slots = out.iter_mut();
        // An octet of text gives at most one octet.
        let piece = piece.get(..slots.len()).unwrap_or(piece);
        for &octet in piece {
            match state.take(octet) {
                Ok(None) => {}
                Ok(Some(octet)) => {
                    if let Some(slot) = slots.next() {
                        *slot = octet;
                        written += 1;
                    }
                }
                Err(error) => {
                    *failed = Some(error);
                    break;
                }
            }
        }
        let used = piece.len();
        text.consume(used);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<u8>, Option<String>) {
        let mut octets = Vec::new();
        // Two octets of text at a time, so that every state is met at an edge.
        let text = io::BufReader::with_capacity(2, text.as_bytes());
        let end = HexReader::new(text).read_to_end(&mut octets);
        (octets, end.err().map(|error| error.to_string()))
    }

    #[test]
    fn every_way_people_write_octets_is_read() {
        for text in [
            "ffa0130a",
            "FF A0 13 0A",
            "ff:a0:13:0a",
            "0xffa0130a",
            "0xff, 0xa0, 0x13, 0x0a",
            "0XFF 0XA0 130a",
            "\\xff\\xa0\\x13\\x0a",
            " ff a0\r\n\t13\n\n0a\n",
            "\u{feff}ff\u{a0}a013\u{200b}0a",
        ] {
            assert_eq!(read(text), (vec![0xff, 0xa0, 0x13, 0x0a], None), "{text}");
        }
        assert_eq!(read(""), (vec![], None));
        assert_eq!(read(" \n"), (vec![], None));
    }

    #[test]
    fn an_error_names_the_character_and_its_place() {
        for (text, octets, error) in [
            (
                "ff0g",
                &[0xff][..],
                "line 1, column 4: 'g' is no hexadecimal digit",
            ),
            (
                "ff\nff z0",
                &[0xff, 0xff],
                "line 2, column 4: 'z' is no hexadecimal digit",
            ),
            (
                "aa \u{20ac}",
                &[0xaa],
                "line 1, column 4: '\u{20ac}' is no hexadecimal digit",
            ),
            (
                "aa-bb",
                &[0xaa],
                "line 1, column 3: '-' is no hexadecimal digit",
            ),
            (
                "0 0",
                &[],
                "line 1, column 1: an octet has two digits, here is one",
            ),
            (
                "ff f",
                &[0xff],
                "line 1, column 4: an octet has two digits, here is one",
            ),
            (
                "ff \\ff",
                &[0xff],
                "line 1, column 4: '\\\\' is no hexadecimal digit",
            ),
        ] {
            let (read, said) = read(text);
            assert_eq!(
                (&read[..], said.as_deref()),
                (octets, Some(error)),
                "{text}"
            );
        }
    }

    #[test]
    fn octets_that_are_no_text_are_an_error() {
        for text in [&[0xff][..], &[b'f', 0xe2, 0x82], &[0xe2, b'a'], &[0xc3]] {
            let mut octets = Vec::new();
            assert!(
                HexReader::new(text).read_to_end(&mut octets).is_err(),
                "{text:?}"
            );
        }
    }
}
