//! The texts that people know, read and printed. Each is [`Display`](fmt::Display) and [`FromStr`]
//! of its type, and what was printed is read back as what it was.
//!
//! | what | type | examples |
//! |---|---|---|
//! | AS number | [`Asn`](crate::Asn) | `65000`, `1.10`, `AS65000`; [`Asn::dotted`](crate::Asn::dotted) prints the second form (RFC 5396) |
//! | AS_PATH | [`AsPath`](crate::AsPath), [`AsPathRef`](crate::AsPathRef) | `65000 1.10 {1,2} (64512 64513) [1,2]` |
//! | community | [`Community`](crate::Community) | `65000:100`, `no-export` and all other registered names, also read as `NO_EXPORT` |
//! | extended community | [`ExtCommunity`](crate::ExtCommunity) | `rt:65000:100`, `soo:192.0.2.1:7`, `color:100`, `encap:vxlan`, `rmac:00:11:22:33:44:55`, `0x030b000000000064` |
//! | IPv6 extended community | [`Ipv6ExtCommunity`](crate::Ipv6ExtCommunity) | `rt:[2001:db8::1]:7` |
//! | large community | [`LargeCommunity`](crate::LargeCommunity) | `65000:1:2` |
//! | Ethernet segment | [`Esi`](crate::Esi) | `00:11:22:33:44:55:66:77:88:99` |
//! | MAC address | [`MacAddr`](crate::MacAddr) | `00:11:22:33:44:55`, also read with `-` or as `0011.2233.4455` |
//! | route distinguisher | [`RouteDistinguisher`](crate::RouteDistinguisher) | `65000:100`, `192.0.2.1:7` |
//! | EVPN route | [`EvpnRoute`](crate::EvpnRoute) | `[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1]`, also read as `65000:100:[2]:[0]:[48]:...` |
//! | VPN route | [`Vpn`](crate::Vpn) | `65000:100:10.0.0.0/8` |
//! | route target membership | [`RouteTargetMembership`](crate::RouteTargetMembership) | `65000:rt:65000:100`, `default` |
//! | label | [`Label`](crate::Label) | `16`, `implicit-null` |
//! | address family | [`Family`](crate::Family) | `ipv4/unicast`, `l2vpn/evpn` |
//! | BGP identifier | [`RouterId`](crate::RouterId) | `192.0.2.1` |
//! | ORIGIN | [`Origin`](crate::Origin) | `igp` |
//!
//! What is wrong with a text is told by the character: see [`ParseTextError`].

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A text that is not what it should be, and the character at which that shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseTextError {
    text: Box<str>,
    kind: &'static str,
    wrong: Wrong,
}

/// Where a text is wrong and what would be right there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Octets from the start of the text.
    pub(crate) at: usize,
    pub(crate) expected: &'static str,
}

impl ParseTextError {
    /// The place of the wrong character, the first being 1; one more than there are if the text
    /// ends too early.
    pub fn character(&self) -> usize {
        self.before().chars().count() + 1
    }

    /// What would be right there.
    pub fn expected(&self) -> &'static str {
        self.wrong.expected
    }

    fn before(&self) -> &str {
        self.text.get(..self.wrong.at).unwrap_or(&self.text)
    }
}

impl fmt::Display for ParseTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, kind, wrong } = self;
        write!(f, "`{text}` is no {kind}: ")?;
        let rest = text.get(wrong.at..).unwrap_or("");
        match rest.chars().next() {
            Some(found) => write!(f, "character {} is `{found}`", self.character())?,
            None => f.write_str("it ends too early")?,
        }
        write!(f, ", expected {}", wrong.expected)
    }
}

impl std::error::Error for ParseTextError {}

/// Reads `text` to its end as a `kind` of thing.
pub(crate) fn parse<'t, T>(
    text: &'t str,
    kind: &'static str,
    read: impl FnOnce(&mut Scanner<'t>) -> Result<T, Wrong>,
) -> Result<T, ParseTextError> {
    let mut scanner = Scanner::new(text);
    read(&mut scanner)
        .and_then(|value| {
            scanner.end()?;
            Ok(value)
        })
        .map_err(|wrong| ParseTextError {
            text: text.into(),
            kind,
            wrong,
        })
}

/// Reads a text from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    /// At the start of a text.
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The next character, which stays.
    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// An error at the next character.
    pub(crate) fn wrong<T>(&self, expected: &'static str) -> Result<T, Wrong> {
        Err(Wrong {
            at: self.at,
            expected,
        })
    }

    /// Takes `text` if it is next.
    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let next = self.rest().starts_with(text);
        if next {
            self.at += text.len();
        }
        next
    }

    /// Takes `text`, which has to be next.
    pub(crate) fn expect(&mut self, text: &'static str) -> Result<(), Wrong> {
        if self.eat(text) {
            return Ok(());
        }
        let same = self
            .rest()
            .bytes()
            .zip(text.bytes())
            .take_while(|(is, wanted)| is == wanted)
            .count();
        let expected = match text {
            ":" => "`:`",
            ":[" => "`:[`",
            "]:" => "`]:`",
            "]:[" => "`]:[`",
            "[" => "`[`",
            "/" => "`/`",
            "." => "`.`",
            "-" => "`-`",
            "}" => "`}`",
            ")" => "`)`",
            "]" => "`]`",
            "*" => "`*`",
            "48" => "`48`",
            "0x" => "`0x`",
            " " => "a space",
            _ => text,
        };
        Err(Wrong {
            at: self.at + same,
            expected,
        })
    }

    /// Takes characters as long as `belongs` says so.
    pub(crate) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest
            .find(|character| !belongs(character))
            .unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or("")
    }

    /// A word of letters, digits and hyphens. Nothing is taken if it is not `known`.
    pub(crate) fn word<T>(
        &mut self,
        expected: &'static str,
        known: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Wrong> {
        let start = self.at;
        let word =
            self.take_while(|character| character.is_ascii_alphanumeric() || character == '-');
        let found = if word.is_empty() { None } else { known(word) };
        found.ok_or(Wrong {
            at: start,
            expected,
        })
    }

    /// The same with underscores.
    pub(crate) fn name<T>(
        &mut self,
        expected: &'static str,
        known: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Wrong> {
        let start = self.at;
        let word = self.take_while(|one| one.is_ascii_alphanumeric() || matches!(one, '-' | '_'));
        known(word).ok_or(Wrong {
            at: start,
            expected,
        })
    }

    /// Digits that make a number up to `max`; too large a number is wrong at its first digit.
    pub(crate) fn number(&mut self, max: u64, expected: &'static str) -> Result<u64, Wrong> {
        let start = self.at;
        let digits = self.take_while(|character| character.is_ascii_digit());
        match digits.parse::<u64>() {
            Ok(number) if number <= max => Ok(number),
            _ => Err(Wrong {
                at: start,
                expected,
            }),
        }
    }

    /// A number of two octets.
    pub(crate) fn u16(&mut self) -> Result<u16, Wrong> {
        let number = self.number(u64::from(u16::MAX), "a number from 0 to 65535")?;
        Ok(u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// A number of four octets.
    pub(crate) fn u32(&mut self) -> Result<u32, Wrong> {
        let number = self.number(u64::from(u32::MAX), "a number from 0 to 4294967295")?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// An IPv4 address; each of its numbers is read by itself.
    pub(crate) fn ipv4(&mut self) -> Result<Ipv4Addr, Wrong> {
        let mut octets = [0; 4];
        for (place, octet) in octets.iter_mut().enumerate() {
            if place > 0 {
                self.expect(".")?;
            }
            let expected = "a number from 0 to 255";
            let start = self.clone();
            let number = self.number(u64::from(u8::MAX), expected)?;
            // Some read digits behind a zero as octal.
            let zeros = start.rest().strip_prefix('0');
            if zeros.is_some_and(|rest| rest.starts_with(|one: char| one.is_ascii_digit())) {
                return start.wrong(expected);
            }
            *octet = u8::try_from(number).unwrap_or(u8::MAX);
        }
        Ok(octets.into())
    }

    /// An IPv6 address, wrong as a whole.
    pub(crate) fn ipv6(&mut self) -> Result<Ipv6Addr, Wrong> {
        self.whole("an IPv6 address", |one| {
            one.is_ascii_hexdigit() || one == ':' || one == '.'
        })
    }

    /// As many octets as there is room for, in hexadecimal: pairs of digits with colons or hyphens
    /// between them, or groups of four with dots.
    pub(crate) fn octets<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        let mut octets = [0; N];
        let mut between = ".";
        for (place, octet) in octets.iter_mut().enumerate() {
            if place == 1 {
                between = match self.peek() {
                    Some(':') => ":",
                    Some('-') => "-",
                    Some(digit) if digit.is_ascii_hexdigit() => ".",
                    _ => return self.wrong("`:`, or `-`, or two more digits and `.`"),
                };
            }
            if place > 0 && (between != "." || place % 2 == 0) {
                self.expect(between)?;
            }
            *octet = self.octet()?;
        }
        Ok(octets)
    }

    /// Two hexadecimal digits.
    pub(crate) fn octet(&mut self) -> Result<u8, Wrong> {
        let mut octet = 0;
        for _ in 0..2 {
            match self.peek().and_then(|digit| digit.to_digit(16)) {
                Some(digit) => octet = octet << 4 | u8::try_from(digit).unwrap_or(0),
                None => return self.wrong("two hexadecimal digits"),
            }
            self.at += 1;
        }
        Ok(octet)
    }

    /// What the characters that `belong` to it say to its own parser; wrong as a whole.
    pub(crate) fn whole<T: FromStr>(
        &mut self,
        expected: &'static str,
        belongs: impl Fn(char) -> bool,
    ) -> Result<T, Wrong> {
        let start = self.at;
        self.take_while(belongs).parse().map_err(|_| Wrong {
            at: start,
            expected,
        })
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), Wrong> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            self.wrong("the end")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(text: &str) -> Result<(u16, u16), ParseTextError> {
        parse(text, "pair", |scanner| {
            let first = scanner.u16()?;
            scanner.expect(":")?;
            Ok((first, scanner.u16()?))
        })
    }

    #[test]
    fn an_error_names_the_character() {
        assert_eq!(pair("1:2"), Ok((1, 2)));
        for (text, character, message) in [
            (
                "",
                1,
                "`` is no pair: it ends too early, expected a number from 0 to 65535",
            ),
            ("1", 2, "`1` is no pair: it ends too early, expected `:`"),
            (
                "1;2",
                2,
                "`1;2` is no pair: character 2 is `;`, expected `:`",
            ),
            (
                "1:65536",
                3,
                "`1:65536` is no pair: character 3 is `6`, expected a number from 0 to 65535",
            ),
            (
                "1:2:3",
                4,
                "`1:2:3` is no pair: character 4 is `:`, expected the end",
            ),
            (
                "1:2é",
                4,
                "`1:2é` is no pair: character 4 is `é`, expected the end",
            ),
            (
                "é",
                1,
                "`é` is no pair: character 1 is `é`, expected a number from 0 to 65535",
            ),
        ] {
            let error = pair(text).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(error.character(), character, "{text}");
        }
    }
}
