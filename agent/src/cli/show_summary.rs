//! PURE: `cosmos show summary`.

use std::io::Write;

use serde::Serialize;

use super::client::AskError;
use super::table::{Cell, Column, Screen, Style, Table};
use super::{ask, is_json, words, write_json};
use crate::args::{ShowFormat, ShowSummaryArgs};
use crate::control::dynamic::DynamicView;
use crate::control::protocol::{Reply, Request};
use crate::control::sessions::{PeerView, SessionState};
use crate::control::views::{AgentView, RouterView};

/// Asks and shows.
pub fn run<W: Write>(args: &ShowSummaryArgs, screen: &mut Screen<W>) -> Result<(), AskError> {
    let replies = ask(&args.common.socket, &Request::Summary)?;
    render(replies, args.common.output, screen)
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    agent: Option<AgentView>,
    routers: Vec<RouterView>,
    peers: Vec<PeerView>,
    #[serde(rename = "dynamicNeighbors")]
    dynamic: Vec<DynamicView>,
}

/// Shows replies.
pub fn render<W: Write>(
    replies: impl Iterator<Item = Result<Reply, AskError>>,
    format: ShowFormat,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    let mut summary = Summary::default();
    for reply in replies {
        match reply? {
            Reply::Agent(agent) => summary.agent = Some(agent),
            Reply::Router(router) => summary.routers.push(router),
            Reply::Peer(peer) => summary.peers.push(*peer),
            Reply::Dynamic(view) => summary.dynamic.push(*view),
            _ => {}
        }
    }
    if is_json(format) {
        return write_json(screen, &summary);
    }
    if let Some(agent) = &summary.agent {
        screen.line(
            0,
            &format!(
                "cosmos {} on {}, up {}, {} of memory, process {}",
                agent.version,
                agent.node,
                words::time(agent.uptime_seconds),
                words::size(agent.resident_bytes),
                agent.pid
            ),
        )?;
    }
    if summary.routers.is_empty() {
        let refused = summary
            .agent
            .iter()
            .flat_map(|agent| &agent.problems)
            .any(|problem| problem.refuses("BGPRouter"));
        let why = if refused {
            "what is wrong with its BGPRouter is below"
        } else {
            "no BGPRouter names this node"
        };
        screen.line(0, &format!("No router runs here: {why}."))?;
        return problems(&summary, screen);
    }
    screen.blank()?;
    routers(&summary, screen)?;
    screen.blank()?;
    tables(&summary.routers, screen)?;
    troubles(&summary, screen)?;
    problems(&summary, screen)
}

/// What is wrong with the manifests, a line each.
fn problems<W: Write>(summary: &Summary, screen: &mut Screen<W>) -> Result<(), AskError> {
    let Some(agent) = summary
        .agent
        .as_ref()
        .filter(|agent| agent.problem_count > 0)
    else {
        return Ok(());
    };
    screen.blank()?;
    let count = words::count(agent.problem_count, "problem", "problems");
    screen.line(0, &format!("{count} in the manifests"))?;
    for problem in &agent.problems {
        let (tone, style) = if problem.warning {
            ("warning: ", Style::Fair)
        } else {
            ("", Style::Bad)
        };
        screen.styled_line(2, &format!("{tone}{}", problem.text), style)?;
    }
    let more = agent
        .problem_count
        .saturating_sub(agent.problems.len() as u64);
    if more > 0 {
        let text = format!(
            "and {} more; `cosmos check` names them",
            words::number(more)
        );
        screen.line(2, &text)?;
    }
    Ok(())
}

fn routers<W: Write>(summary: &Summary, screen: &mut Screen<W>) -> Result<(), AskError> {
    let rows: Vec<Vec<Cell>> = summary
        .routers
        .iter()
        .map(|router| {
            let mine = summary
                .peers
                .iter()
                .filter(|peer| peer.router == router.name && !is_stranger(peer));
            let (up, all) = mine.fold((0, 0), |(up, all), peer| {
                (
                    up + u64::from(peer.state == SessionState::Established),
                    all + 1,
                )
            });
            let style = if up == all { Style::Good } else { Style::Bad };
            let kernel = match &router.kernel {
                None => "not installed".to_owned(),
                Some(kernel) => format!(
                    "{} of {}",
                    words::number(kernel.installed),
                    words::number(kernel.wanted)
                ),
            };
            vec![
                router.name.as_str().into(),
                router.local_as.to_string().into(),
                router.router_id.as_str().into(),
                router
                    .listening
                    .map_or_else(|| "no".to_owned(), |at| at.to_string())
                    .into(),
                Cell::styled(format!("{up} of {all}"), style),
                words::number(router.originated).into(),
                kernel.into(),
            ]
        })
        .collect();
    let columns = vec![
        Column::text("ROUTER", 10),
        Column::number("AS", 10),
        Column::firm("ROUTER ID", 15),
        Column::firm("LISTENS", 12),
        Column::text("PEERS UP", 8),
        Column::number("ORIGINATED", 10),
        Column::text("IN KERNEL", 15),
    ];
    Ok(Table::print(columns, &rows, screen)?)
}

fn tables<W: Write>(routers: &[RouterView], screen: &mut Screen<W>) -> Result<(), AskError> {
    let rows: Vec<Vec<Cell>> = routers
        .iter()
        .flat_map(|router| {
            router.tables.iter().map(|table| {
                vec![
                    router.name.as_str().into(),
                    table.family.as_str().into(),
                    words::number(table.destinations).into(),
                    words::number(table.paths).into(),
                ]
            })
        })
        .collect();
    let columns = vec![
        Column::text("ROUTER", 10),
        Column::text("FAMILY", 12),
        Column::number("DESTINATIONS", 12),
        Column::number("PATHS", 10),
    ];
    Table::print(columns, &rows, screen)?;
    let sets: u64 = routers.iter().map(|router| router.attribute_sets).sum();
    let octets: u64 = routers.iter().map(|router| router.attribute_bytes).sum();
    let text = format!(
        "{} in {}",
        words::count(sets, "attribute set", "attribute sets"),
        words::size(octets)
    );
    Ok(screen.line(0, &text)?)
}

/// Whether nobody has said that a session is to come up with this one.
fn is_stranger(peer: &PeerView) -> bool {
    peer.dynamic.is_some() && peer.state != SessionState::Established
}

/// What does not work, a line each.
fn troubles<W: Write>(summary: &Summary, screen: &mut Screen<W>) -> Result<(), AskError> {
    let mut lines = Vec::new();
    for router in &summary.routers {
        if let Some(error) = &router.error {
            lines.push(format!("router {}: {error}", router.name));
        }
        if let Some(kernel) = router.kernel.as_ref().filter(|kernel| kernel.failed > 0) {
            let last = kernel.last_error.as_deref().unwrap_or("no reason known");
            lines.push(format!(
                "router {}: the kernel refused {}; last: {last}",
                router.name,
                words::count(kernel.failed, "route", "routes")
            ));
        }
    }
    for peer in summary
        .peers
        .iter()
        .filter(|peer| peer.state != SessionState::Established && !is_stranger(peer))
    {
        let why = super::show_peers::why_down(peer)
            .map(|why| format!(", {why}"))
            .unwrap_or_default();
        lines.push(format!(
            "peer {} of router {}: {} for {}{why}",
            peer.name,
            peer.router,
            peer.state,
            words::time(peer.state_seconds)
        ));
    }
    for view in summary.dynamic.iter().filter(|view| view.full) {
        lines.push(format!(
            "peer {} of router {}: refuses dynamic neighbours, as there are {}, the most there may be",
            view.name,
            view.router,
            words::number(view.sessions)
        ));
    }
    if !lines.is_empty() {
        screen.blank()?;
    }
    for line in lines {
        screen.styled_line(0, &line, Style::Bad)?;
    }
    Ok(())
}
