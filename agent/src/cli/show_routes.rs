//! PURE: `cosmos show routes`: rows to lines as they come.
//!
//! A section begins whenever router or family change. Its first rows are held back until there are enough of them to choose
//! widths by; nothing else is kept.

use std::io::Write;

use super::client::AskError;
use super::table::{Cell, Column, Screen, Style, Table};
use super::{ask, elsewhere, is_json, words, write_json_line};
use crate::args::{ShowFormat, ShowRoutesArgs};
use crate::control::protocol::{End, Reply, Request, RoutesRequest, Side};
use crate::control::routes::{Attributes, Ineligible, RouteRow};

/// Rows of a section that are held back to choose widths.
const HELD: usize = 1_000;

/// Asks and shows.
pub fn run<W: Write>(args: &ShowRoutesArgs, screen: &mut Screen<W>) -> Result<(), AskError> {
    let (prefix, rd) = args.query().map_err(AskError::bad_request)?;
    let request = RoutesRequest {
        router: args.router.clone(),
        family: args.family.clone(),
        prefix: prefix.clone(),
        rd: rd.map(|rd| rd.to_string()),
        kind: args.kind,
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
        // Who named a family or a peer has been answered.
        let plain = args.family.is_none()
            && args.peer.is_none()
            && args.rd.is_none()
            && args.kind.is_none();
        let elsewhere = plain.then(|| {
            elsewhere::find(&prefix, args.router.as_deref(), |request| {
                ask(&args.common.socket, request)
            })
        });
        let elsewhere = elsewhere.flatten().map(|found| found.to_show());
        let nothing = prefix.nothing("there is no route for");
        return Err(AskError::not_found(
            nothing + &elsewhere.unwrap_or_default(),
        ));
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
        let mut table = Table::new(columns(family), screen);
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

/// What is shown of a family. Where routes have targets, these say more than the AS path, which is empty within an AS.
fn columns(family: &str) -> Vec<Column> {
    let (destination, rest): (Vec<_>, Vec<_>) = match Shape::of(family) {
        Shape::Unicast => (
            vec![Column::firm("PREFIX", 20)],
            vec![
                Column::number("PREF", 4),
                Column::number("MED", 4),
                Column::text("AS PATH", 11),
            ],
        ),
        Shape::Vpn => (
            vec![
                Column::firm("RD", 13),
                Column::firm("PREFIX", 18),
                Column::number("LABEL", 7),
            ],
            vec![Column::number("PREF", 4), Column::text("TARGETS", 11)],
        ),
        Shape::Evpn => (
            vec![Column::firm("ROUTE", 30), Column::number("LABEL", 8)],
            vec![Column::number("PREF", 4), Column::text("TARGETS", 11)],
        ),
        Shape::Membership => (
            vec![Column::firm("MEMBERSHIP", 20)],
            vec![Column::number("PREF", 4), Column::text("AS PATH", 11)],
        ),
    };
    let way = [Column::firm("NEXT HOP", 14), Column::text("FROM", 9)];
    let flags = [Column::text("", 3)];
    flags
        .into_iter()
        .chain(destination)
        .chain(way)
        .chain(rest)
        .collect()
}

/// How the routes of a family are laid out.
#[derive(Clone, Copy)]
enum Shape {
    Unicast,
    Vpn,
    Evpn,
    Membership,
}

impl Shape {
    fn of(family: &str) -> Self {
        match family {
            "ipv4/vpn" | "ipv6/vpn" => Self::Vpn,
            "l2vpn/evpn" => Self::Evpn,
            "ipv4/rtc" => Self::Membership,
            _ => Self::Unicast,
        }
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
    let next_hop = attributes.next_hop.as_deref().map(global);
    let shape = Shape::of(&row.family);
    let mut cells = vec![Cell::styled(flags, style)];
    match (shape, &row.rd, row.prefix) {
        (Shape::Vpn, Some(rd), Some(prefix)) => {
            cells.push(Cell::styled(rd.as_str(), style));
            cells.push(Cell::styled(prefix.to_string(), style));
            cells.push(row.labels().into());
        }
        (Shape::Evpn, ..) => {
            cells.push(Cell::styled(row.route.as_str(), style));
            cells.push(row.labels().into());
        }
        _ => cells.push(Cell::styled(row.route.as_str(), style)),
    }
    cells.push(next_hop.unwrap_or("-").into());
    cells.push(from.into());
    cells.push(number(attributes.local_pref).into());
    match shape {
        Shape::Unicast => {
            cells.push(number(attributes.med).into());
            cells.push(path(attributes).into());
        }
        Shape::Membership => cells.push(path(attributes).into()),
        Shape::Vpn | Shape::Evpn => cells.push(attributes.targets().join(" ").into()),
    }
    cells
}

/// A next hop without the link-local address beside the global one (RFC 2545 section 3), which is told by `explain`.
fn global(next_hop: &str) -> &str {
    next_hop
        .split_once(" (")
        .map_or(next_hop, |(global, _)| global)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7432 §7.6: an Ethernet Segment route is imported by this alone.
    #[test]
    fn an_ethernet_segment_route_shows_its_import_target() {
        let route = "[4]:[10.0.0.1:1]:[03:44:38:39:ff:ff:01:00:00:01]:[32]:[10.0.0.1]";
        let shown = |communities: &[&str]| {
            let mut row = RouteRow::of(route.parse().unwrap());
            let communities = communities.iter().map(|&text| text.to_owned());
            row.attributes.ext_communities = communities.collect();
            format!("{:?}", cells(&row).pop().unwrap())
        };
        let cell = |text: &str| format!("{:?}", Cell::from(text));
        let import = "es-import:44:38:39:ff:ff:01";
        let of_segment = ["encap:vxlan", import, "df-election:default:0"];
        assert_eq!(shown(&of_segment), cell(import));
        assert_eq!(
            shown(&[import, "rt:65000:1"]),
            cell(&format!("65000:1 {import}"))
        );
    }

    #[test]
    fn the_link_local_address_is_left_out_beside_a_global_one() {
        let link_local = "fe80::a85b:a2ff:fee1:9b55".parse().unwrap();
        let both = bgp_wire::NextHop::V6LinkLocal {
            global: "2001:db8::1".parse().unwrap(),
            link_local,
        };
        assert_eq!(global(&both.to_string()), "2001:db8::1");
        let alone = bgp_wire::NextHop::V6(link_local).to_string();
        assert_eq!(global(&alone), "fe80::a85b:a2ff:fee1:9b55");
    }
}
