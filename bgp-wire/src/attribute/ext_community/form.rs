//! What the six octets of a community's value are made of. One description prints a value, reads it
//! back and names its fields.

use std::fmt;
use std::net::Ipv4Addr;

use crate::describe::Fields;
use crate::text::{Scanner, Wrong};
use crate::{Asn, MacAddr};

/// Numbers of a registry: how each is typed, and its registered name.
pub(crate) type Names = &'static [(u32, &'static str, &'static str)];

/// Some bits of a value, with the name of their field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// So many bits that have no meaning and are zero.
    Zero(u32),
    /// A number of so many bits.
    Number(&'static str, u32),
    /// A number of so many bits for which there are names.
    Named(&'static str, u32, Names),
    /// A two-octet AS number.
    As2(&'static str),
    /// A four-octet AS number.
    As4(&'static str),
    /// An IPv4 address.
    Ipv4(&'static str),
    /// A number of four octets with a fraction (IEEE 754).
    Float(&'static str),
    /// A MAC address.
    Mac(&'static str),
    /// Six octets of which no more is known, as twelve digits behind `0x`.
    Octets(&'static str),
    /// So many bits of which some have a name. In a text the names come last, and only those of
    /// bits that are set.
    Flags(u32, &'static [(u64, &'static str)]),
}

use Part::{As2, As4, Flags, Float, Ipv4, Mac, Named, Number, Octets, Zero};

/// A kind of community: its type and subtype, how it is called in a text, and its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) kind: u8,
    pub(super) subtype: u8,
    pub(super) name: &'static str,
    pub(super) parts: &'static [Part],
}

impl Part {
    /// How many bits it takes.
    pub(super) fn bits(self) -> u32 {
        match self {
            Zero(bits) | Number(_, bits) | Named(_, bits, _) | Flags(bits, _) => bits,
            As2(_) => 16,
            As4(_) | Ipv4(_) | Float(_) => 32,
            Mac(_) | Octets(_) => 48,
        }
    }

    /// Whether the text can say these bits.
    fn fits(self, bits: u64) -> bool {
        match self {
            Zero(_) => bits == 0,
            Flags(_, known) => known.iter().fold(bits, |left, (bit, _)| left & !bit) == 0,
            Float(_) => !f32::from_bits(low(bits)).is_nan(),
            _ => true,
        }
    }

    fn show(self, bits: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Zero(_) | Flags(..) => Ok(()),
            Number(..) | As2(_) => write!(f, ":{bits}"),
            Named(_, _, names) => match names.iter().find(|(number, ..)| *number == low(bits)) {
                Some((_, typed, _)) => write!(f, ":{typed}"),
                None => write!(f, ":{bits}"),
            },
            // The dot says that the number has four octets even where two would do.
            As4(_) if bits <= 0xffff => write!(f, ":0.{bits}"),
            As4(_) => write!(f, ":{bits}"),
            Ipv4(_) => write!(f, ":{}", Ipv4Addr::from(low(bits))),
            Float(_) => write!(f, ":{}", f32::from_bits(low(bits))),
            Mac(_) => write!(f, ":{}", mac(bits)),
            Octets(_) => write!(f, ":0x{bits:012x}"),
        }
    }

    fn read(self, scanner: &mut Scanner<'_>) -> Result<u64, Wrong> {
        if matches!(self, Zero(_) | Flags(..)) {
            return Ok(0);
        }
        scanner.expect(":")?;
        match self {
            Zero(_) | Flags(..) => Ok(0),
            Number(_, bits) => number(scanner, bits),
            Named(_, bits, names) => {
                if scanner.peek().is_some_and(|next| next.is_ascii_digit()) {
                    return number(scanner, bits);
                }
                scanner.word("a number or the name of one", |word| {
                    names
                        .iter()
                        .find(|(_, typed, _)| typed.eq_ignore_ascii_case(word))
                        .map(|(number, ..)| u64::from(*number))
                })
            }
            As2(_) => scanner.u16().map(u64::from),
            As4(_) => {
                let asn: Asn = scanner.whole("an AS number", is_asn)?;
                Ok(u64::from(asn.0))
            }
            Ipv4(_) => {
                let address: Ipv4Addr = scanner.whole("an IPv4 address", is_asn)?;
                Ok(u64::from(u32::from(address)))
            }
            Float(_) => {
                let belongs = |one: char| one.is_ascii_digit() || "+-.einf".contains(one);
                let number: f32 = scanner.whole("a number, with or without a fraction", belongs)?;
                Ok(u64::from(number.to_bits()))
            }
            Mac(_) => {
                let mut octets = [0; 8];
                for (place, octet) in octets.iter_mut().enumerate().skip(2) {
                    if place > 2 {
                        scanner.expect(":")?;
                    }
                    *octet = scanner.octet()?;
                }
                Ok(u64::from_be_bytes(octets))
            }
            Octets(_) => {
                scanner.expect("0x")?;
                let mut octets = [0; 8];
                for octet in octets.iter_mut().skip(2) {
                    *octet = scanner.octet()?;
                }
                Ok(u64::from_be_bytes(octets))
            }
        }
    }

    fn describe(self, bits: u64, fields: &mut Fields) {
        match self {
            Zero(_) => {}
            Flags(_, known) => {
                for (bit, name) in known {
                    fields.flag(name, bits & bit != 0);
                }
            }
            Number(name, _) | As2(name) | As4(name) => fields.number(name, bits),
            Named(name, _, names) => {
                let found = names.iter().find(|(number, ..)| *number == low(bits));
                fields.named(name, bits, found.map(|(.., registered)| *registered));
            }
            Ipv4(name) => fields.text(name, Ipv4Addr::from(low(bits))),
            Float(name) => fields.float(name, f32::from_bits(low(bits))),
            Mac(name) => fields.text(name, mac(bits)),
            Octets(name) => {
                let [_, _, octets @ ..] = bits.to_be_bytes();
                fields.octets(name, &octets);
            }
        }
    }
}

/// A number of so many bits.
fn number(scanner: &mut Scanner<'_>, bits: u32) -> Result<u64, Wrong> {
    let expected = match bits {
        2 => "a number from 0 to 3",
        5 => "a number from 0 to 31",
        6 => "a number from 0 to 63",
        8 => "a number from 0 to 255",
        12 => "a number from 0 to 4095",
        14 => "a number from 0 to 16383",
        16 => "a number from 0 to 65535",
        20 => "a number from 0 to 1048575",
        24 => "a number from 0 to 16777215",
        32 => "a number from 0 to 4294967295",
        _ => "a number",
    };
    scanner.number((1 << bits) - 1, expected)
}

fn is_asn(one: char) -> bool {
    one.is_ascii_digit() || one == '.'
}

fn low(bits: u64) -> u32 {
    u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0)
}

fn mac(bits: u64) -> MacAddr {
    let [_, _, a, b, c, d, e, f] = bits.to_be_bytes();
    MacAddr([a, b, c, d, e, f])
}

impl Form {
    /// The parts, each with its bits of the value.
    fn split(self, value: u64) -> impl Iterator<Item = (Part, u64)> {
        let mut left = 48u32;
        self.parts.iter().map(move |part| {
            let bits = part.bits();
            left = left.saturating_sub(bits);
            (*part, (value >> left) & ((1 << bits) - 1))
        })
    }

    /// Whether the text can say all bits of the value.
    pub(super) fn fits(self, value: u64) -> bool {
        self.split(value).all(|(part, bits)| part.fits(bits))
    }

    /// Prints a value that [`fits`](Self::fits).
    pub(super) fn show(self, value: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        for (part, bits) in self.split(value) {
            part.show(bits, f)?;
        }
        for (part, bits) in self.split(value) {
            let Flags(_, known) = part else { continue };
            for (_, name) in known.iter().filter(|(bit, _)| bits & bit != 0) {
                write!(f, ":{}", Typed(name))?;
            }
        }
        Ok(())
    }

    /// Reads what comes after the name.
    pub(super) fn read(self, scanner: &mut Scanner<'_>) -> Result<u64, Wrong> {
        let mut value = 0;
        for part in self.parts {
            value = value << part.bits() | part.read(scanner)?;
        }
        while self.has_flags() && scanner.eat(":") {
            value |= scanner.word("a flag of this community", |word| self.flag(word))?;
        }
        Ok(value)
    }

    fn has_flags(self) -> bool {
        self.parts.iter().any(|part| matches!(part, Flags(..)))
    }

    /// The bit of a flag, in the whole value.
    fn flag(self, word: &str) -> Option<u64> {
        let mut left = 48u32;
        self.parts.iter().find_map(|part| {
            left = left.saturating_sub(part.bits());
            let Flags(_, known) = part else { return None };
            let found = known.iter().find(|(_, name)| Typed(name).is(word));
            found.map(|(bit, _)| bit << left)
        })
    }

    pub(super) fn describe(self, value: u64, fields: &mut Fields) {
        for (part, bits) in self.split(value) {
            part.describe(bits, fields);
        }
    }
}

/// The name of a field as it is typed: with hyphens.
struct Typed(&'static str);

impl Typed {
    fn is(&self, word: &str) -> bool {
        word.len() == self.0.len()
            && word
                .bytes()
                .zip(self.0.bytes())
                .all(|(typed, name)| match name {
                    b'_' => typed == b'-',
                    _ => typed.eq_ignore_ascii_case(&name),
                })
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.split('_').enumerate() {
            f.write_str(if place > 0 { "-" } else { "" })?;
            f.write_str(part)?;
        }
        Ok(())
    }
}
