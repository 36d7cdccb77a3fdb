//! PURE: `cosmos show bfd`, and the part on BFD of `cosmos show peer`.

use std::io::Write;

use super::client::AskError;
use super::table::{Cell, Column, Screen, Style, Table};
use super::{ask, is_json, words, write_json};
use crate::args::{ShowFormat, ShowPeersArgs};
use crate::control::protocol::{Reply, Request};
use crate::control::sessions::{BfdSessionView, BfdView, PeerView};

/// Asks for all sessions and shows a line for each that BFD watches over.
pub fn run<W: Write>(args: &ShowPeersArgs, screen: &mut Screen<W>) -> Result<(), AskError> {
    let request = Request::Peers {
        router: args.router.clone(),
        name: None,
    };
    render(
        ask(&args.common.socket, &request)?,
        args.common.output,
        screen,
    )
}

/// Shows a line each.
pub fn render<W: Write>(
    replies: impl Iterator<Item = Result<Reply, AskError>>,
    format: ShowFormat,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    let (peers, _) = super::show_peers::collect(replies)?;
    let watched: Vec<(&PeerView, &BfdView)> = peers
        .iter()
        .filter_map(|peer| Some((peer, peer.bfd.as_ref()?)))
        .collect();
    if is_json(format) {
        let all: Vec<_> = watched
            .iter()
            .map(|(peer, bfd)| {
                serde_json::json!({
                    "name": peer.name, "router": peer.router, "address": peer.whereabouts(), "bfd": bfd,
                })
            })
            .collect();
        return write_json(screen, &all);
    }
    if watched.is_empty() {
        return Ok(screen.line(0, "No session here has BFD.")?);
    }
    let rows: Vec<Vec<Cell>> = watched.iter().map(|(peer, bfd)| row(peer, bfd)).collect();
    let columns = vec![
        Column::text("NAME", 10),
        Column::text("ROUTER", 8),
        Column::firm("ADDRESS", 15),
        Column::text("STATE", 9),
        Column::number("FOR", 6),
        Column::number("SENDS EVERY", 11),
        Column::number("WAITS FOR", 9),
        Column::number("FAILURES", 8),
    ];
    Ok(Table::print(columns, &rows, screen)?)
}

fn row(peer: &PeerView, bfd: &BfdView) -> Vec<Cell> {
    let time = |micros: fn(&BfdSessionView) -> Option<u64>| {
        let micros = bfd.session.as_ref().and_then(micros);
        Cell::from(micros.map_or_else(|| "-".to_owned(), interval))
    };
    vec![
        peer.name.as_str().into(),
        peer.router.as_str().into(),
        peer.whereabouts().unwrap_or_else(|| "-".to_owned()).into(),
        Cell::styled(bfd.state.clone(), style(bfd)),
        words::time(bfd.state_seconds).into(),
        time(|session| session.tx_interval_microseconds),
        time(|session| session.detection_time_microseconds),
        words::number(bfd.failures).into(),
    ]
}

/// A time of the protocol.
fn interval(micros: u64) -> String {
    ::bfd::Micros(u32::try_from(micros).unwrap_or(u32::MAX)).to_string()
}

fn style(bfd: &BfdView) -> Style {
    match bfd.state.as_str() {
        "Up" => Style::Good,
        "Init" => Style::Fair,
        _ => Style::Bad,
    }
}

/// Everything about the BFD of one peer.
pub(super) fn section<W: Write>(
    bfd: Option<&BfdView>,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    let Some(bfd) = bfd else {
        return Ok(());
    };
    screen.blank()?;
    screen.styled_line(2, "BFD", Style::Strong)?;
    let hops = match bfd.multi_hop {
        true => ", over several hops",
        false => "",
    };
    let state = format!("{} for {}{hops}", bfd.state, words::time(bfd.state_seconds));
    screen.styled_fact(2, "state", &state, style(bfd))?;
    let error = bfd.error.as_deref().unwrap_or_default();
    screen.styled_fact(2, "error", error, Style::Bad)?;
    screen.fact(2, "failures", &words::number(bfd.failures))?;
    let last = bfd.last_failure.as_ref().map(words::event);
    screen.fact(2, "last failure", &last.unwrap_or_default())?;
    let Some(session) = &bfd.session else {
        return Ok(());
    };
    let local = session.local.map(|local| local.to_string());
    screen.fact(2, "our address", &local.unwrap_or_default())?;
    let sends = match session.tx_interval_microseconds {
        Some(micros) => format!("every {}", interval(micros)),
        None => "when there is news: the neighbour wants it so".to_owned(),
    };
    screen.fact(2, "sends", &sends)?;
    let waits = session.detection_time_microseconds.map(interval);
    screen.fact(2, "waits for", &waits.unwrap_or_default())?;
    let packets = format!(
        "{} sent, {} received",
        words::number(session.sent),
        words::number(session.received)
    );
    screen.fact(2, "packets", &packets)?;
    let side = |discriminator: u32, state: &str, diagnostic: &str| {
        format!("{state} ({diagnostic}), discriminator {discriminator:#010x}")
    };
    let ours = side(session.discriminator, &bfd.state, &session.diagnostic);
    screen.fact(2, "we say", &ours)?;
    let theirs = match session.remote_discriminator {
        0 => "nothing now".to_owned(),
        known => side(known, &session.remote_state, &session.remote_diagnostic),
    };
    screen.fact(2, "it says", &theirs)?;
    let authentication = session.remote_authentication.as_ref();
    let authentication = authentication
        .map(|kind| format!("its packets have authentication ({kind}), and are discarded for it"));
    screen.styled_fact(
        2,
        "not understood",
        &authentication.unwrap_or_default(),
        Style::Bad,
    )?;
    Ok(())
}
