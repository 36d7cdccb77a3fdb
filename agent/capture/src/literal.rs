//! Octets as they stand in the source of a program: `unsigned char x[] = {0xff, 0xff};`,
//! `"\xff\xff"`, `b'\xff\xff'`, `[255, 255]`, with what is around them.
//!
//! What Wireshark copies "as C Array" and "as Escaped String", what `xxd -i` prints, and what a person
//! takes out of a test. Names, types and comments are passed over, as nothing of them can be octets: those
//! stand between brackets or quotes. There every character counts, as the language reads it.

use std::io::{self, BufRead};

use crate::hex::{HexError, State, digit};

/// Reads octets out of such a text.
#[derive(Clone, Debug)]
pub(crate) struct Literal {
    place: Place,
    line: u64,
    column: u64,
    /// `[` and `(` hold octets; else they belong to a type or a call.
    round_and_square: bool,
    /// Strings hold octets as characters and escapes; else they hold hexadecimal text.
    escaped: bool,
}

/// Where in the text we are.
#[derive(Clone, Debug)]
enum Place {
    /// In front of brackets or quotes.
    Outside(Around),
    /// Between brackets, of which this one closes.
    List(u8, Item),
    /// Between quotes; `list`: the bracket that closes what is around them.
    Text {
        quote: u8,
        list: Option<u8>,
        part: Part,
    },
}

/// Whether the text is a comment, or may become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    Text,
    Slash,
    /// `/* */`, and its star.
    Comment {
        star: bool,
    },
    /// `//` and `#`.
    ToEndOfLine,
    /// A `[` or `(` that holds octets if a number is next.
    Open(u8),
}

/// A number between brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    None,
    /// Whether it is negative, as octets are in Java; its value, and how many digits it has.
    Decimal(bool, u32, u32),
    Hexadecimal(u32, u32),
    /// Digits are over; a suffix such as `u8` may follow.
    Suffix,
    /// Within a comment, or a cast in round brackets.
    Aside(Around),
    Cast,
}

/// What a string is in the middle of.
#[derive(Clone, Debug)]
enum Part {
    Text,
    Backslash,
    /// `\x`, and the first digit.
    Hexadecimal(Option<u8>),
    /// Up to three digits.
    Octal(u32, u32),
    /// The string is hexadecimal text.
    Plain(State),
}

/// What types are said with behind a number, as `0xffu8`.
const SUFFIX: &[u8] = b"uUlLi0123456789_";

/// What is between octets and around strings.
fn is_between(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | b',')
}

impl Literal {
    /// For a text that begins so, if it is the source of a program.
    pub(crate) fn of(seen: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(seen);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let round_and_square = !text.contains(['{', '"', '\'']);
        let opens = |(at, one): (usize, char)| match one {
            '{' | '"' | '\'' => true,
            '[' | '(' if round_and_square => {
                let behind = text.get(at + 1..).unwrap_or("").trim_start();
                behind.starts_with(|one: char| one.is_ascii_digit() || one == '-')
            }
            _ => false,
        };
        let (at, _) = text.char_indices().find(|one| opens(*one))?;
        let before = text.get(..at).unwrap_or("");
        let first = before.split(is_no_octet).next().unwrap_or("");
        // Octets in front: it is a text of octets with a mistake in it. `b` stands in front of strings.
        let octets = first.len() >= 2 && first.len().is_multiple_of(2);
        if octets && first.chars().all(|one| one.is_ascii_hexdigit()) {
            return None;
        }
        let mut pairs = text.as_bytes().windows(2);
        let escaped =
            pairs.any(|pair| matches!(pair, [b'\\', next] if !next.is_ascii_whitespace()));
        Some(Self {
            place: Place::Outside(Around::Text),
            line: 1,
            column: 0,
            round_and_square,
            escaped,
        })
    }

    /// Adds the octets of some more text to `out`; whether there was any.
    pub(crate) fn read(&mut self, text: &mut impl BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let piece = text.fill_buf()?;
        let used = piece.len();
        if used == 0 {
            self.end()?;
            return Ok(false);
        }
        for octet in piece {
            if let Err(error) = self.take(*octet, out) {
                text.consume(used);
                return Err(error.into());
            }
        }
        text.consume(used);
        Ok(true)
    }

    fn take(&mut self, octet: u8, out: &mut Vec<u8>) -> Result<(), HexError> {
        if octet & 0xc0 != 0x80 {
            self.column += 1;
        }
        let done = match self.place.clone() {
            Place::Outside(around) => {
                self.outside(around, octet);
                Ok(())
            }
            Place::List(close, item) => self.list(close, item, octet, out),
            Place::Text { quote, list, part } => self.text(quote, list, part, octet, out),
        };
        if octet == b'\n' {
            self.line += 1;
            self.column = 0;
        }
        done
    }

    fn outside(&mut self, around: Around, octet: u8) {
        let open = |close| Place::List(close, Item::None);
        self.place = match (around, octet) {
            (Around::Open(close), b'0'..=b'9') => Place::List(close, Item::of_digit(octet)),
            (Around::Open(close), b'-') => Place::List(close, Item::Decimal(true, 0, 0)),
            (Around::Open(_), octet) if is_between(octet) => return,
            (Around::Text | Around::Slash | Around::Open(_), b'{') => open(b'}'),
            (Around::Text | Around::Open(_), b'[') if self.round_and_square => {
                Place::Outside(Around::Open(b']'))
            }
            (Around::Text | Around::Open(_), b'(') if self.round_and_square => {
                Place::Outside(Around::Open(b')'))
            }
            (Around::Text | Around::Slash | Around::Open(_), b'"' | b'\'') => {
                self.string(octet, None)
            }
            (around, octet) => Place::Outside(around.next(octet)),
        };
    }

    fn string(&self, quote: u8, list: Option<u8>) -> Place {
        let part = match self.escaped {
            true => Part::Text,
            false => Part::Plain(State::at(self.line, self.column)),
        };
        Place::Text { quote, list, part }
    }

    fn list(
        &mut self,
        close: u8,
        item: Item,
        octet: u8,
        out: &mut Vec<u8>,
    ) -> Result<(), HexError> {
        let item = match (item, octet) {
            (Item::Aside(around), octet) => match around.next(octet) {
                Around::Text if around == Around::Slash => return Err(self.wrong(octet)),
                Around::Text => Item::None,
                around => Item::Aside(around),
            },
            (Item::Cast, b')') => Item::None,
            (Item::Cast, octet) if octet.is_ascii_alphabetic() || b" _".contains(&octet) => {
                Item::Cast
            }
            (Item::Cast, octet) => return Err(self.wrong(octet)),
            (Item::Decimal(false, 0, 1), b'x' | b'X') => Item::Hexadecimal(0, 0),
            (Item::Decimal(minus, value, digits), b'0'..=b'9') => {
                // A zero in front makes it octal in some languages and nothing in others.
                let leads = digits > 0 && value == 0 && octet != b'0';
                let value = value * 10 + u32::from(octet - b'0');
                if leads || value > 255 {
                    return Err(self.wrong(octet));
                }
                Item::Decimal(minus, value, digits + 1)
            }
            (Item::Hexadecimal(value, digits), octet) if digit(octet).is_some() => {
                if digits == 2 {
                    return Err(self.wrong(octet));
                }
                let low = digit(octet).unwrap_or(0);
                Item::Hexadecimal(value << 4 | u32::from(low), digits + 1)
            }
            (Item::Decimal(.., 0) | Item::Hexadecimal(_, 0), octet) => {
                return Err(self.wrong(octet));
            }
            (Item::Decimal(..) | Item::Hexadecimal(..), octet)
                if octet.is_ascii_alphabetic() && !SUFFIX.contains(&octet) =>
            {
                return Err(self.wrong(octet));
            }
            (number @ (Item::Decimal(..) | Item::Hexadecimal(..)), octet) => {
                out.push(number.octet().ok_or_else(|| self.wrong(octet))?);
                return self.list(close, Item::Suffix, octet, out);
            }
            (Item::Suffix, octet) if SUFFIX.contains(&octet) => Item::Suffix,
            (Item::None | Item::Suffix, octet) if octet == close => {
                self.place = Place::Outside(Around::Text);
                return Ok(());
            }
            (Item::None | Item::Suffix, octet) if is_between(octet) => Item::None,
            (Item::None | Item::Suffix, b'/') => Item::Aside(Around::Slash),
            (Item::None | Item::Suffix, b'#') => Item::Aside(Around::ToEndOfLine),
            (Item::None, b'(') => Item::Cast,
            (Item::None, b'-') => Item::Decimal(true, 0, 0),
            (Item::None, b'0'..=b'9') => Item::of_digit(octet),
            (Item::None, b'"' | b'\'') => {
                self.place = self.string(octet, Some(close));
                return Ok(());
            }
            (_, octet) => return Err(self.wrong(octet)),
        };
        self.place = Place::List(close, item);
        Ok(())
    }

    fn text(
        &mut self,
        quote: u8,
        list: Option<u8>,
        part: Part,
        octet: u8,
        out: &mut Vec<u8>,
    ) -> Result<(), HexError> {
        let ends = octet == quote && !matches!(part, Part::Backslash);
        let part = match (part, octet) {
            (Part::Plain(state), _) if ends => {
                state.end()?;
                Part::Text
            }
            (Part::Plain(mut state), octet) => {
                out.extend(state.take(octet)?);
                Part::Plain(state)
            }
            (Part::Backslash, b'x' | b'X') => Part::Hexadecimal(None),
            (Part::Backslash, b'0'..=b'7') => Part::Octal(u32::from(octet - b'0'), 1),
            (Part::Backslash, b'\n' | b'\r') => Part::Text,
            (Part::Backslash, octet) => {
                let meant = match octet {
                    b'a' => 7,
                    b'b' => 8,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'v' => 11,
                    b'f' => 12,
                    b'r' => b'\r',
                    b'e' => 27,
                    b'\\' | b'\'' | b'"' | b'?' => octet,
                    other => return Err(self.wrong(other)),
                };
                out.push(meant);
                Part::Text
            }
            (Part::Hexadecimal(high), octet) => {
                let low = digit(octet).ok_or_else(|| self.wrong(octet))?;
                match high {
                    None => Part::Hexadecimal(Some(low)),
                    Some(high) => {
                        out.push(high << 4 | low);
                        Part::Text
                    }
                }
            }
            (Part::Octal(value, digits), b'0'..=b'7') if digits < 3 => {
                Part::Octal(value << 3 | u32::from(octet - b'0'), digits + 1)
            }
            (Part::Octal(value, _), octet) => {
                out.push(u8::try_from(value).map_err(|_| self.wrong(octet))?);
                return self.text(quote, list, Part::Text, octet, out);
            }
            (Part::Text, _) if ends => Part::Text,
            (Part::Text, b'\\') => Part::Backslash,
            // No string of these languages goes on behind the line.
            (Part::Text, b'\n') => return Err(self.wrong(octet)),
            (Part::Text, octet) => {
                out.push(octet);
                Part::Text
            }
        };
        self.place = match (ends, list) {
            (false, _) => Place::Text { quote, list, part },
            (true, Some(close)) => Place::List(close, Item::None),
            (true, None) => Place::Outside(Around::Text),
        };
        Ok(())
    }

    /// The text is over.
    fn end(&self) -> Result<(), HexError> {
        match &self.place {
            Place::Outside(_) => Ok(()),
            Place::List(close, _) => Err(HexError::Open {
                missing: char::from(*close),
                line: self.line,
            }),
            Place::Text { quote, .. } => Err(HexError::Open {
                missing: char::from(*quote),
                line: self.line,
            }),
        }
    }

    fn wrong(&self, octet: u8) -> HexError {
        let ascii = octet.is_ascii().then(|| char::from(octet));
        HexError::Character {
            character: ascii.unwrap_or(char::REPLACEMENT_CHARACTER),
            line: self.line,
            column: self.column,
        }
    }
}

/// What ends the first word of a text, and is nothing that stands between the digits of octets.
fn is_no_octet(one: char) -> bool {
    one.is_whitespace() || one == ':' || one == ','
}

impl Around {
    fn next(self, octet: u8) -> Self {
        match (self, octet) {
            (Self::Comment { star: true }, b'/') => Self::Text,
            (Self::Comment { .. }, octet) => Self::Comment {
                star: octet == b'*',
            },
            (Self::ToEndOfLine, octet) if octet != b'\n' => Self::ToEndOfLine,
            (Self::Slash, b'*') => Self::Comment { star: false },
            (Self::Slash, b'/') | (Self::Text, b'#') => Self::ToEndOfLine,
            (_, b'/') => Self::Slash,
            _ => Self::Text,
        }
    }
}

impl Item {
    fn of_digit(octet: u8) -> Self {
        Self::Decimal(false, u32::from(octet.wrapping_sub(b'0')), 1)
    }

    /// The octet that a number says.
    fn octet(self) -> Option<u8> {
        match self {
            Self::Hexadecimal(value, _) | Self::Decimal(false, value, _) => {
                u8::try_from(value).ok()
            }
            Self::Decimal(true, value, _) => {
                let value = i8::try_from(-i64::from(value)).ok()?;
                Some(value.cast_unsigned())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use crate::hex::HexReader;

    fn read(text: &str) -> (Vec<u8>, Option<String>) {
        let mut octets = Vec::new();
        let text = BufReader::with_capacity(3, text.as_bytes());
        let end = HexReader::new(text).read_to_end(&mut octets);
        (octets, end.err().map(|error| error.to_string()))
    }

    #[test]
    fn arrays_and_strings_of_programs_are_read() {
        for text in [
            "{0xff, 0x00, 0x13, 0x04}",
            "{0xff,0x0,0x13,0x4,};",
            "unsigned char x[] = {0xff, 0x00, 0x13, 0x04};",
            "unsigned char bad[4] = {\n  0xff, 0x00,\n  0x13, 0x04\n};\nunsigned int bad_len = 4;\n",
            "/* Frame (4 bytes) */\nstatic const unsigned char pkt1[4] = {\n0xff, 0x00, /* .. */\n0x13, 0x04  // ..\n};\n",
            "var b = []byte{0xFF, 0x00, 0x13, 0x04}",
            "byte[] b = new byte[] {(byte) 0xff, 0, 19, 4};",
            "byte[] b = {-1, 0, 19, 4};",
            "let b: [u8; 4] = [0xff_u8, 0x00, 0x13, 0x04];",
            "&[0xffu8, 0, 0x13, 4]",
            "[255, 0, 19, 4]",
            "bytes([255, 0, 19, 4])",
            "char x[] = {'\\xff', '\\0', '\\x13', '\\4'};",
            "\"\\xff\\x00\\x13\\x04\"",
            "b'\\xff\\x00\\x13\\x04'",
            "data = b\"\\xff\\x00\" \\\n    b\"\\x13\\x04\"",
            "\"\\xff\\x00\" \\\n\"\\x13\\x04\"\n",
            "const char *x = \"\\377\\0\\023\\4\";",
            "\"ff001304\"",
            "'ff 00 13 04'",
            "bytes.fromhex(\"ff:00:13:04\")",
            "[\"ff\", \"00\", \"13\", \"04\"]",
            "\u{feff}{0xff, 0x00, 0x13, 0x04}",
        ] {
            assert_eq!(read(text), (vec![0xff, 0, 0x13, 4], None), "{text}");
        }
    }

    /// Python prints what is printable as it is; an IPv4 header begins with `E`.
    #[test]
    fn characters_are_octets_where_a_string_has_escapes() {
        assert_eq!(
            read("b'E\\xc0\\x00I\\t\\\\\\'\"\\n'"),
            (b"E\xc0\x00I\t\\'\"\n".to_vec(), None)
        );
        assert_eq!(read("\"\\0a\\x41B\""), (b"\0aAB".to_vec(), None));
    }

    #[test]
    fn an_error_names_the_character_and_its_place() {
        for (text, octets, error) in [
            (
                "{0xff, 0x1g}",
                &[0xff][..],
                "line 1, column 11: 'g' is no hexadecimal digit",
            ),
            (
                "{0xff, 0x123}",
                &[0xff],
                "line 1, column 12: '3' is no hexadecimal digit",
            ),
            (
                "x = {\n 1, 256}",
                &[1],
                "line 2, column 7: '6' is no hexadecimal digit",
            ),
            (
                "[010]",
                &[],
                "line 1, column 3: '1' is no hexadecimal digit",
            ),
            (
                "{-129}",
                &[],
                "line 1, column 6: '}' is no hexadecimal digit",
            ),
            ("{0xff", &[], "line 1: the text ends, and '}' is missing"),
            (
                "{0xff, ",
                &[0xff],
                "line 1: the text ends, and '}' is missing",
            ),
            (
                "\"\\xff",
                &[0xff],
                "line 1: the text ends, and '\"' is missing",
            ),
            (
                "\"\\xf\"",
                &[],
                "line 1, column 5: '\"' is no hexadecimal digit",
            ),
            (
                "\"\\q\"",
                &[],
                "line 1, column 3: 'q' is no hexadecimal digit",
            ),
            (
                "\"ff f\"",
                &[0xff],
                "line 1, column 5: an octet has two digits, here is one",
            ),
            (
                "\"\\777\"",
                &[],
                "line 1, column 6: '\"' is no hexadecimal digit",
            ),
            // Octets come first: no program begins so.
            (
                "ffff {0xff}",
                &[0xff, 0xff],
                "line 1, column 6: '{' is no hexadecimal digit",
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
}
