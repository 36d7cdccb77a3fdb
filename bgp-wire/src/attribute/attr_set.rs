//! ATTR_SET (RFC 6368): the attributes of a customer's route, carried through the provider's network
//! beside its own.

use std::fmt;

use super::table::{self, Keep};
use super::{AttrCode, AttrRef, flags, set};
use crate::describe::{Fields, Node};
use crate::error::{Disposition, Reason};
use crate::faults::{Faults, severest};
use crate::input::{Input, Malformed};
use crate::{Asn, PeerKind, SessionContext};

/// How deep sets in sets are looked into. A customer that is a provider itself makes a second one
/// (RFC 6368 §5); deeper ones are kept as they are.
const DEPTH: usize = 4;

/// The AS of the customer, and its attributes.
fn split(value: &[u8]) -> Option<(Asn, &[u8])> {
    let (asn, attributes) = value.split_first_chunk()?;
    Some((Asn(u32::from_be_bytes(*asn)), attributes))
}

/// RFC 6368 §5: malformed are a length below four, MP_REACH_NLRI or MP_UNREACH_NLRI inside, and
/// attributes that are malformed themselves. They have been sent by an internal peer, with four
/// octets for each AS (RFC 6368 §5).
pub(crate) fn read<'a>(
    value: Input<'a>,
    ctx: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    let start = out.len();
    let worst = severest(Disposition::TreatAsWithdraw, |note| {
        walk(value, &inside(ctx), out, DEPTH, note);
    });
    out.truncate(start);
    // What the customer sent is to leave as it came.
    if worst.is_none_or(|error| error.is_harmless()) {
        out.extend_from_slice(value);
    }
    worst.map_or(Ok(()), Err)
}

pub(crate) fn each_fault<'a>(value: Input<'a>, ctx: &SessionContext, all: &mut Faults<'a>) {
    let mut scratch = Vec::new();
    walk(value, &inside(ctx), &mut scratch, DEPTH, &mut |fault| {
        all.add(fault);
    });
}

/// Who sent the attributes of a set.
fn inside(ctx: &SessionContext) -> SessionContext {
    SessionContext {
        peer_kind: PeerKind::Internal,
        asn4: true,
        ..ctx.clone()
    }
}

/// Says all that is wrong. What makes an attribute inside malformed makes the set so, whatever it
/// asks for elsewhere; what does not, does not.
fn walk<'a>(
    value: Input<'a>,
    ctx: &SessionContext,
    scratch: &mut Vec<u8>,
    depth: usize,
    note: &mut dyn FnMut(Malformed<'a>),
) {
    let Some((_, attributes)) = split(value) else {
        let length = Reason::Length(value.len());
        note(Malformed::new(value, "ATTR_SET", length));
        return;
    };
    let mut rest = attributes;
    while !rest.is_empty() {
        let bad = |reason| Malformed::new(rest, "ATTR_SET attribute", reason);
        let Some((code, flags, value, after)) = set::first(rest) else {
            note(bad(Reason::Truncated));
            return;
        };
        rest = after;
        if matches!(code, AttrCode::MP_REACH_NLRI | AttrCode::MP_UNREACH_NLRI) {
            note(bad(Reason::Text("carries NLRI, which no set may")));
            continue;
        }
        let Some(line) = table::spec(code.0) else {
            continue;
        };
        if flags & (flags::OPTIONAL | flags::TRANSITIVE) != line.flags {
            note(bad(Reason::Flags(flags)));
        } else if code == AttrCode::ATTR_SET {
            if depth > 1 {
                walk(value, ctx, scratch, depth - 1, note);
            }
        } else if line.keep != Keep::Merged
            && let Err(error) = (line.read)(value, ctx, scratch)
        {
            let mut all = Faults::default();
            match line.each_fault {
                Some(each) => each(value, ctx, &mut all),
                None => all.add(error),
            }
            for fault in all.iter() {
                let asks = fault.asks.filter(|_| fault.is_harmless());
                note(Malformed { asks, ..fault });
            }
        }
    }
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some((asn, attributes)) = split(value) else {
        return Ok(());
    };
    write!(f, "attr-set of {asn} {{")?;
    let mut between = "";
    for (code, flags, value) in AttrRef::attributes(attributes) {
        f.write_str(between)?;
        between = ", ";
        if code == AttrCode::ATTR_SET {
            write!(f, "attr-set of {} octets", value.len())?;
        } else {
            set::show(code, flags, value, f)?;
        }
    }
    f.write_str("}")
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    describe_to(value, fields, DEPTH);
}

fn describe_to(value: &[u8], fields: &mut Fields, depth: usize) {
    let Some((asn, attributes)) = split(value) else {
        return;
    };
    fields.number("origin_as", asn.0);
    let attributes = AttrRef::attributes(attributes).map(|(code, flags, value)| {
        if code != AttrCode::ATTR_SET {
            return set::describe(code, flags, value);
        }
        Node::fields(|fields| {
            set::describe_head(code, flags, fields);
            if depth > 1 {
                describe_to(value, fields, depth - 1);
            } else {
                fields.octets("value", value);
            }
        })
    });
    fields.list("attributes", attributes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_it(value: &[u8]) -> bool {
        let (ctx, mut out) = (SessionContext::new(Asn(1), Asn(2)), vec![9]);
        let good = read(value, &ctx, &mut out).is_ok();
        if good {
            assert_eq!(out[1..], *value);
        }
        good
    }

    fn within(attributes: &[u8]) -> Vec<u8> {
        [&[0, 0, 0xfd, 0xe8], attributes].concat()
    }

    /// RFC 6368 §5.
    #[test]
    fn attributes_inside_are_held_to_their_own_rules() {
        const ORIGIN: [u8; 4] = [0x40, 1, 1, 0];
        const PATH: [u8; 9] = [0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9];
        assert!(read_it(&within(&[])));
        assert!(read_it(&within(&[&ORIGIN[..], &PATH].concat())));
        assert!(read_it(&within(&[0xc0, 99, 1, 7])), "an unknown one");
        assert!(read_it(&within(&[0x40, 3, 4, 192, 0, 2, 1])));
        assert!(read_it(&within(&[0x40, 5, 4, 0, 0, 0, 9])));
        for bad in [
            &[0, 0, 0xfd][..],
            &within(&[0x40]),
            &within(&[0x40, 1, 2, 0]),
            &within(&[0x40, 1, 1, 7]),
            &within(&[0xc0, 1, 1, 0]),
            &within(&[0x40, 2, 4, 2, 1, 0xfd, 0xe9]),
            &within(&[0x80, 14, 5, 0, 1, 1, 0, 0]),
            &within(&[0x80, 15, 3, 0, 1, 1]),
            &within(&[0xc0, 128, 3, 0, 0, 0]),
        ] {
            assert!(!read_it(bad), "{bad:?}");
        }
    }

    /// Thousands of sets in sets cost no more than their octets.
    #[test]
    fn sets_in_sets_are_bounded() {
        let mut value = within(&[]);
        while value.len() < 60_000 {
            let length = u16::try_from(value.len()).unwrap().to_be_bytes();
            value = within(&[&[0xd0, 128, length[0], length[1]][..], &value].concat());
        }
        assert!(read_it(&value));
        let mut fields = Fields::new();
        describe(&value, &mut fields);
        let mut depth = 0;
        let mut at = &fields;
        while let Some(Node::List(inner)) = at.get("attributes") {
            let [Node::Fields(inner)] = &inner[..] else {
                break;
            };
            at = inner;
            depth += 1;
        }
        assert_eq!(depth, DEPTH);
        let text = fmt::from_fn(|f| show(&value, f)).to_string();
        assert!(
            text.starts_with("attr-set of 65000 {attr-set of "),
            "{text}"
        );
    }
}
