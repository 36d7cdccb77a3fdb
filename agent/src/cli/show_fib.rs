//! PURE: `cosmos show fib`: what is wanted in the kernel and what is there.

use std::io::Write;

use super::client::AskError;
use super::table::{Cell, Column, Screen, Style, Table};
use super::{ask, is_json, words, write_json_line};
use crate::args::{ShowFibArgs, ShowFormat};
use crate::control::protocol::{End, Reply, Request};
use crate::control::routes::{FibNextHop, FibRow, FibState};

/// Rows that are held back to choose widths.
const HELD: usize = 1_000;

/// Asks and shows.
pub fn run<W: Write>(args: &ShowFibArgs, screen: &mut Screen<W>) -> Result<(), AskError> {
    let request = Request::Fib {
        router: args.router.clone(),
        prefix: args.prefix.clone(),
    };
    let mut replies = ask(&args.common.socket, &request)?;
    let rows = render(&mut replies, args.common.output, screen)?;
    if let (0, Some(prefix)) = (rows, &args.prefix) {
        return Err(AskError::not_found(format!(
            "nothing is wanted in the kernel for {prefix}"
        )));
    }
    if !is_json(args.common.output) {
        closing(rows, replies.end(), screen)?;
    }
    Ok(())
}

/// Shows replies; how many rows there were.
pub fn render<W: Write>(
    replies: impl Iterator<Item = Result<Reply, AskError>>,
    format: ShowFormat,
    screen: &mut Screen<W>,
) -> Result<u64, AskError> {
    let mut count = 0;
    let mut held = Vec::new();
    let mut table = None;
    for reply in replies {
        let Reply::Fib(row) = reply? else { continue };
        count += 1;
        if is_json(format) {
            write_json_line(screen, &row)?;
            continue;
        }
        match &mut table {
            None => {
                held.push(cells(&row));
                if held.len() >= HELD {
                    table = Some(begin(&mut held, screen)?);
                }
            }
            Some(table) => table.write(screen, &cells(&row))?,
        }
    }
    if !held.is_empty() {
        begin(&mut held, screen)?;
    }
    Ok(count)
}

fn begin<W: Write>(held: &mut Vec<Vec<Cell>>, screen: &mut Screen<W>) -> Result<Table, AskError> {
    let columns = vec![
        Column::firm("PREFIX", 20),
        Column::text("ROUTER", 8),
        Column::number("TABLE", 5),
        Column::number("METRIC", 6),
        Column::text("STATE", 10),
        Column::text("NEXT HOPS", 19),
    ];
    let mut table = Table::new(columns, screen);
    table.fit(held.iter().map(Vec::as_slice));
    table.write_titles(screen)?;
    for row in held.drain(..) {
        table.write(screen, &row)?;
    }
    Ok(table)
}

fn closing<W: Write>(rows: u64, end: Option<&End>, screen: &mut Screen<W>) -> Result<(), AskError> {
    let entries = words::count(rows, "entry", "entries");
    let text = match end {
        _ if rows == 0 => "Nothing is wanted in the kernel.".to_owned(),
        Some(End { sorted: false, .. }) => format!("{entries}, not sorted: as they are stored."),
        _ => format!("{entries}."),
    };
    screen.blank()?;
    Ok(screen.line(0, &text)?)
}

fn cells(row: &FibRow) -> Vec<Cell> {
    vec![
        row.prefix.to_string().into(),
        row.router.as_deref().unwrap_or("-").into(),
        row.table.to_string().into(),
        row.metric.to_string().into(),
        Cell::styled(row.state.name(), style(row.state)),
        next_hops(row).into(),
    ]
}

pub(super) fn style(state: FibState) -> Style {
    match state {
        FibState::Installed => Style::Good,
        FibState::Pending | FibState::Shadowed | FibState::Excluded | FibState::Stale => {
            Style::Fair
        }
        FibState::Blocked | FibState::Failed | FibState::Unresolved => Style::Bad,
    }
}

/// Where it goes; with what is different in the kernel, and why.
fn next_hops(row: &FibRow) -> String {
    let mut parts = Vec::new();
    if !row.wanted.is_empty() {
        parts.push(ways(&row.wanted));
    } else if !row.next_hops.is_empty() {
        parts.push(format!("next hop {}", addresses(row)));
    }
    parts.extend(row.reason.clone());
    if !row.installed.is_empty() && row.installed != row.wanted {
        parts.push(format!("in the kernel: {}", ways(&row.installed)));
    }
    parts.join("; ")
}

/// The next hops as BGP has them.
pub(super) fn addresses(row: &FibRow) -> String {
    row.next_hops
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Ways out in words.
pub(super) fn ways(next_hops: &[FibNextHop]) -> String {
    next_hops
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
