//! PURE: `cosmos show routes`: rows to lines as they come.
//!
//! A section begins whenever router or family change. Its first rows are held back until there are enough of them to choose
//! widths by; nothing else is kept.

use std::io::Write;

use super::client::AskError;
use super::table::{Cell, Column, Screen, Style, Table};
use super::{ask, is_json, words, write_json_line};
use crate::args::{ShowFormat, ShowRoutesArgs};
use crate::control::protocol::{End, PrefixQuery, Reply, Request, RoutesRequest, Side};
use crate::control::routes::{Attributes, Ineligible, RouteRow};

/// Rows of a section that are held back to choose widths.
const HELD: usize = 1_000;

/// Asks and shows.
pub fn run<W: Write>(args: &ShowRoutesArgs, screen: &mut Screen<W>) -> Result<(), AskError> {
    let prefix = match args.longer {
        true => args.prefix.clone().map(PrefixQuery::longer),
        false => args.prefix.clone(),
    };
    let request = RoutesRequest {
        router: args.router.clone(),
        family: args.family.clone(),
        prefix: prefix.clone(),
        peer: args.peer.clone(),
        side: match (args.received, args.sent) {
            (true, _) => Side::In,
            (_, true) => Side::Out,
            _ => Side::Table,
        },
        best: args.best,
    };
    let mut replies = ask(&args.common.socket, &Request::Routes(request))?;
    let rows = render(&mut replies, args.common.output, screen)?;
    if let (0, Some(prefix)) = (rows, prefix) {
        return Err(AskError::not_found(match prefix {
            PrefixQuery::Covering(address) => format!("no route covers {address}"),
            prefix => format!("there is no route for {prefix}"),
        }));
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
    let mut sections = Sections::default();
    for reply in replies {
        let Reply::Route(row) = reply? else { continue };
        count += 1;
        match is_json(format) {
            true => write_json_line(screen, &row)?,
            false => sections.push(&row, screen)?,
        }
    }
    sections.finish(screen)?;
    Ok(count)
}

/// The last lines: how many, and whether they are sorted.
pub fn closing<W: Write>(
    rows: u64,
    end: Option<&End>,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    let routes = words::count(rows, "path", "paths");
    let text = match end {
        _ if rows == 0 => "No routes.".to_owned(),
        Some(End { sorted: false, .. }) => {
            format!("{routes}, not sorted: grouped by router and family, as they are stored.")
        }
        _ => format!("{routes}."),
    };
    Ok(screen.line(0, &text)?)
}

#[derive(Default)]
struct Sections {
    /// Router and family of the section.
    of: Option<(String, String)>,
    held: Vec<Vec<Cell>>,
    /// There once widths are chosen.
    table: Option<Table>,
    seen: Seen,
}

/// What the legend must explain.
#[derive(Default)]
struct Seen {
    best: bool,
    multipath: bool,
    stale: bool,
    ineligible: std::collections::BTreeSet<Ineligible>,
}

impl Sections {
    fn push<W: Write>(&mut self, row: &RouteRow, screen: &mut Screen<W>) -> Result<(), AskError> {
        let same = self
            .of
            .as_ref()
            .is_some_and(|(router, family)| *router == row.router && *family == row.family);
        if !same {
            self.flush(screen)?;
            if self.of.is_some() {
                screen.blank()?;
            }
            self.table = None;
            self.of = Some((row.router.clone(), row.family.clone()));
        }
        self.seen.best |= row.best;
        self.seen.multipath |= row.multipath;
        self.seen.stale |= row.stale;
        self.seen.ineligible.extend(row.ineligible);
        let cells = cells(row);
        if let Some(table) = &mut self.table {
            return Ok(table.write(screen, &cells)?);
        }
        self.held.push(cells);
        if self.held.len() >= HELD {
            self.flush(screen)?;
        }
        Ok(())
    }

    /// Chooses widths and writes what is held back.
    fn flush<W: Write>(&mut self, screen: &mut Screen<W>) -> Result<(), AskError> {
        let Some((router, family)) = self.of.as_ref().filter(|_| !self.held.is_empty()) else {
            return Ok(());
        };
        let mut table = Table::new(vec![
            Column::text("", 3),
            Column::firm("PREFIX", 43),
            Column::firm("NEXT HOP", 14),
            Column::text("FROM", 9),
            Column::number("PREF", 4),
            Column::number("MED", 4),
            Column::text("AS PATH", 11),
        ]);
        table.fit(self.held.iter().map(Vec::as_slice));
        screen.styled_line(0, &format!("Router {router}, {family}"), Style::Strong)?;
        table.write_titles(screen)?;
        for row in self.held.drain(..) {
            table.write(screen, &row)?;
        }
        self.table = Some(table);
        Ok(())
    }

    fn finish<W: Write>(&mut self, screen: &mut Screen<W>) -> Result<(), AskError> {
        self.flush(screen)?;
        if self.of.is_none() {
            return Ok(());
        }
        let mut legend = Vec::new();
        if self.seen.best {
            legend.push("> best".to_owned());
        }
        if self.seen.multipath {
            legend.push("= used beside the best".to_owned());
        }
        if self.seen.stale {
            legend.push("s stale".to_owned());
        }
        legend.extend(
            self.seen
                .ineligible
                .iter()
                .map(|why| format!("{} {}", why.letter(), why.text())),
        );
        screen.blank()?;
        if legend.is_empty() {
            return Ok(());
        }
        Ok(screen.line(0, &legend.join(", "))?)
    }
}

fn cells(row: &RouteRow) -> Vec<Cell> {
    let mut flags = String::new();
    if row.best {
        flags.push('>');
    } else if row.multipath {
        flags.push('=');
    }
    flags.extend(row.ineligible.map(Ineligible::letter));
    if row.stale {
        flags.push('s');
    }
    let style = match (row.best, row.ineligible) {
        (true, _) => Style::Strong,
        (_, Some(_)) => Style::Bad,
        _ => Style::Plain,
    };
    let from = match row.path_id {
        Some(id) => format!("{} #{id}", row.peer),
        None => row.peer.clone(),
    };
    let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
    let attributes = &row.attributes;
    vec![
        Cell::styled(flags, style),
        Cell::styled(row.prefix.to_string(), style),
        attributes
            .next_hop
            .clone()
            .unwrap_or_else(|| "-".to_owned())
            .into(),
        from.into(),
        number(attributes.local_pref).into(),
        number(attributes.med).into(),
        path(attributes).into(),
    ]
}

/// AS path and the letter of the origin, as people write them.
fn path(attributes: &Attributes) -> String {
    let origin = match attributes.origin.as_str() {
        "igp" => "i",
        "egp" => "e",
        "" => "",
        _ => "?",
    };
    format!("{} {origin}", attributes.as_path).trim().to_owned()
}
