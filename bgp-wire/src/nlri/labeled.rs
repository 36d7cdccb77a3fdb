//! Prefixes with labels (RFC 8277): the length counts the labels too, which stand in front of the
//! prefix.
//!
//! Several labels are only sent where both sides announced so (§2.1); without that there is one,
//! and its bottom-of-stack bit says nothing (§2.2). The first label is a detail of the path.

use std::fmt;

use bytes::{BufMut, BytesMut};
use ipnet::{Ipv4Net, Ipv6Net};

use super::label::{self, Label};
use super::prefix::{self, IpPrefix};
use super::{Counts, Form, Nlri, NlriBlock, describe_path_id, path_id, reserved};
use crate::error::Reason;
use crate::input::{Input, Malformed};
use crate::{Family, Fields, Node, PathId};

/// A prefix that is announced with a label.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labeled<P>(pub P);

/// Octets and bits of a label.
const LABEL_BITS: usize = label::OCTETS * 8;

/// What stands in one NLRI: the labels and what follows them, `head` octets and a prefix.
pub(super) struct Parts<'a> {
    pub(super) labels: &'a [u8],
    pub(super) head: &'a [u8],
    pub(super) bits: u8,
    pub(super) prefix: &'a [u8],
}

/// Cuts one NLRI, and what follows it. `head`: octets between labels and prefix.
#[inline]
pub(super) fn cut(
    input: Input<'_>,
    form: Form,
    head: usize,
    max_bits: u8,
) -> Result<(Parts<'_>, Input<'_>), Malformed<'_>> {
    let (bits, body, after) = prefix::split(input, u8::MAX)?;
    let stack = form.label_stack && !form.withdrawn;
    let (labels, rest) = body
        .split_at_checked(label::length(body, stack)?)
        .unwrap_or((body, &[]));
    let before = (labels.len() / label::OCTETS) * LABEL_BITS + head * 8;
    let left = usize::from(bits)
        .checked_sub(before)
        .and_then(|bits| u8::try_from(bits).ok());
    match (rest.split_at_checked(head), left) {
        (Some((head, prefix)), Some(left)) if left <= max_bits => Ok((
            Parts {
                labels,
                head,
                bits: left,
                prefix,
            },
            after,
        )),
        _ => Err(prefix::too_long(input, bits)),
    }
}

/// Walks NLRI and path identifiers. `reserved` is asked, with the length and the octets, whether a prefix
/// is one to pass over.
#[inline]
fn check<'a, P: IpPrefix>(
    input: Input<'a>,
    form: Form,
    head: usize,
    reserved: impl Fn(u8, &[u8]) -> bool,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    let mut rest = input;
    while !rest.is_empty() {
        rest = path_id(rest, form.add_path)?;
        let (parts, after) = cut(rest, form, head, P::MAX_BITS)?;
        counts.all += 1;
        if reserved(parts.bits, parts.prefix) {
            let prefix = P::from_wire(parts.bits, parts.prefix);
            let why = prefix.and_then(|prefix| prefix.why_reserved());
            let why = Reason::Odd(why.unwrap_or("is reserved"));
            counts.ignore(Malformed::new(rest, "Prefix", why));
        }
        rest = after;
    }
    Ok(())
}

/// Walks a block of IPv4, with `head` octets between labels and prefix.
pub(super) fn check_ipv4<'a>(
    input: Input<'a>,
    form: Form,
    head: usize,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    check::<Ipv4Net>(input, form, head, reserved::is_v4, counts)
}

/// The same of IPv6.
pub(super) fn check_ipv6<'a>(
    input: Input<'a>,
    form: Form,
    head: usize,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    check::<Ipv6Net>(input, form, head, reserved::is_v6, counts)
}

pub(super) fn check_v4<'a>(
    input: Input<'a>,
    form: Form,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    check_ipv4(input, form, 0, counts)
}

pub(super) fn check_v6<'a>(
    input: Input<'a>,
    form: Form,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    check_ipv6(input, form, 0, counts)
}

/// Whether a prefix is among those of a block that are passed over.
fn is_ignored<P: IpPrefix>(block: &NlriBlock<'_>, parts: &Parts<'_>) -> bool {
    block.ignored() > 0
        && P::from_wire(parts.bits, parts.prefix).is_some_and(|prefix| prefix.is_reserved())
}

/// Takes one from the front: what is before the prefix, the prefix, its first label.
#[inline]
pub(super) fn decode<'a, P: IpPrefix>(
    input: &mut &'a [u8],
    form: Form,
    head: usize,
) -> Option<(&'a [u8], P, Label)> {
    let (parts, after) = cut(input, form, head, P::MAX_BITS).ok()?;
    *input = after;
    let first = parts.labels.first_chunk().copied()?;
    let prefix = P::from_wire(parts.bits, parts.prefix)?;
    Some((parts.head, prefix, Label::from_bytes(first)))
}

/// Describes a block of labelled NLRI with every label, where a path has but the first. `head` fills
/// in what stands between labels and prefix.
pub(super) fn describe<P: IpPrefix>(
    block: &NlriBlock<'_>,
    head: usize,
    describe_head: impl Fn(&[u8], &mut Fields),
) -> Vec<Node> {
    let (mut nodes, mut rest, form) = (Vec::new(), block.bytes(), block.form);
    while let Ok(body) = path_id(rest, form.add_path)
        && let Ok((parts, after)) = cut(body, form, head, P::MAX_BITS)
    {
        let start = std::mem::replace(&mut rest, after);
        if is_ignored::<P>(block, &parts) {
            continue;
        }
        nodes.push(Node::fields(|fields| {
            describe_path_id(start, form, fields);
            describe_head(parts.head, fields);
            if let Some(prefix) = P::from_wire(parts.bits, parts.prefix) {
                fields.text("prefix", prefix);
            }
            let labels = parts.labels.as_chunks().0.iter().copied();
            fields.list("labels", labels.map(Label::from_bytes).map(Label::describe));
        }));
    }
    nodes
}

pub(super) fn describe_v4(block: &NlriBlock<'_>) -> Vec<Node> {
    describe::<Ipv4Net>(block, 0, |_, _| {})
}

pub(super) fn describe_v6(block: &NlriBlock<'_>) -> Vec<Node> {
    describe::<Ipv6Net>(block, 0, |_, _| {})
}

/// Writes a block of labelled NLRI with every label, or, to withdraw them, with the one that says so
/// (RFC 8277 §2.4), and without bits beyond the length of a prefix.
pub(super) fn write<P: IpPrefix>(
    block: &NlriBlock<'_>,
    head: usize,
    withdraw: bool,
    out: &mut BytesMut,
) {
    let (mut rest, form) = (block.bytes(), block.form);
    while let Ok(body) = path_id(rest, form.add_path)
        && let Ok((parts, after)) = cut(body, form, head, P::MAX_BITS)
    {
        let start = std::mem::replace(&mut rest, after);
        if is_ignored::<P>(block, &parts) {
            continue;
        }
        if let (true, Some(id)) = (form.add_path, start.first_chunk::<4>()) {
            out.put_slice(id);
        }
        let withdrawn = Label::WITHDRAWN.to_bytes();
        let labels = if withdraw { &withdrawn } else { parts.labels };
        let bits = (labels.len() + parts.head.len()) * 8 + usize::from(parts.bits);
        out.put_u8(u8::try_from(bits).unwrap_or(u8::MAX));
        out.put_slice(labels);
        out.put_slice(parts.head);
        if let Some(prefix) = P::from_wire(parts.bits, parts.prefix) {
            prefix.put_address(out);
        }
    }
}

pub(super) fn write_v4(block: &NlriBlock<'_>, withdraw: bool, out: &mut BytesMut) {
    write::<Ipv4Net>(block, 0, withdraw, out);
}

pub(super) fn write_v6(block: &NlriBlock<'_>, withdraw: bool, out: &mut BytesMut) {
    write::<Ipv6Net>(block, 0, withdraw, out);
}

impl<P: IpPrefix> Labeled<P> {
    const V4: bool = P::MAX_BITS == Ipv4Net::MAX_BITS;
}

impl<P: IpPrefix> Nlri for Labeled<P> {
    const FAMILIES: &'static [Family] = if Self::V4 {
        &[Family::IPV4_LABELED]
    } else {
        &[Family::IPV6_LABELED]
    };
    type Detail = Label;

    fn wire_len(&self, _: &Label) -> usize {
        1 + label::OCTETS + prefix::octets(self.0.bits())
    }

    fn encode(&self, label: &Label, out: &mut impl BufMut) {
        let bits = usize::from(self.0.bits()) + LABEL_BITS;
        out.put_u8(u8::try_from(bits).unwrap_or(u8::MAX));
        out.put_slice(&label.to_bytes());
        self.0.put_address(out);
    }

    fn decode(input: &mut &[u8], form: Form, id: PathId) -> Option<(PathId, Self, Label)> {
        let (_, prefix, label) = decode(input, form, 0)?;
        Some((id, Self(prefix), label))
    }

    fn is_usable(&self) -> bool {
        !self.0.is_reserved()
    }

    fn withdrawn() -> Label {
        Label::WITHDRAWN
    }

    fn describe(&self, label: &Label, fields: &mut Fields) {
        fields.text("prefix", self.0);
        fields.list("labels", [label.describe()]);
    }
}

impl<P: fmt::Display> fmt::Display for Labeled<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<P: fmt::Display> fmt::Debug for Labeled<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "labeled {}", self.0)
    }
}
