//! PURE: `cosmos explain PREFIX`, for a person who is tired: received, decided, told, in the kernel, in this order.

use std::io::Write;

use super::client::AskError;
use super::show_fib::{addresses, style, ways};
use super::table::{Screen, Style};
use super::{ask, elsewhere, is_json, words, write_json};
use crate::args::{ExplainArgs, ShowFormat};
use crate::control::protocol::{ErrorCode, Explained, Reply, Request, RouteQuery};
use crate::control::routes::{
    Attributes, FibRow, PathExplanation, RouteExplanation, ToldExplanation,
};

/// Asks and shows.
pub fn run<W: Write>(args: &ExplainArgs, screen: &mut Screen<W>) -> Result<(), AskError> {
    let (prefix, rd) = args.query().map_err(AskError::bad_request)?;
    let request = Request::Explain {
        prefix,
        router: args.router.clone(),
        family: args.family.clone(),
        rd: rd.map(|rd| rd.to_string()),
    };
    let replies = ask(&args.common.socket, &request)?;
    let shown = read(replies).and_then(|all| {
        if let Request::Explain {
            prefix: RouteQuery::Covering(address),
            ..
        } = &request
            && !is_json(args.common.output)
            && all.iter().all(cannot_be_chosen)
        {
            let text = format!(
                "No route that can be chosen covers {address}. What covers it, and why it cannot:"
            );
            screen.styled_line(0, &text, Style::Bad)?;
            screen.blank()?;
        }
        show(&all, args.common.output, screen)
    });
    shown.map_err(|error| {
        // Who named a family has been answered.
        let Request::Explain {
            prefix,
            router,
            family: None,
            rd: None,
        } = &request
        else {
            return error;
        };
        match error {
            AskError::No(reply) if reply.code == ErrorCode::NotFound => {
                let ask = |request: &Request| ask(&args.common.socket, request);
                let found = elsewhere::find(prefix, router.as_deref(), ask);
                let elsewhere = found.map(|found| found.to_explain()).unwrap_or_default();
                AskError::not_found(reply.message + &elsewhere)
            }
            error => error,
        }
    })
}

/// Shows replies.
pub fn render<W: Write>(
    replies: impl Iterator<Item = Result<Reply, AskError>>,
    format: ShowFormat,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    show(&read(replies)?, format, screen)
}

fn read(
    replies: impl Iterator<Item = Result<Reply, AskError>>,
) -> Result<Vec<Explained>, AskError> {
    let mut all = Vec::new();
    for reply in replies {
        if let Reply::Explanation(explained) = reply? {
            all.push(*explained);
        }
    }
    Ok(all)
}

/// It has paths, of which none is eligible.
fn cannot_be_chosen(explained: &Explained) -> bool {
    let of = |route: &RouteExplanation| {
        let mut paths = route.paths.iter();
        !route.paths.is_empty() && paths.all(|path| path.row.ineligible.is_some())
    };
    explained.route.as_ref().is_some_and(of)
}

fn show<W: Write>(
    all: &[Explained],
    format: ShowFormat,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    if is_json(format) {
        return write_json(screen, &all);
    }
    for (n, explained) in all.iter().enumerate() {
        if n > 0 {
            screen.blank()?;
        }
        one(explained, screen)?;
    }
    Ok(())
}

fn one<W: Write>(explained: &Explained, screen: &mut Screen<W>) -> Result<(), AskError> {
    let router = &explained.router;
    let of = format!(
        "router {} (AS {}, router ID {})",
        router.name, router.local_as, router.router_id
    );
    match &explained.route {
        None => {
            let prefix = explained
                .kernel
                .first()
                .map(|entry| entry.prefix.to_string());
            let title = format!("{} in {of}", prefix.unwrap_or_default());
            screen.styled_line(0, &title, Style::Strong)?;
            screen.line(2, "Its tables have no route for it.")?;
        }
        Some(route) => {
            let title = format!("{} in {of}, {}", route.route, route.family);
            screen.styled_line(0, &title, Style::Strong)?;
            received(route, screen)?;
            decided(route, screen)?;
            told(&route.told, screen)?;
        }
    }
    kernel(explained, screen)
}

fn heading<W: Write>(text: &str, screen: &mut Screen<W>) -> Result<(), AskError> {
    screen.blank()?;
    Ok(screen.styled_line(0, text, Style::Strong)?)
}

fn received<W: Write>(route: &RouteExplanation, screen: &mut Screen<W>) -> Result<(), AskError> {
    heading("Received", screen)?;
    if route.paths.is_empty() {
        screen.line(2, "from nobody: the last path has gone")?;
    }
    for (n, path) in route.paths.iter().enumerate() {
        let (verdict, style) = verdict(path);
        let from = source(path);
        screen.styled_line(2, &format!("path {}: {from}: {verdict}", n + 1), style)?;
        for (name, value) in &path.row.nlri {
            screen.fact(4, &name.replace('_', " "), &words::value(value))?;
        }
        attributes(4, &path.row.attributes, screen)?;
        if let Some(metric) = path.next_hop_metric {
            screen.fact(4, "cost to next hop", &metric.to_string())?;
        }
        screen.fact(4, "import policy", &path.policy)?;
        for step in &path.policies {
            screen.line(6, step)?;
        }
        screen.fact(4, "remark", path.remark.as_deref().unwrap_or_default())?;
        if let Some(before) = &path.before_policy {
            screen.line(4, "before policy:")?;
            attributes(6, before, screen)?;
        }
    }
    Ok(())
}

pub(crate) fn source(path: &PathExplanation) -> String {
    if path.source == "local" {
        return match &path.advertisement {
            Some(name) => format!("originated here by BGPAdvertisement {name}"),
            None => "originated here".to_owned(),
        };
    }
    let mut known = vec![path.source.clone()];
    let scope = path.peer_interface.as_ref();
    let scope = scope.map_or_else(String::new, |name| format!("%{name}"));
    let address = path.row.peer_address;
    known.extend(address.map(|address| format!("{address}{scope}")));
    known.extend(path.peer_as.map(|asn| format!("AS {asn}")));
    known.extend(
        path.peer_router_id
            .as_ref()
            .map(|id| format!("router ID {id}")),
    );
    known.extend(path.row.path_id.map(|id| format!("path id {id}")));
    format!("from {} ({})", path.row.peer, known.join(", "))
}

fn verdict(path: &PathExplanation) -> (String, Style) {
    let (text, style) = match (&path.row.ineligible, path.row.best, path.row.multipath) {
        (Some(why), _, _) => {
            let because = path.next_hop_unreached.as_ref();
            let because = because.map_or_else(String::new, |because| format!(": {because}"));
            let text = format!("cannot be chosen: {}{because}", why.text());
            (text, Style::Bad)
        }
        (None, true, _) => ("best".to_owned(), Style::Good),
        (None, false, true) => ("used beside the best".to_owned(), Style::Good),
        (None, false, false) => ("not chosen".to_owned(), Style::Plain),
    };
    match path.row.stale {
        true => (text + ", stale", style),
        false => (text, style),
    }
}

pub(super) fn attributes<W: Write>(
    indent: usize,
    attributes: &Attributes,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    screen.fact(
        indent,
        "next hop",
        attributes.next_hop.as_deref().unwrap_or_default(),
    )?;
    let path = match attributes.as_path.as_str() {
        "" => "empty",
        path => path,
    };
    screen.fact(indent, "AS path", path)?;
    let number = |name: &str, value: Option<u32>| value.map(|value| format!("{name} {value}"));
    let short: Vec<String> = [
        (!attributes.origin.is_empty()).then(|| format!("origin {}", attributes.origin)),
        number("local preference", attributes.local_pref),
        number("MED", attributes.med),
        attributes
            .aggregator
            .as_ref()
            .map(|by| format!("aggregated by {by}")),
        attributes
            .atomic_aggregate
            .then(|| "atomic aggregate".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    screen.fact(indent, "attributes", &short.join(", "))?;
    screen.fact(indent, "communities", &attributes.communities.join(" "))?;
    screen.fact(
        indent,
        "ext. communities",
        &attributes.ext_communities.join(" "),
    )?;
    screen.fact(
        indent,
        "large communities",
        &attributes.large_communities.join(" "),
    )?;
    screen.fact(
        indent,
        "originator",
        attributes.originator_id.as_deref().unwrap_or_default(),
    )?;
    screen.fact(indent, "clusters", &attributes.cluster_list.join(" "))?;
    Ok(screen.fact(indent, "others", &attributes.others.join("; "))?)
}

fn paths_by_number(indexes: &[usize]) -> String {
    let numbers: Vec<String> = indexes
        .iter()
        .map(|index| (index + 1).to_string())
        .collect();
    match numbers.as_slice() {
        [one] => format!("path {one}"),
        many => format!("paths {}", many.join(", ")),
    }
}

fn decided<W: Write>(route: &RouteExplanation, screen: &mut Screen<W>) -> Result<(), AskError> {
    heading("Decided", screen)?;
    for (n, step) in route.steps.iter().enumerate() {
        let what = match step.out.as_slice() {
            [] if step.passed_over => {
                "passed over between external paths (bestPath.compareRouterId is not set)"
                    .to_owned()
            }
            [] => "all equal".to_owned(),
            [_] => format!("{} falls out", paths_by_number(&step.out)),
            out => format!("{} fall out", paths_by_number(out)),
        };
        let detail = if step.detail.is_empty() {
            String::new()
        } else {
            format!(" ({})", step.detail)
        };
        screen.line(2, &format!("{:>2}. {}: {what}{detail}", n + 1, step.name))?;
    }
    let eligible: Vec<&PathExplanation> = route
        .paths
        .iter()
        .filter(|path| path.row.ineligible.is_none())
        .collect();
    let best = route.paths.iter().position(|path| path.row.best);
    let beside: Vec<usize> = route
        .paths
        .iter()
        .enumerate()
        .filter_map(|(n, path)| (path.row.multipath && !path.row.best).then_some(n))
        .collect();
    let mut text = match (best, eligible.len()) {
        (None, _) => "no path can be chosen".to_owned(),
        (Some(best), 1) => format!("path {} is the only one that can be chosen", best + 1),
        (Some(best), _) => format!("path {} is the best", best + 1),
    };
    if !beside.is_empty() {
        text += &format!("; used beside it: {}", paths_by_number(&beside));
    }
    let style = if best.is_some() {
        Style::Good
    } else {
        Style::Bad
    };
    Ok(screen.styled_line(2, &text, style)?)
}

fn told<W: Write>(told: &[ToldExplanation], screen: &mut Screen<W>) -> Result<(), AskError> {
    heading("Told", screen)?;
    if told.is_empty() {
        screen.line(2, "nobody: no session is Established that could be told")?;
    }
    for entry in told {
        let mut of = Vec::new();
        of.extend(
            entry
                .group
                .as_ref()
                .map(|group| format!("export group {group}")),
        );
        of.extend(entry.path_id.map(|id| format!("path id {id}")));
        let of = match of.is_empty() {
            true => String::new(),
            false => format!(" ({})", of.join(", ")),
        };
        let peers = words::list(&entry.peers, "nobody");
        let what = match (&entry.announced, &entry.reason) {
            (Some(_), None) => "announced".to_owned(),
            (Some(_), Some(reason)) => format!("announced; {reason}"),
            (None, Some(reason)) => format!("not told: {reason}"),
            (None, None) => "not told".to_owned(),
        };
        screen.line(2, &format!("{peers}{of}: {what}"))?;
        for step in &entry.policies {
            screen.line(4, step)?;
        }
        if let Some(announced) = &entry.announced {
            attributes(4, announced, screen)?;
        }
    }
    Ok(())
}

fn kernel<W: Write>(explained: &Explained, screen: &mut Screen<W>) -> Result<(), AskError> {
    heading("In the kernel", screen)?;
    if explained.kernel.is_empty() {
        let unicast = |route: &RouteExplanation| route.prefix.is_some();
        let why = match (&explained.route, &explained.router.kernel) {
            (Some(route), _) if !unicast(route) => "nothing: only unicast routes go there",
            (_, None) => "nothing: this router installs no routes",
            (_, Some(_)) => "nothing: this router wants nothing there for it",
        };
        screen.line(2, why)?;
    }
    for entry in &explained.kernel {
        one_entry(entry, screen)?;
    }
    Ok(())
}

fn one_entry<W: Write>(entry: &FibRow, screen: &mut Screen<W>) -> Result<(), AskError> {
    let reason = entry
        .reason
        .as_ref()
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    let text = format!(
        "table {}, metric {}: {}{reason}",
        entry.table,
        entry.metric,
        entry.state.name()
    );
    screen.styled_line(2, &text, style(entry.state))?;
    screen.fact(4, "next hops", &addresses(entry))?;
    screen.fact(4, "wanted via", &ways(&entry.wanted))?;
    let installed = match entry.installed.as_slice() {
        [] => "not there".to_owned(),
        installed => ways(installed),
    };
    Ok(screen.fact(4, "installed via", &installed)?)
}
