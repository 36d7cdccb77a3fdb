//! A judged message as a tree for people.
//!
//! A field whose value fits beside its name is one line; the others are indented below. Names lose their underscores.

use std::io::{self, Write};

use bgp_wire::{Capability, Disposition, Fields, Node, codes};

use super::json::hex;
use super::judgement::Fault;
use super::print::{Told, time};
use crate::cli::table::printable;

/// Columns that a line may take before its value is laid out below.
const WIDTH: usize = 100;
/// The field that says what the fields behind it are about. In a list it needs no label.
const NAMING: &str = "code";
/// Octets in a line of their own.
const OCTETS: usize = 32;

pub(super) fn write(out: &mut dyn Write, told: &Told<'_>) -> io::Result<()> {
    let judgement = told.judgement;
    let kind = judgement.kind.unwrap_or("no message");
    write!(out, "{kind}")?;
    if let Some(length) = judgement.length {
        write!(
            out,
            ", {length} {}",
            if length == 1 { "octet" } else { "octets" }
        )?;
    }
    write!(out, " at {}", told.offset)?;
    if let Some(session) = told.session {
        write!(
            out,
            ", {} > {}",
            printable(&session.from),
            printable(&session.to)
        )?;
        let details = inline_fields(&session.details);
        if let Some(details) = details.filter(|details| !details.is_empty()) {
            write!(out, " ({details})")?;
        }
    }
    if let Some(at) = told.time {
        write!(out, ", {}", time(at))?;
    }
    writeln!(out)?;
    if let Some(error) = &judgement.error {
        writeln!(out, "  {}", consequence(error))?;
    }
    for finding in &judgement.findings {
        writeln!(out, "    {}", words(finding))?;
    }
    fields(out, &judgement.fields, 2)?;
    writeln!(out)
}

/// What the worst fault leads to.
fn consequence(error: &Fault) -> String {
    if error.disposition == Disposition::None {
        return "MALFORMED, without consequences".to_owned();
    }
    let mut text = format!("MALFORMED: {}", error.disposition);
    if let Some((code, subcode)) = error.code {
        let names = [codes::code_name(code), codes::subcode_name(code, subcode)];
        let names: Vec<_> = names.into_iter().flatten().collect();
        text += &format!(", {code}/{subcode}");
        if !names.is_empty() {
            text += &format!(" ({})", names.join(": "));
        }
    }
    text
}

fn words(finding: &Fault) -> String {
    let Fault {
        field,
        offset,
        reason,
        disposition,
        ..
    } = finding;
    let place = match (finding.attribute, finding.capability) {
        (Some(code), _) if code.name() != Some(field) => format!("{code}: "),
        (_, Some(code)) => {
            let name = Capability::name_of(code).unwrap_or_default();
            format!("{name} ({code}): ")
        }
        _ => String::new(),
    };
    format!("{place}{field} at octet {offset}: {reason} ({disposition})")
}

fn fields(out: &mut dyn Write, all: &Fields, indent: usize) -> io::Result<()> {
    for (name, value) in all.iter() {
        write!(out, "{:indent$}{}:", "", label(name))?;
        value_below(out, value, indent, indent + name.len() + 2)?;
    }
    Ok(())
}

/// Writes a value beside what is there already, if it fits, and below if not.
fn value_below(out: &mut dyn Write, value: &Node, indent: usize, used: usize) -> io::Result<()> {
    if let Some(text) = inline(value).filter(|text| used + text.chars().count() <= WIDTH) {
        return writeln!(out, " {text}");
    }
    writeln!(out)?;
    let below = indent + 2;
    match value {
        Node::Fields(all) => fields(out, all, below),
        Node::List(items) => items
            .iter()
            .try_for_each(|item| self::item(out, item, below)),
        Node::Octets(octets) => octets
            .chunks(OCTETS)
            .try_for_each(|line| writeln!(out, "{:below$}{}", "", hex(line))),
        other => writeln!(out, "{:below$}{}", "", inline(other).unwrap_or_default()),
    }
}

/// One item of a list. Fields that do not fit into a line begin in it.
fn item(out: &mut dyn Write, item: &Node, indent: usize) -> io::Result<()> {
    write!(out, "{:indent$}-", "")?;
    let text = inline(item).filter(|text| indent + 2 + text.chars().count() <= WIDTH);
    match (text, item) {
        (Some(text), _) => writeln!(out, " {text}"),
        (None, Node::Fields(all)) => {
            let mut all = all.iter();
            match all.next() {
                Some((NAMING, value)) => value_below(out, value, indent + 2, indent + 2)?,
                Some((name, value)) => {
                    write!(out, " {}:", label(name))?;
                    value_below(out, value, indent + 2, indent + name.len() + 4)?;
                }
                None => writeln!(out)?,
            }
            let indent = indent + 2;
            for (name, value) in all {
                write!(out, "{:indent$}{}:", "", label(name))?;
                value_below(out, value, indent, indent + name.len() + 2)?;
            }
            Ok(())
        }
        (None, other) => value_below(out, other, indent, WIDTH),
    }
}

fn label(name: &str) -> String {
    name.replace('_', " ")
}

/// A value in one line; `None` if that cannot be.
fn inline(value: &Node) -> Option<String> {
    Some(match value {
        Node::Flag(true) => "yes".to_owned(),
        Node::Flag(false) => "no".to_owned(),
        Node::Number(number) => number.to_string(),
        Node::Float(bits) => f32::from_bits(*bits).to_string(),
        Node::Named(number, Some(name)) => format!("{name} ({number})"),
        Node::Named(number, None) => number.to_string(),
        // What is there and has no octets is told from what is missing.
        Node::Text(text) if text.is_empty() => "empty".to_owned(),
        Node::Octets(octets) if octets.is_empty() => "empty".to_owned(),
        Node::Text(text) => printable(text).into_owned(),
        Node::Octets(octets) if octets.len() > OCTETS => return None,
        Node::Octets(octets) => hex(octets),
        Node::List(items) if items.is_empty() => "none".to_owned(),
        Node::List(items) => {
            // Fields next to each other need their lines, unless each is one value.
            if items.len() > 1 && items.iter().any(is_several) {
                return None;
            }
            let items: Option<Vec<_>> = items.iter().map(inline).collect();
            items?.join(", ")
        }
        Node::Fields(all) => return inline_fields(all),
    })
}

fn is_several(value: &Node) -> bool {
    matches!(value, Node::Fields(fields) if fields.iter().count() > 1)
}

fn inline_fields(all: &Fields) -> Option<String> {
    let mut parts = Vec::new();
    let alone = all.iter().count() == 1;
    for (name, value) in all.iter() {
        let nested = matches!(value, Node::Fields(_))
            || matches!(value, Node::List(items) if items.iter().any(is_several));
        if nested {
            return None;
        }
        let text = inline(value)?;
        let naming = parts.is_empty() && name == NAMING;
        parts.push(if alone || naming {
            text
        } else {
            format!("{} {text}", label(name))
        });
    }
    Some(parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(fill: impl FnOnce(&mut Fields)) -> String {
        let mut all = Fields::new();
        fill(&mut all);
        let mut out = Vec::new();
        fields(&mut out, &all, 0).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_value_without_octets_is_called_empty() {
        let text = tree(|fields| {
            fields.text("as_path", "");
            fields.octets("value", &[]);
            fields.list("segments", std::iter::empty());
        });
        assert_eq!(text, "as path: empty\nvalue: empty\nsegments: none\n");
    }

    #[test]
    fn short_values_are_beside_their_names_and_long_ones_below() {
        let text = tree(|fields| {
            fields.named("hold_time", 90u8, None);
            fields.named("code", 1u8, Some("ORIGIN"));
            fields.list(
                "announced",
                ["10.0.0.0/8", "10.1.0.0/16"]
                    .map(|prefix| Node::fields(|fields| fields.text("prefix", prefix))),
            );
            fields.list(
                "paths",
                [1u8, 2].map(|id| {
                    Node::fields(|fields| {
                        fields.number("path_id", id);
                        fields.text("prefix", "::/0");
                    })
                }),
            );
            fields.list(
                "attributes",
                [3u8, 4].map(|value| {
                    Node::fields(|fields| {
                        fields.named("code", value, Some("NAME"));
                        fields.number("value", value);
                    })
                }),
            );
            fields.octets("data", &[0xab; 40]);
            fields.list("flags", []);
        });
        let wanted = format!(
            "hold time: 90\ncode: ORIGIN (1)\nannounced: 10.0.0.0/8, 10.1.0.0/16\npaths:\n  \
             - path id 1, prefix ::/0\n  - path id 2, prefix ::/0\nattributes:\n  \
             - NAME (3), value 3\n  - NAME (4), value 4\ndata:\n  {}\n  {}\nflags: none\n",
            "ab".repeat(32),
            "ab".repeat(8)
        );
        assert_eq!(text, wanted);
    }

    #[test]
    fn text_from_outside_does_not_reach_the_terminal_as_it_is() {
        let text = tree(|fields| fields.text("hostname", "a\u{1b}[31mb"));
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
