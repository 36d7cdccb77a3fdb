//! PURE: `cosmos get KIND`: objects and their status, as a table, YAML or JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::client::AskError;
use super::table::{Cell, Column, Screen, Style, Table};
use super::{ask, refused, tell_refused, write_json};
use crate::args::{GetArgs, GetFormat};
use crate::control::answer::object_name;
use crate::control::protocol::{ObjectKind, Reply, Request};
use crate::desired::NOT_ACCEPTED;

/// Asks and shows.
pub fn run<W: Write>(args: &GetArgs, screen: &mut Screen<W>) -> Result<(), AskError> {
    let request = Request::Objects {
        kind: args.kind,
        name: args.name.clone(),
    };
    let replies: Vec<Reply> = ask(&args.socket, &request)?.collect::<Result<_, _>>()?;
    let objects = replies.iter().filter_map(|reply| match reply {
        Reply::Object(object) => Some(object_name(object)),
        _ => None,
    });
    let shown: Vec<String> = objects.collect();
    let one = args.name.is_some();
    let replies = replies.into_iter().map(Ok);
    render(replies, args.kind, one, args.output, screen)?;
    if one || !matches!(args.output, GetFormat::Table | GetFormat::Wide) {
        return Ok(());
    }
    let kind = args.kind.kind();
    let count = refused(&args.socket, kind, &shown)?;
    tell_refused(count, kind, shown.len(), screen)
}

/// Shows replies; `one` when one object was asked for by name.
pub fn render<W: Write>(
    replies: impl Iterator<Item = Result<Reply, AskError>>,
    kind: ObjectKind,
    one: bool,
    format: GetFormat,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    let mut objects = Vec::new();
    for reply in replies {
        if let Reply::Object(object) = reply? {
            objects.push(object);
        }
    }
    let wide = match format {
        GetFormat::Json => return write_json(screen, &document(objects, one)),
        GetFormat::Yaml => {
            let text =
                serde_saphyr::to_string(&document(objects, one)).map_err(io::Error::other)?;
            screen.out.write_all(text.as_bytes())?;
            if !text.ends_with('\n') {
                screen.blank()?;
            }
            return Ok(());
        }
        GetFormat::Table => false,
        GetFormat::Wide => true,
    };
    if objects.is_empty() {
        return Ok(screen.line(0, &format!("There is no {}.", kind.kind()))?);
    }
    table(&objects, kind, wide, screen)
}

/// One object as it is, several as a list, as kubectl does.
fn document(mut objects: Vec<Value>, one: bool) -> Value {
    match objects.len() {
        1 if one => objects.remove(0),
        _ => json!({ "apiVersion": "v1", "kind": "List", "items": objects }),
    }
}

/// Where a cell comes from.
enum From {
    /// A field, by JSON pointer.
    Field(&'static str),
    /// How many items a list has.
    Count(&'static str),
    /// The status of a condition, with its reason when it is not True.
    Condition(&'static str),
    /// Two fields with a slash between.
    Pair(&'static str, &'static str),
    /// The families of a list of them.
    Families(&'static str),
    /// The neighbour's address, the interface that it is on while that is not known, or where dynamic neighbours are.
    Neighbor,
    /// The router that is named, or those that a selector has chosen.
    Router,
}

type Shown = (Column, From);

/// The columns of each kind after the name; those of the custom resources, and the conditions that matter.
fn columns(kind: ObjectKind, wide: bool) -> Vec<Shown> {
    let text = |title, keep, from| (Column::text(title, keep), from);
    let number = |title, keep, from| (Column::number(title, keep), from);
    let condition = |title, name| (Column::text(title, 16), From::Condition(name));
    // Where there are many: of three seldom more than one is False.
    let narrow = |title, name| (Column::text(title, 10), From::Condition(name));
    let mut columns = match kind {
        ObjectKind::Routers => vec![
            text("TARGET", 7, From::Field("/spec/targetRef/name")),
            number("ASN", 6, From::Field("/spec/localASN")),
            text("ROUTER-ID", 12, From::Field("/spec/routerID")),
            text("PHASE", 7, From::Field("/status/phase")),
            narrow("ACCEPTED", "Accepted"),
            narrow("READY", "Ready"),
            narrow("PROGRAMMED", "Programmed"),
        ],
        ObjectKind::Peers => vec![
            text("ROUTER", 8, From::Router),
            (Column::firm("PEER-ADDRESS", 14), From::Neighbor),
            number("PEER-ASN", 8, From::Field("/spec/peerASN")),
            text("STATE", 11, From::Field("/status/sessionState")),
            condition("ACCEPTED", "Accepted"),
            condition("READY", "Ready"),
        ],
        ObjectKind::Advertisements => vec![
            text("ROUTER", 8, From::Field("/spec/routerRef/name")),
            text(
                "ADDRESS-FAMILY",
                14,
                From::Pair("/spec/addressFamily/afi", "/spec/addressFamily/safi"),
            ),
            number("PREFIXES", 8, From::Field("/status/advertisedPrefixes")),
            condition("ACCEPTED", "Accepted"),
            condition("ADVERTISED", "Advertised"),
        ],
        ObjectKind::Policies => vec![
            text("DIRECTION", 9, From::Field("/spec/direction")),
            number("TERMS", 5, From::Count("/spec/terms")),
            condition("ACCEPTED", "Accepted"),
            condition("READY", "Ready"),
            condition("APPLIED", "PolicyApplied"),
        ],
        ObjectKind::Vrfs => vec![
            text("RD", 12, From::Field("/spec/routeDistinguisher")),
            condition("ACCEPTED", "Accepted"),
            condition("READY", "Ready"),
        ],
        ObjectKind::Vpcs | ObjectKind::Attachments => {
            vec![
                condition("ACCEPTED", "Accepted"),
                condition("READY", "Ready"),
            ]
        }
    };
    if wide && kind == ObjectKind::Routers {
        columns.push(text(
            "FAMILIES",
            12,
            From::Families("/spec/addressFamilies"),
        ));
    }
    columns
}

fn table<W: Write>(
    objects: &[Value],
    kind: ObjectKind,
    wide: bool,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    let shown = columns(kind, wide);
    let mut titles = vec![Column::text("NAME", 10)];
    titles.extend(shown.iter().map(|(column, _)| *column));
    let rows: Vec<Vec<Cell>> = objects
        .iter()
        .map(|object| {
            let mut row = vec![Cell::from(object_name(object))];
            row.extend(shown.iter().map(|(_, from)| cell(object, from)));
            row
        })
        .collect();
    Table::print(titles, &rows, screen)?;
    if wide {
        messages(objects, screen)?;
    }
    Ok(())
}

fn cell(object: &Value, from: &From) -> Cell {
    match from {
        From::Field(pointer) => word(object.pointer(pointer)).into(),
        From::Pair(first, second) => format!(
            "{}/{}",
            word(object.pointer(first)),
            word(object.pointer(second))
        )
        .into(),
        From::Count(pointer) => object
            .pointer(pointer)
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
            .to_string()
            .into(),
        From::Families(pointer) => {
            let families = object.pointer(pointer).and_then(Value::as_array);
            let names = families
                .into_iter()
                .flatten()
                .map(|family| format!("{}/{}", word(family.get("afi")), word(family.get("safi"))));
            names.collect::<Vec<_>>().join(", ").into()
        }
        From::Neighbor => {
            let prefixes = object.pointer("/spec/dynamicNeighbors/prefixes");
            match prefixes.and_then(Value::as_array).map(Vec::as_slice) {
                None | Some([]) => {
                    let known = ["/spec/address", "/status/routers/0/remoteAddress"];
                    let mut known = known.iter().filter_map(|pointer| object.pointer(pointer));
                    word(known.next().or_else(|| object.pointer("/spec/interface")))
                }
                Some([one]) => word(Some(one)),
                Some([first, more @ ..]) => {
                    format!("{} and {} more", word(Some(first)), more.len())
                }
            }
            .into()
        }
        From::Router => match object.pointer("/spec/routerRef/name") {
            Some(name) => word(Some(name)).into(),
            None => {
                let chosen = object.pointer("/status/routers").and_then(Value::as_array);
                let chosen = chosen.into_iter().flatten();
                let names: Vec<_> = chosen
                    .map(|router| word(router.get("routerName")))
                    .collect();
                match names.is_empty() {
                    true => "-".into(),
                    false => names.join(", ").into(),
                }
            }
        },
        From::Condition(name) => condition(object, name),
    }
}

fn word(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn condition(object: &Value, name: &str) -> Cell {
    let found = conditions(object).find(|condition| condition["type"] == name);
    let Some(found) = found else {
        return "-".into();
    };
    let status = word(found.get("status"));
    match status.as_str() {
        "True" => Cell::styled(status, Style::Good),
        _ => Cell::styled(
            format!("{status} ({})", word(found.get("reason"))),
            Style::Bad,
        ),
    }
}

/// In wide form, why each condition is not True.
fn messages<W: Write>(objects: &[Value], screen: &mut Screen<W>) -> Result<(), AskError> {
    let mut lines = Vec::new();
    for object in objects {
        for condition in conditions(object).filter(|condition| condition["status"] != "True") {
            // A condition that tells of trouble is well when it is False.
            let trouble = matches!(
                condition["type"].as_str(),
                Some("Degraded" | "DeletionBlocked")
            );
            let message = word(condition.get("message"));
            let told = message == "-" || message.is_empty() || message == NOT_ACCEPTED;
            if told || trouble {
                continue;
            }
            let kind = word(condition.get("type"));
            lines.push(format!("{}: {kind}: {message}", object_name(object)));
        }
    }
    if !lines.is_empty() {
        screen.blank()?;
    }
    for line in lines {
        screen.line(0, &line)?;
    }
    Ok(())
}
