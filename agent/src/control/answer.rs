//! PURE: a request and the views become a stream of reply lines, a bounded piece at a time.
//!
//! [`Answer::next`] does a bounded amount of work and appends the lines it made. The server writes them and comes back
//! when the client has taken them, so a slow client holds up nothing but its own answer.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::{EvpnKind, Family, RouteDistinguisher};
use serde_json::Value;

use super::explaining::{Explaining, MOST, Part, Stepped};
use super::protocol::{
    ConsequenceRow, End, ErrorCode, ErrorReply, ObjectKind, PrefixQuery, Reply, Request,
    RouteQuery, RoutesRequest, Side,
};
use super::routes::{FibFilter, FibRow, RouteFilter, RouteRow, RouteSide, RouteTable, Rows};
use super::row_walk::Walk;
use super::sessions::PeerView;
use super::views::Views;
use crate::desired::Objects;

/// Destinations looked at in one call of [`Answer::next`], so that no table lock is wanted for long.
pub(super) const PAGE: usize = 1_000;

/// An answer in the making.
pub struct Answer {
    rows: u64,
    sorted: bool,
    source: Source,
}

enum Source {
    /// Short answers are made at once.
    Ready(std::vec::IntoIter<Reply>),
    Routes(Walk<RouteRow>),
    Fib(Walk<FibRow>),
    Explain(Box<Explaining>),
    Error(ErrorReply),
    Done,
}

impl Answer {
    /// Begins to answer.
    pub fn new(request: &Request, views: &dyn Views) -> Self {
        let source = match start(request, views) {
            Ok(source) => source,
            Err(error) => Source::Error(error),
        };
        Self {
            rows: 0,
            sorted: true,
            source,
        }
    }

    /// What would change if these were the objects.
    pub fn preview(objects: &Objects, views: &dyn Views) -> Self {
        let rows = views.preview(objects).into_iter().map(|consequence| {
            Reply::Consequence(ConsequenceRow {
                effect: consequence.effect().map(|effect| effect.to_string()),
                text: consequence.to_string(),
                object: consequence.object,
            })
        });
        Self {
            rows: 0,
            sorted: true,
            source: Source::Ready(rows.collect::<Vec<_>>().into_iter()),
        }
    }

    /// An answer that says why there is none.
    pub fn error(code: ErrorCode, message: impl Into<String>) -> Self {
        let error = ErrorReply {
            code,
            message: message.into(),
        };
        Self {
            rows: 0,
            sorted: true,
            source: Source::Error(error),
        }
    }

    /// Appends some more lines, perhaps none; false when the last line has been appended.
    pub fn next(&mut self, out: &mut Vec<u8>) -> bool {
        match &mut self.source {
            Source::Ready(replies) => {
                for reply in replies {
                    self.rows += 1;
                    write_line(out, &reply);
                }
            }
            Source::Routes(walk) => {
                for row in walk.step() {
                    self.rows += 1;
                    write_line(out, &Reply::Route(Box::new(row)));
                }
                self.sorted = walk.sorted;
                if !walk.finished() {
                    return true;
                }
            }
            Source::Fib(walk) => {
                for row in walk.step() {
                    self.rows += 1;
                    write_line(out, &Reply::Fib(row));
                }
                self.sorted = walk.sorted;
                if !walk.finished() {
                    return true;
                }
            }
            Source::Explain(explaining) => match explaining.step() {
                Stepped::More(all) => {
                    for explained in all {
                        self.rows += 1;
                        write_line(out, &Reply::Explanation(Box::new(explained)));
                    }
                    return true;
                }
                Stepped::Done => {}
                Stepped::Nothing(why) => {
                    self.source = Source::Error(not_found(why));
                    return true;
                }
                Stepped::TooMany(router) => {
                    self.source = Source::Error(bad_request(format!(
                        "more than {MOST} routes of router {router} are meant; name one, or a route distinguisher \
                         with --rd, or list them with `cosmos show routes`"
                    )));
                    return true;
                }
            },
            Source::Error(error) => {
                write_line(out, &Reply::Error(error.clone()));
                self.source = Source::Done;
                return false;
            }
            Source::Done => return false,
        }
        write_line(
            out,
            &Reply::End(End {
                rows: self.rows,
                sorted: self.sorted,
            }),
        );
        self.source = Source::Done;
        false
    }
}

fn write_line(out: &mut Vec<u8>, reply: &Reply) {
    serde_json::to_writer(&mut *out, reply)
        .expect("replies have text keys and memory does not fail");
    out.push(b'\n');
}

fn start(request: &Request, views: &dyn Views) -> Result<Source, ErrorReply> {
    let ready = |replies: Vec<Reply>| Source::Ready(replies.into_iter());
    Ok(match request {
        Request::Summary => {
            let mut replies = vec![Reply::Agent(views.agent())];
            replies.extend(views.routers().into_iter().map(Reply::Router));
            replies.extend(
                views
                    .peers()
                    .into_iter()
                    .map(|peer| Reply::Peer(Box::new(peer))),
            );
            let dynamic = views.dynamic().into_iter();
            replies.extend(dynamic.map(|view| Reply::Dynamic(Box::new(view))));
            ready(replies)
        }
        Request::Peers { router, name } => {
            let routers = chosen_routers(views, router.as_deref())?;
            let mut peers = views.peers();
            peers.retain(|peer| routers.contains(&peer.router));
            let mut dynamic = views.dynamic();
            dynamic.retain(|view| routers.contains(&view.router));
            if let Some(name) = name {
                dynamic.retain(|view| is_named(name, &view.name));
                peers = match chosen_peers(peers, name) {
                    // None of its neighbours may be here yet.
                    Err(_) if !dynamic.is_empty() => Vec::new(),
                    chosen => chosen?,
                };
            }
            let peers = peers.into_iter().map(|peer| Reply::Peer(Box::new(peer)));
            let dynamic = dynamic.into_iter();
            let dynamic = dynamic.map(|view| Reply::Dynamic(Box::new(view)));
            ready(peers.chain(dynamic).collect())
        }
        Request::Routes(request) => Source::Routes(routes(request, views)?),
        Request::Fib { router, prefix } => Source::Fib(fib(router.as_deref(), prefix, views)?),
        Request::Explain {
            prefix,
            router,
            family,
            rd,
        } => {
            let request = RoutesRequest {
                router: router.clone(),
                family: family.clone(),
                prefix: Some(prefix.clone()),
                rd: rd.clone(),
                ..RoutesRequest::default()
            };
            Source::Explain(Box::new(explain(&request, views)?))
        }
        // Who asks the views has no files: the server reads them and calls `Answer::preview`.
        Request::Preview { .. } => return Err(bad_request("a folder is read by the server alone")),
        Request::Objects { kind, name } => ready(objects(*kind, name.as_deref(), views)?),
    })
}

fn routes(request: &RoutesRequest, views: &dyn Views) -> Result<Walk<RouteRow>, ErrorReply> {
    let routers = chosen_routers(views, request.router.as_deref())?;
    let peers = match &request.peer {
        None => None,
        Some(name) => {
            let mut peers = views.peers();
            peers.retain(|peer| routers.contains(&peer.router));
            Some(chosen_peers(peers, name)?)
        }
    };
    if request.side != Side::Table && peers.is_none() {
        return Err(bad_request("the routes of which peer? name one"));
    }
    let asked = Asked::new(request)?;
    let mut parts: VecDeque<Rows<RouteRow>> = VecDeque::new();
    let mut tables = views.tables();
    tables.retain(|(router, _)| routers.iter().any(|chosen| **chosen == **router));
    asked.knows_family(tables.iter().map(|(_, table)| &**table))?;
    for (router, table) in tables {
        for family in table.families() {
            if !asked.concerns(&family) {
                continue;
            }
            for side in sides(request, &router, peers.as_deref()) {
                let filter = RouteFilter {
                    family: family.clone(),
                    prefix: request.prefix.clone(),
                    rd: asked.rd,
                    kind: asked.kind,
                    side,
                };
                parts.push_back(route_part(&router, &table, filter));
            }
        }
    }
    Ok(Walk::new(parts, request.prefix.is_some()))
}

fn route_part(
    router: &Arc<str>,
    table: &Arc<dyn RouteTable>,
    filter: RouteFilter,
) -> Rows<RouteRow> {
    let router = router.clone();
    let mut rows = table.rows(&filter);
    Box::new(move |budget| {
        let mut page = rows(budget)?;
        for row in &mut page {
            row.router = router.to_string();
        }
        Some(page)
    })
}

/// The sides of one router that a request is about: one, or one for each peer of a name.
fn sides(request: &RoutesRequest, router: &str, peers: Option<&[PeerView]>) -> Vec<RouteSide> {
    let Some(peers) = peers else {
        return vec![RouteSide::Table {
            peer: None,
            best: request.best,
        }];
    };
    let mine = peers.iter().filter(|peer| peer.router == router);
    mine.map(|peer| {
        let peer = peer.name.clone();
        match request.side {
            Side::Table => RouteSide::Table {
                peer: Some(peer),
                best: request.best,
            },
            Side::In => RouteSide::In { peer },
            Side::Out => RouteSide::Out { peer },
        }
    })
    .collect()
}

fn fib(
    router: Option<&str>,
    prefix: &Option<PrefixQuery>,
    views: &dyn Views,
) -> Result<Walk<FibRow>, ErrorReply> {
    let routers = chosen_routers(views, router)?;
    let fib = views
        .fib()
        .ok_or_else(|| not_found("this agent does not install routes"))?;
    let names: Vec<Option<String>> = match router {
        None => vec![None],
        Some(_) => routers.into_iter().map(Some).collect(),
    };
    let parts = names.into_iter().map(|router| {
        fib.rows(&FibFilter {
            router,
            prefix: prefix.clone(),
        })
    });
    Ok(Walk::new(parts.collect(), false))
}

fn explain(request: &RoutesRequest, views: &dyn Views) -> Result<Explaining, ErrorReply> {
    let chosen = chosen_routers(views, request.router.as_deref())?;
    let asked = Asked::new(request)?;
    let Some(query) = &request.prefix else {
        return Err(bad_request("explain which route?"));
    };
    let mut routers = views.routers();
    routers.retain(|router| chosen.contains(&router.name));
    let mut tables = views.tables();
    tables.retain(|(router, _)| chosen.iter().any(|chosen| **chosen == **router));
    asked.knows_family(tables.iter().map(|(_, table)| &**table))?;
    let peers: Arc<[PeerView]> = views.peers().into();
    let parts = routers.into_iter().map(|router| {
        let table = tables.iter().find(|(name, _)| **name == *router.name);
        let table = table.map(|(_, table)| table.clone());
        let families = table.iter().flat_map(|table| table.families());
        let of_family = |family| {
            let filter = RouteFilter {
                family,
                prefix: Some(query.clone()),
                rd: asked.rd,
                kind: None,
                side: RouteSide::Table {
                    peer: None,
                    best: false,
                },
            };
            table.as_ref().map(|table| table.destinations(&filter))
        };
        let walks = families.filter(|family| asked.concerns(family));
        Part {
            walks: walks.filter_map(of_family).collect(),
            router,
            found: Vec::new(),
            table: table.clone(),
            peers: peers.clone(),
        }
    });
    let plain = request.family.is_none() && request.rd.is_none();
    Ok(Explaining::new(
        query.clone(),
        plain,
        parts.collect(),
        views.fib(),
    ))
}

fn objects(
    kind: ObjectKind,
    name: Option<&str>,
    views: &dyn Views,
) -> Result<Vec<Reply>, ErrorReply> {
    let mut objects = views.objects(kind);
    if let Some(asked) = name {
        let all: Vec<String> = objects.iter().map(object_name).collect();
        objects.retain(|object| is_named(asked, &object_name(object)));
        if objects.is_empty() {
            return Err(nothing_named(kind.kind(), asked, &all));
        }
    }
    objects.sort_by_cached_key(object_name);
    Ok(objects.into_iter().map(Reply::Object).collect())
}

/// Name of an object as people read it: with its namespace only where that is not `default`.
pub fn object_name(object: &Value) -> String {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    match text("namespace") {
        "" | "default" => text("name").to_owned(),
        namespace => format!("{namespace}/{}", text("name")),
    }
}

/// Whether somebody who asks for `asked` means `name`. A namespace may be left out, and `default` may be said.
fn is_named(asked: &str, name: &str) -> bool {
    asked == name
        || asked.strip_prefix("default/") == Some(name)
        || (!asked.contains('/') && name.rsplit_once('/').is_some_and(|(_, last)| last == asked))
}

const EVPN: &str = "l2vpn/evpn";
const RTC: &str = "ipv4/rtc";

/// `ipv6`, `IPv6/Unicast` and `ipv6-unicast` all mean `ipv6/unicast`; other families have short names too.
fn is_family(asked: &str, family: &str) -> bool {
    asked
        .parse::<Family>()
        .is_ok_and(|asked| asked.to_string() == family)
}

/// Whether a question about no family means this one.
fn is_unicast(family: &str) -> bool {
    family.ends_with("/unicast")
}

/// What a request for routes is about, as far as it says which families it means.
struct Asked<'a> {
    request: &'a RoutesRequest,
    rd: Option<RouteDistinguisher>,
    kind: Option<EvpnKind>,
}

impl<'a> Asked<'a> {
    fn new(request: &'a RoutesRequest) -> Result<Self, ErrorReply> {
        let rd = request.rd.as_deref().map(str::parse).transpose();
        let rd = rd.map_err(|error: bgp_wire::ParseTextError| bad_request(error.to_string()))?;
        let known = |number| {
            EvpnKind::from_u8(number).ok_or_else(|| {
                bad_request(format!("EVPN has no routes of type {number}; use 1 to 11"))
            })
        };
        let kind = request.kind.map(known).transpose()?;
        if let (Some(_), Some(family)) = (kind, &request.family)
            && !is_family(family, EVPN)
        {
            let text = format!("only EVPN has types of routes, and {family} is another family");
            return Err(bad_request(text));
        }
        Ok(Self { request, rd, kind })
    }

    /// An error if a family is named that none of the tables is of.
    fn knows_family<'t>(
        &self,
        tables: impl Iterator<Item = &'t dyn RouteTable>,
    ) -> Result<(), ErrorReply> {
        let mut families = Vec::new();
        for family in tables.flat_map(|table| table.families()) {
            if !families.contains(&family) {
                families.push(family);
            }
        }
        match &self.request.family {
            Some(asked)
                if !families.is_empty() && !families.iter().any(|f| is_family(asked, f)) =>
            {
                let families = families.join(", ");
                let text = format!("there is no address family {asked}; there are: {families}");
                // What is no name of a family is no question.
                Err(match asked.parse::<Family>() {
                    Ok(_) => not_found(text),
                    Err(_) => bad_request(text),
                })
            }
            _ => Ok(()),
        }
    }

    fn concerns(&self, family: &str) -> bool {
        let request = self.request;
        if let Some(asked) = &request.family
            && !is_family(asked, family)
        {
            return false;
        }
        // Only EVPN has types of routes, and unicast and route targets no distinguisher.
        if request.kind.is_some() && family != EVPN
            || self.rd.is_some() && (is_unicast(family) || family == RTC)
        {
            return false;
        }
        let named = request.family.is_some() || self.rd.is_some() || request.kind.is_some();
        let of =
            |ipv6: bool| family == EVPN || family.starts_with(if ipv6 { "ipv6/" } else { "ipv4/" });
        match &request.prefix {
            None => true,
            Some(RouteQuery::Route(route)) => route.family().to_string() == family,
            Some(RouteQuery::OfAnyRd(_) | RouteQuery::Mac(_)) => family == EVPN,
            Some(RouteQuery::Covering(address)) => {
                (named && family != RTC || is_unicast(family)) && of(address.is_ipv6())
            }
            Some(RouteQuery::Exact(net) | RouteQuery::Longer(net)) => {
                (named || is_unicast(family)) && of(net.addr().is_ipv6())
            }
        }
    }
}

/// The names of the routers that are meant. Not by their views, which are dear: they count whole tables.
fn chosen_routers(views: &dyn Views, name: Option<&str>) -> Result<Vec<String>, ErrorReply> {
    let all: Vec<String> = views
        .tables()
        .iter()
        .map(|(name, _)| name.to_string())
        .collect();
    let Some(asked) = name else {
        return Ok(all);
    };
    let chosen: Vec<String> = all
        .iter()
        .filter(|name| is_named(asked, name))
        .cloned()
        .collect();
    match chosen.is_empty() {
        true => Err(nothing_named("router", asked, &all)),
        false => Ok(chosen),
    }
}

fn chosen_peers(mut peers: Vec<PeerView>, asked: &str) -> Result<Vec<PeerView>, ErrorReply> {
    let address: Option<IpAddr> = asked.parse().ok();
    // Of dynamic neighbours, the object says enough.
    let name = |peer: &PeerView| peer.dynamic.as_ref().unwrap_or(&peer.name).clone();
    let mut all: Vec<String> = peers.iter().map(name).collect();
    peers.retain(|peer| {
        let object = peer.dynamic.as_ref();
        let interface = peer.interface.as_ref().map(|interface| &interface.name);
        is_named(asked, &peer.name)
            || object.is_some_and(|object| is_named(asked, object))
            || (address.is_some() && peer.address == address)
            || interface.is_some_and(|name| name == asked)
            || peer.whereabouts().is_some_and(|scoped| scoped == asked)
    });
    if peers.is_empty() {
        all.dedup();
        return Err(nothing_named("peer", asked, &all));
    }
    Ok(peers)
}

fn nothing_named(what: &str, asked: &str, all: &[String]) -> ErrorReply {
    const SHOWN: usize = 8;
    let shown = all
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    not_found(match all.len() {
        0 => format!("no {what} is named {asked}; there are none"),
        n if n <= SHOWN => format!("no {what} is named {asked}; there are: {shown}"),
        n => format!("no {what} is named {asked}; there are {n}: {shown}, ..."),
    })
}

fn not_found(message: impl Into<String>) -> ErrorReply {
    ErrorReply {
        code: ErrorCode::NotFound,
        message: message.into(),
    }
}

fn bad_request(message: impl Into<String>) -> ErrorReply {
    ErrorReply {
        code: ErrorCode::BadRequest,
        message: message.into(),
    }
}
