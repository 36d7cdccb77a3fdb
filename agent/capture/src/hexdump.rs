//! Hexadecimal text as tools print it: an offset, the octets of a line, and what they are as characters.
//! xxd, `hexdump -C`, `od -A x -t x1z`, `tcpdump -x` and `-X`, Wireshark and tshark.
//!
//! A text is a dump if a line has the offset 0 and the offset of the next line is the number of its
//! octets. All lines are held to that: no octet is lost because a line is, and no character is taken
//! for an octet because it could be one. The first line says how wide the column of octets is.

use std::io::{self, BufRead, Read};

use crate::hex::{HexError, digit};
use crate::stream::to_u64;

/// A line longer than this is of no dump.
const MAX_LINE: u64 = 1024;
/// What may stand in front of a dump, such as the line that tcpdump prints for each packet.
const MAX_TITLES: usize = 4;
/// Digits of an offset. The first has not seven: those of `hexdump` without options are followed by
/// words in the byte order of the machine.
const DIGITS: std::ops::RangeInclusive<usize> = 4..=8;
const FIRST_DIGITS: [usize; 3] = [4, 6, 8];

/// Reads the lines of a dump.
#[derive(Clone, Debug)]
pub(crate) struct Dump {
    /// The octets of a whole line.
    width: usize,
    /// Where the column of octets ends, in characters.
    end: usize,
    /// Whether something stands behind that.
    characters: bool,
    /// The offset that is next.
    next: u64,
    /// The number of the line read last.
    line: u64,
    /// The line after which the offset 0 has to come, as it is none of a dump.
    title: Option<u64>,
}

/// Reads as many lines as it takes to know whether a text is a dump, and gives them back with the answer.
pub(crate) fn look(text: &mut impl BufRead) -> io::Result<(Vec<u8>, Option<Dump>)> {
    let mut seen = Vec::new();
    let mut first: Option<Vec<char>> = None;
    let mut titles = 0;
    while let Some(line) = read_line(text, &mut seen)? {
        let Some(line) = line else {
            break;
        };
        if line.iter().all(|character| character.is_whitespace()) {
            continue;
        }
        match (Offset::of(&line), &first) {
            (Some(offset), Some(first)) => return Ok((seen, Dump::new(first, offset.value))),
            (Some(offset), None) if offset.is_first() => first = Some(line),
            (None, None) if titles < MAX_TITLES && is_title(&line) => titles += 1,
            _ => break,
        }
    }
    Ok((seen, None))
}

/// Reads a line and keeps what was read: `None` at the end, and no line if it is too long.
#[allow(
    clippy::option_option,
    reason = "the end and a line that is none are two things"
)]
fn read_line(text: &mut impl BufRead, seen: &mut Vec<u8>) -> io::Result<Option<Option<Vec<char>>>> {
    let before = seen.len();
    let read = text.by_ref().take(MAX_LINE).read_until(b'\n', seen)?;
    if read == 0 {
        return Ok(None);
    }
    let line = seen.get(before..).unwrap_or(&[]);
    if to_u64(read) == MAX_LINE && !line.ends_with(b"\n") {
        return Ok(Some(None));
    }
    let line = String::from_utf8_lossy(line);
    let line = line.trim_start_matches('\u{feff}').trim_end();
    Ok(Some(Some(line.chars().collect())))
}

/// Whether a line cannot be octets: then nothing is lost when it is passed over.
fn is_title(line: &[char]) -> bool {
    line.iter()
        .any(|it| !it.is_ascii_hexdigit() && !it.is_whitespace() && !":,\\xX".contains(*it))
}

/// The offset in front of a line.
struct Offset {
    value: u64,
    digits: usize,
    /// Where the octets begin, in characters.
    end: usize,
}

impl Offset {
    fn of(line: &[char]) -> Option<Self> {
        let blank = line.iter().take_while(|it| it.is_whitespace()).count();
        let start = match line.get(blank..)? {
            ['0', 'x' | 'X', ..] => blank + 2,
            _ => blank,
        };
        let rest = line.get(start..)?;
        let digits = rest.iter().take_while(|it| it.is_ascii_hexdigit()).count();
        let (number, behind) = rest.split_at_checked(digits)?;
        let colon = usize::from(behind.first() == Some(&':'));
        let apart = behind.get(colon).is_none_or(|it| it.is_whitespace());
        if !DIGITS.contains(&digits) || !apart {
            return None;
        }
        let value = u64::from_str_radix(&number.iter().collect::<String>(), 16).ok()?;
        Some(Self {
            value,
            digits,
            end: start + digits + colon,
        })
    }

    fn is_first(&self) -> bool {
        self.value == 0 && FIRST_DIGITS.contains(&self.digits)
    }
}

impl Dump {
    /// A dump whose second line has this offset, if its first line has so many octets.
    fn new(first: &[char], second: u64) -> Option<Self> {
        let width = usize::try_from(second).ok().filter(|width| *width > 0)?;
        let mut at = Offset::of(first)?.end;
        for _ in 0..width {
            at += first
                .get(at..)?
                .iter()
                .take_while(|it| it.is_whitespace())
                .count();
            octet(first.get(at)?, first.get(at + 1)?)?;
            at += 2;
        }
        let behind = first.get(at..)?;
        if behind.first().is_some_and(char::is_ascii_hexdigit) {
            return None;
        }
        Some(Self {
            width,
            end: at,
            characters: !behind.is_empty(),
            next: 0,
            line: 0,
            title: None,
        })
    }

    /// Adds the octets of the next line to `out`; whether there was one.
    pub(crate) fn read(&mut self, text: &mut impl BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
        let Some(line) = read_line(text, &mut Vec::new())? else {
            return match self.title {
                Some(line) => Err(HexError::NoOffset { line }.into()),
                None => Ok(false),
            };
        };
        self.line += 1;
        let number = self.line;
        let line = line.ok_or(HexError::NoOffset { line: number })?;
        if line.iter().all(|it| it.is_whitespace()) {
            return Ok(true);
        }
        let Some(offset) = Offset::of(&line) else {
            // hexdump and od write `*` for lines that are as the one before.
            return match line.as_slice() {
                ['*'] => Err(HexError::LeftOut { line: number }.into()),
                line if is_title(line) => {
                    self.title = Some(number);
                    Ok(true)
                }
                _ => Err(HexError::NoOffset { line: number }.into()),
            };
        };
        // The next dump may begin behind each line.
        let continues = self.title.is_none() && offset.value == self.next;
        if offset.value != 0 && !continues {
            return Err(HexError::Offset {
                line: number,
                found: offset.value,
                expected: if self.title.is_some() { 0 } else { self.next },
            }
            .into());
        }
        self.title = None;
        let before = out.len();
        self.octets(&line, offset.end, out)?;
        let count = out.len().saturating_sub(before);
        self.next = offset.value.saturating_add(to_u64(count));
        Ok(true)
    }

    fn octets(&self, line: &[char], mut at: usize, out: &mut Vec<u8>) -> Result<(), HexError> {
        let place = |at: usize| (self.line, to_u64(at).saturating_add(1));
        let mut left = self.width;
        let mut blank = 0;
        while let Some(&character) = line.get(at) {
            if character.is_whitespace() {
                blank += 1;
                at += 1;
                continue;
            }
            // A line that is not full has its characters where the others have them, or two apart.
            let over = at >= self.end || left == 0 || (blank > 1 && !character.is_ascii_hexdigit());
            if self.characters && over {
                return Ok(());
            }
            let (line_number, column) = place(at);
            if over || !character.is_ascii_hexdigit() {
                return Err(HexError::Character {
                    character,
                    line: line_number,
                    column,
                });
            }
            let value = line.get(at + 1).and_then(|low| octet(&character, low));
            out.push(value.ok_or(HexError::HalfOctet {
                line: line_number,
                column,
            })?);
            left -= 1;
            blank = 0;
            at += 2;
        }
        Ok(())
    }
}

fn octet(high: &char, low: &char) -> Option<u8> {
    let value = |it: &char| u8::try_from(*it).ok().and_then(digit);
    Some(value(high)? << 4 | value(low)?)
}
