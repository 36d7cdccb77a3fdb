//! PURE: what `cosmos show peers` and `cosmos show peer NAME` say of dynamic neighbours beside their sessions.

use std::io::Write;

use serde::Serialize;

use super::client::AskError;
use super::show_peers::signature;
use super::table::{Screen, Style};
use super::words;
use crate::control::dynamic::DynamicView;
use crate::control::sessions::PeerView;

/// Of an object that was asked for by name, everything.
#[derive(Serialize)]
pub(super) struct Whole<'a> {
    #[serde(flatten)]
    pub(super) neighbors: &'a DynamicView,
    /// The sessions themselves.
    pub(super) peers: Vec<&'a PeerView>,
}

impl<'a> Whole<'a> {
    pub(super) fn of(neighbors: &'a DynamicView, peers: &'a [PeerView]) -> Self {
        let of = |peer: &&PeerView| {
            peer.router == neighbors.router && peer.dynamic.as_ref() == Some(&neighbors.name)
        };
        Self {
            neighbors,
            peers: peers.iter().filter(of).collect(),
        }
    }
}

/// Below the sessions, a line for each object.
pub(super) fn lines<W: Write>(
    dynamic: &[DynamicView],
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    if !dynamic.is_empty() {
        screen.blank()?;
    }
    for view in dynamic {
        let mut text = format!(
            "{} of router {}: {}, at most {}, from {}",
            view.name,
            view.router,
            words::count(view.sessions, "dynamic neighbour", "dynamic neighbours"),
            words::number(view.limit.into()),
            prefixes(view)
        );
        let mut style = Style::Plain;
        if view.shutdown.is_some() {
            text.push_str("; shut down");
        }
        if view.refused > 0 {
            text.push_str(&format!("; {} refused", words::number(view.refused)));
        }
        if view.full {
            style = Style::Bad;
        }
        screen.styled_line(0, &text, style)?;
    }
    Ok(())
}

/// The object that was asked for by name.
pub(super) fn section<W: Write>(
    view: &DynamicView,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    let title = format!("Dynamic neighbours {} of router {}", view.name, view.router);
    screen.styled_line(0, &title, Style::Strong)?;
    screen.fact(
        2,
        "description",
        view.description.as_deref().unwrap_or_default(),
    )?;
    let asn = view
        .remote_as
        .map_or_else(|| "any".to_owned(), |asn| asn.to_string());
    screen.fact(
        2,
        "AS",
        &format!("{asn} ({}), ours {}", view.kind, view.local_as),
    )?;
    screen.fact(2, "connect from", &view.prefixes.join(", "))?;
    let sessions = format!(
        "{} of at most {}, {} Established",
        words::number(view.sessions),
        words::number(view.limit.into()),
        words::number(view.established)
    );
    screen.fact(2, "sessions", &sessions)?;
    if view.refused > 0 {
        let style = match view.full {
            true => Style::Bad,
            false => Style::Fair,
        };
        let text = format!("{}, as the limit was reached", words::number(view.refused));
        screen.styled_fact(2, "refused", &text, style)?;
    }
    if let Some(text) = &view.shutdown {
        let text = match text.is_empty() {
            true => "by their manifest".to_owned(),
            false => format!("by their manifest: {text}"),
        };
        screen.fact(2, "shut down", &text)?;
    }
    signature(screen, view.password, view.tcp_ao.as_ref())
}

/// The first prefixes, and how many more there are.
fn prefixes(view: &DynamicView) -> String {
    const SHOWN: usize = 2;
    let shown: Vec<&str> = view
        .prefixes
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect();
    let shown = shown.join(", ");
    match view.prefixes.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
