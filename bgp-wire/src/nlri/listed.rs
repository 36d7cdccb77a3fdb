//! NLRI that are checked, shown and passed on, and put into no table: flow specifications, SR
//! policies, link state. Each is looked at where it stands in the message.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::{Counts, Form, NlriBlock, describe_path_id, path_id};
use crate::input::{Input, Malformed};
use crate::{Fields, Node};

/// How the NLRI of a family are read.
pub(super) trait Listed {
    /// One of them, read. Its text goes into a line with others.
    type One<'a>: fmt::Display;

    /// The octets of one, its length included, and what follows. Fails where the next one is lost.
    fn split(input: Input<'_>) -> Result<(Input<'_>, Input<'_>), Malformed<'_>>;

    /// Reads the octets of one. What fails is passed over.
    fn read(one: Input<'_>) -> Result<Self::One<'_>, Malformed<'_>>;

    /// Its fields, by name.
    fn describe(one: &Self::One<'_>, fields: &mut Fields);
}

/// Walks NLRI and path identifiers.
pub(super) fn check<'a, L: Listed>(
    input: Input<'a>,
    form: Form,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    let mut rest = input;
    while !rest.is_empty() {
        let (one, after) = L::split(path_id(rest, form.add_path)?)?;
        counts.all += 1;
        if let Err(error) = L::read(one) {
            counts.ignore(error);
        }
        rest = after;
    }
    Ok(())
}

/// The NLRI of a block that has been checked, each behind the octets that begin with its path
/// identifier.
fn each<'a, L: Listed>(block: &NlriBlock<'a>) -> impl Iterator<Item = (Input<'a>, L::One<'a>)> {
    let (mut rest, add_path) = (block.bytes(), block.form.add_path);
    std::iter::from_fn(move || {
        loop {
            let start = rest;
            let (one, after) = L::split(path_id(start, add_path).ok()?).ok()?;
            rest = after;
            if let Ok(one) = L::read(one) {
                return Some((start, one));
            }
        }
    })
}

pub(super) fn write<L: Listed>(block: &NlriBlock<'_>, _: bool, out: &mut BytesMut) {
    let (mut rest, add_path) = (block.bytes(), block.form.add_path);
    while let Ok(body) = path_id(rest, add_path)
        && let Ok((one, after)) = L::split(body)
    {
        if L::read(one).is_ok() {
            // The path identifier stands in front.
            let whole = rest.len().saturating_sub(after.len());
            out.put_slice(rest.get(..whole).unwrap_or(one));
        }
        rest = after;
    }
}

pub(super) fn show<L: Listed>(block: &NlriBlock<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (place, (start, one)) in each::<L>(block).enumerate() {
        let between = if place == 0 { "" } else { " " };
        write!(f, "{between}{one}")?;
        if let (true, Some(id)) = (block.form.add_path, start.first_chunk()) {
            write!(f, "#{}", u32::from_be_bytes(*id))?;
        }
    }
    Ok(())
}

pub(super) fn describe<L: Listed>(block: &NlriBlock<'_>) -> Vec<Node> {
    let every = each::<L>(block).map(|(start, one)| {
        Node::fields(|fields| {
            describe_path_id(start, block.form, fields);
            L::describe(&one, fields);
        })
    });
    every.collect()
}
