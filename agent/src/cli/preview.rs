//! `cosmos check DIR --against-running`: what the agent that runs would change, and which sessions that would reset.

use std::io::{self, Write};
use std::path::Path;

use super::check::{OK, PROBLEMS, check};
use super::client::{AskError, Replies};
use crate::control::protocol::{Reply, Request};
use crate::desired::Effect;

/// Checks the manifests in `dir` as the agent on `socket` would, and if nothing is wrong writes a line for each change that it would
/// make. Gives the exit status, as of [`check`].
pub fn preview(dir: &Path, socket: &Path, out: &mut dyn Write) -> Result<u8, AskError> {
    let node = node(socket)?;
    let status = check(dir, Some(&node), out, &mut io::stderr());
    if status != OK {
        if status == PROBLEMS {
            writeln!(
                out,
                "Not compared with what runs on node {node}: first correct the above. Until then the agent keeps what \
                 it runs of these objects."
            )?;
        }
        return Ok(status);
    }
    let folder = std::path::absolute(dir)?;
    let (mut changes, mut resets, mut perhaps) = (0_u32, 0_u32, 0_u32);
    for reply in Replies::ask(socket, &Request::Preview { folder })? {
        if let Reply::Consequence(row) = reply? {
            writeln!(out, "{}", row.text)?;
            changes += 1;
            let does = |effect: Effect| u32::from(row.effect == Some(effect.to_string()));
            resets += does(Effect::Reset);
            perhaps += does(Effect::ResetWithoutRole);
        }
    }
    match (changes, resets, perhaps) {
        (0, ..) => writeln!(out, "Nothing would change on node {node}.")?,
        (changes, 0, 0) => writeln!(
            out,
            "{} on node {node}; none resets a session.",
            count(changes)
        )?,
        (changes, resets, 0) => writeln!(
            out,
            "{} on node {node}, {resets} of them with a reset.",
            count(changes)
        )?,
        (changes, resets, perhaps) => writeln!(
            out,
            "{} on node {node}, {resets} to {} of them with a reset.",
            count(changes),
            resets + perhaps
        )?,
    }
    Ok(OK)
}

/// The node that the agent runs for.
fn node(socket: &Path) -> Result<String, AskError> {
    for reply in Replies::ask(socket, &Request::Summary)? {
        if let Reply::Agent(agent) = reply? {
            return Ok(agent.node);
        }
    }
    Err(AskError::bad_request(
        "the agent does not say for which node it runs",
    ))
}

fn count(changes: u32) -> String {
    match changes {
        1 => "1 change".to_owned(),
        n => format!("{n} changes"),
    }
}
