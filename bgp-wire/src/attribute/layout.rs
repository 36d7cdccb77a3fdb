//! What the octets of a TLV are, field by field: a line of a table says it, and this names the
//! fields of a value.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::describe::{Fields, Node};

/// A field, with its name.
#[derive(Clone, Copy)]
pub(super) enum Field {
    /// Octets without a meaning.
    Reserved(usize),
    /// A number of so many octets, eight at most.
    Number(&'static str, usize),
    /// A number of so many octets, and who knows its registered name.
    Named(&'static str, usize, fn(u64) -> Option<&'static str>),
    /// An octet of which some bits have a name.
    Flags(&'static [(u8, &'static str)]),
    /// An IPv4 address.
    Ipv4(&'static str),
    /// An IPv6 address.
    Ipv6(&'static str),
    /// An entry of a label stack (RFC 3032 §2.1), of which only the label is told.
    Label(&'static str),
    /// The rest: a label if it has three octets, an index if it has four (RFC 9085 §2.1.1).
    Sid(&'static str),
    /// A number of four octets with a fraction (IEEE 754).
    Float(&'static str),
    /// The rest: one number, of four octets at most.
    Whole(&'static str),
    /// The rest: numbers of so many octets each.
    Numbers(&'static str, usize),
    /// The rest: numbers with a fraction.
    Floats(&'static str),
    /// The rest: entries of a label stack.
    Labels(&'static str),
    /// The rest: an address of either family.
    Address(&'static str),
    /// The rest: a text.
    Text(&'static str),
    /// The rest, as it is.
    Octets(&'static str),
    /// The rest: these fields.
    Rest(&'static [Self]),
}

fn number(octets: &[u8]) -> u64 {
    octets
        .iter()
        .fold(0, |number, octet| number << 8 | u64::from(*octet))
}

fn label(octets: &[u8]) -> u64 {
    number(octets) >> 12
}

fn float(octets: &[u8]) -> f32 {
    octets
        .as_array()
        .map_or(f32::NAN, |four| f32::from_be_bytes(*four))
}

/// An address of either family, or octets that are none.
pub(super) fn put_address(name: &'static str, octets: &[u8], fields: &mut Fields) {
    if let Some(four) = octets.as_array::<4>() {
        fields.text(name, Ipv4Addr::from(*four));
    } else if let Some(sixteen) = octets.as_array::<16>() {
        fields.text(name, Ipv6Addr::from(*sixteen));
    } else {
        fields.octets(name, octets);
    }
}

impl Field {
    /// How many octets it takes; `None` for all that are left.
    fn length(self) -> Option<usize> {
        match self {
            Self::Reserved(length) | Self::Number(_, length) | Self::Named(_, length, _) => {
                Some(length)
            }
            Self::Flags(_) => Some(1),
            Self::Ipv4(_) | Self::Label(_) | Self::Float(_) => Some(4),
            Self::Ipv6(_) => Some(16),
            _ => None,
        }
    }

    fn put(self, octets: &[u8], fields: &mut Fields) {
        let each = |size: usize, node: fn(&[u8]) -> Node| octets.chunks(size.max(1)).map(node);
        match self {
            Self::Reserved(_) => {}
            Self::Number(name, _) => fields.number(name, number(octets)),
            Self::Named(name, _, names) => {
                let number = number(octets);
                fields.named(name, number, names(number));
            }
            Self::Flags(known) => {
                let bits = octets.first().copied().unwrap_or(0);
                for (bit, name) in known {
                    fields.flag(name, bits & bit != 0);
                }
            }
            Self::Label(name) => fields.number(name, label(octets)),
            Self::Sid(name) => match octets.len() {
                3 => fields.number(name, number(octets) & 0xf_ffff),
                4 => fields.number(name, number(octets)),
                _ => fields.octets(name, octets),
            },
            Self::Float(name) => fields.float(name, float(octets)),
            Self::Whole(name) if octets.len() <= 4 => fields.number(name, number(octets)),
            Self::Whole(name) => fields.octets(name, octets),
            Self::Numbers(name, size) => {
                fields.list(name, each(size, |some| Node::Number(number(some))));
            }
            Self::Floats(name) => {
                fields.list(name, each(4, |four| Node::Float(float(four).to_bits())))
            }
            Self::Labels(name) => {
                fields.list(name, each(4, |four| Node::Number(label(four))));
            }
            Self::Ipv4(name) | Self::Ipv6(name) | Self::Address(name) => {
                put_address(name, octets, fields);
            }
            Self::Text(name) => fields.text(name, String::from_utf8_lossy(octets)),
            Self::Octets(name) => fields.octets(name, octets),
            Self::Rest(layout) => describe_all(layout, octets, fields),
        }
    }
}

/// What comes after the fields of fixed length, and whether there is no other field; `None` if those
/// are cut short.
pub(super) fn after_fixed<'a>(layout: &[Field], octets: &'a [u8]) -> Option<(&'a [u8], bool)> {
    let mut rest = octets;
    for field in layout {
        let Some(length) = field.length() else {
            return Some((rest, false));
        };
        rest = rest.get(length..)?;
    }
    Some((rest, true))
}

/// Puts the fields of a value, as far as its octets go, and returns the octets that are left.
pub(super) fn describe<'a>(layout: &[Field], octets: &'a [u8], fields: &mut Fields) -> &'a [u8] {
    let mut rest = octets;
    for field in layout {
        // What is optional comes last.
        if rest.is_empty() {
            break;
        }
        let Some((own, after)) = rest.split_at_checked(field.length().unwrap_or(rest.len())) else {
            break;
        };
        field.put(own, fields);
        rest = after;
    }
    rest
}

/// The same, and what is left as octets.
pub(super) fn describe_all(layout: &[Field], octets: &[u8], fields: &mut Fields) {
    let rest = describe(layout, octets, fields);
    if !rest.is_empty() {
        fields.octets("rest", rest);
    }
}

/// Described fields in one line: `type SR Policy, preference 100`.
pub(super) fn show(fields: &Fields, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut between = "";
    for (name, node) in fields.iter() {
        match node {
            Node::Flag(false) => continue,
            Node::Flag(true) => write!(f, "{between}{name}")?,
            _ => {
                write!(f, "{between}{name} ")?;
                show_node(node, f)?;
            }
        }
        between = ", ";
    }
    Ok(())
}

fn show_node(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match node {
        Node::Flag(yes) => write!(f, "{yes}"),
        Node::Number(number) | Node::Named(number, None) => write!(f, "{number}"),
        Node::Float(bits) => write!(f, "{}", f32::from_bits(*bits)),
        Node::Named(_, Some(name)) => f.write_str(name),
        // A text may come from the wire.
        Node::Text(text) => write!(f, "{}", text.escape_debug()),
        Node::Octets(octets) => {
            f.write_str("0x")?;
            octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
        }
        Node::List(items) => {
            f.write_str("[")?;
            for (place, item) in items.iter().enumerate() {
                f.write_str(if place > 0 { ", " } else { "" })?;
                show_node(item, f)?;
            }
            f.write_str("]")
        }
        Node::Fields(fields) => {
            f.write_str("{")?;
            show(fields, f)?;
            f.write_str("}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_put_as_far_as_the_octets_go() {
        const LAYOUT: &[Field] = &[
            Field::Flags(&[(0x80, "v")]),
            Field::Reserved(1),
            Field::Label("label"),
            Field::Ipv6("address"),
        ];
        let mut fields = Fields::new();
        describe_all(LAYOUT, &[0x80, 0, 0, 1, 0x01, 0xff], &mut fields);
        assert_eq!(fields.get("v"), Some(&Node::Flag(true)));
        assert_eq!(fields.get("label"), Some(&Node::Number(16)));
        assert_eq!(fields.get("address"), None);
        assert_eq!(fields.get("rest"), None);
        let mut fields = Fields::new();
        describe_all(LAYOUT, &[0x80, 0, 0, 1, 0x01, 0xff, 9, 9], &mut fields);
        assert_eq!(fields.get("rest"), Some(&Node::Octets(vec![9, 9])));
        let line = fmt::from_fn(|f| show(&fields, f)).to_string();
        assert_eq!(line, "v, label 16, rest 0x0909");
    }

    #[test]
    fn texts_from_the_wire_cannot_move_the_cursor() {
        let mut fields = Fields::new();
        describe_all(&[Field::Text("name")], b"a\x1b[2J\n", &mut fields);
        let line = fmt::from_fn(|f| show(&fields, f)).to_string();
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}
