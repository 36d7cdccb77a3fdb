//! Views made of typed data, for tests: two routers, sessions in good and bad health, and a table of any size.

mod node;
mod vpn;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bgp_wire::EvpnRoute;
use ipnet::IpNet;
use jiff::Timestamp;
use rib::RouteKey;
use serde_json::Value;

pub(crate) use self::node::{LONG_NAME, node};
use super::dynamic::DynamicView;
use super::protocol::{ObjectKind, PrefixQuery, RouteQuery};
use super::routes::{
    Attributes, FibFilter, FibRow, FibView, RouteExplanation, RouteFilter, RouteRow, RouteSide,
    RouteTable, Rows,
};
use super::sessions::PeerView;
use super::views::{AgentView, Counters, RouterView, Views};
use crate::desired::{Consequence, Objects};
use crate::observe::histogram::Histogram;

/// An agent that somebody typed.
pub(crate) struct Fake {
    pub(crate) routers: Vec<RouterView>,
    pub(crate) peers: Vec<PeerView>,
    pub(crate) dynamic: Vec<DynamicView>,
    pub(crate) tables: Vec<(Arc<str>, Arc<dyn RouteTable>)>,
    pub(crate) fib: Option<Arc<dyn FibView>>,
    pub(crate) objects: Vec<Value>,
}

impl Views for Fake {
    fn agent(&self) -> AgentView {
        AgentView {
            version: "1.2.3".to_owned(),
            node: "node-1".to_owned(),
            pid: 4711,
            started: moment(0),
            uptime_seconds: 11_565,
            resident_bytes: 19_083_264,
            problems: node::problems(),
            problem_count: 12,
        }
    }

    fn routers(&self) -> Vec<RouterView> {
        self.routers.clone()
    }

    fn peers(&self) -> Vec<PeerView> {
        self.peers.clone()
    }

    fn dynamic(&self) -> Vec<DynamicView> {
        self.dynamic.clone()
    }

    fn tables(&self) -> Vec<(Arc<str>, Arc<dyn RouteTable>)> {
        self.tables.clone()
    }

    fn fib(&self) -> Option<Arc<dyn FibView>> {
        self.fib.clone()
    }

    fn objects(&self, kind: ObjectKind) -> Vec<Value> {
        self.objects
            .iter()
            .filter(|object| object["kind"] == kind.kind())
            .cloned()
            .collect()
    }

    fn preview(&self, _objects: &Objects) -> Vec<Consequence> {
        Vec::new()
    }

    fn counters(&self) -> Counters {
        let mut counters = Counters {
            connections_refused: 3,
            peer_panics: 1,
            ..Counters::default()
        };
        let latency = Histogram::of_seconds();
        latency.observe(0.002);
        latency.observe(0.2);
        counters.kernel.latency = latency.view();
        counters.kernel.programmed = 1234;
        counters
    }
}

pub(crate) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_794_000_000 + seconds).unwrap()
}

pub(crate) fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Pages of two.
fn by_twos<T: Send + 'static>(rows: Vec<T>) -> Rows<T> {
    let mut rows = rows.into_iter();
    Box::new(move |budget| {
        let page: Vec<T> = rows.by_ref().take(budget.min(2)).collect();
        (!page.is_empty()).then_some(page)
    })
}

/// Rows in a list, with what is told and in what order they are stored.
pub(crate) struct Listed {
    pub(crate) rows: Vec<RouteRow>,
    pub(crate) explanations: Vec<RouteExplanation>,
}

fn covers(prefix: &PrefixQuery, candidate: &IpNet) -> bool {
    match prefix {
        PrefixQuery::Exact(net) => net == candidate,
        PrefixQuery::Covering(address) => candidate.contains(address),
        PrefixQuery::Longer(net) => net.contains(candidate),
    }
}

fn means(query: &RouteQuery, route: &str, prefix: Option<IpNet>) -> bool {
    match query {
        RouteQuery::Exact(net) => prefix == Some(*net),
        RouteQuery::Covering(address) => prefix.is_some_and(|net| net.contains(address)),
        RouteQuery::Longer(net) => prefix.is_some_and(|candidate| net.contains(&candidate)),
        RouteQuery::Route(wanted) => wanted.to_string() == route,
        RouteQuery::OfAnyRd(wanted) => {
            let found = route.parse::<EvpnRoute>();
            found.is_ok_and(|found| wanted.with_rd(found.rd()) == found)
        }
        RouteQuery::Mac(mac) => {
            let found = route.parse::<EvpnRoute>();
            found.is_ok_and(|found| found.mac() == Some(*mac))
        }
    }
}

impl RouteTable for Listed {
    fn families(&self) -> Vec<String> {
        let own = self.rows.iter().map(|row| row.family.as_str());
        let all = [
            "ipv4/unicast",
            "ipv6/unicast",
            "ipv4/vpn",
            "ipv6/vpn",
            "l2vpn/evpn",
            "ipv4/rtc",
        ]
        .iter();
        all.filter(|family| family.ends_with("/unicast") || own.clone().any(|own| own == **family))
            .map(|family| (*family).to_owned())
            .collect()
    }

    fn rows(&self, filter: &RouteFilter) -> Rows<RouteRow> {
        let rows = self.rows.iter().filter(|row| {
            row.family == filter.family
                && filter
                    .prefix
                    .as_ref()
                    .is_none_or(|query| means(query, &row.route, row.prefix))
                && filter.rd.is_none_or(|rd| row.rd == Some(rd.to_string()))
                && match &filter.side {
                    RouteSide::Table { peer, best } => {
                        (!best || row.best) && peer.as_ref().is_none_or(|peer| *peer == row.peer)
                    }
                    RouteSide::In { peer } => *peer == row.peer,
                    RouteSide::Out { peer } => row.best && *peer != row.peer,
                }
        });
        by_twos(rows.cloned().collect())
    }

    fn destinations(&self, filter: &RouteFilter) -> Rows<RouteKey> {
        let known = self.explanations.iter().filter(|one| {
            let route: RouteKey = one.route.parse().unwrap();
            one.family == filter.family
                && filter.rd.is_none_or(|rd| route.rd() == Some(rd))
                && filter
                    .prefix
                    .as_ref()
                    .is_none_or(|query| means(query, &one.route, route.net()))
        });
        by_twos(known.map(|one| one.route.parse().unwrap()).collect())
    }

    fn explain(&self, route: &RouteKey) -> Option<RouteExplanation> {
        let route = route.to_string();
        let mut known = self.explanations.iter();
        known.find(|one| one.route == route).cloned()
    }
}

/// A table of any number of made-up rows, none of which exists before it is asked for.
pub(crate) struct Synthetic {
    pub(crate) rows: u64,
    /// Rows that were made so far.
    pub(crate) made: Arc<AtomicU64>,
    /// Pages that were asked for so far.
    pub(crate) pages: Arc<AtomicUsize>,
    /// Every so many rows one matches.
    pub(crate) every: u64,
}

impl Synthetic {
    pub(crate) fn new(rows: u64) -> Self {
        Self {
            rows,
            made: Arc::default(),
            pages: Arc::default(),
            every: 1,
        }
    }

    fn row(n: u64) -> RouteRow {
        // Stored in no order that people would know.
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let host = (0x2001_0db8u128 << 96) | (u128::from(mixed) << 16);
        let peer = ["tor-1", "tor-2"][(n % 2) as usize];
        let net = IpNet::new(IpAddr::V6(host.into()), 112).unwrap();
        RouteRow {
            peer: peer.to_owned(),
            best: true,
            attributes: Attributes {
                next_hop: Some(format!("2001:db8:ffff::{:x}", n % 64)),
                as_path: format!("65001 {} {}", 64_512 + n % 1_000, 4_200_000_000 + n % 5_000),
                origin: "igp".to_owned(),
                local_pref: Some(100),
                communities: vec!["65001:100".to_owned(), format!("65001:{}", n % 100)],
                ..Attributes::default()
            },
            ..RouteRow::of(net.into())
        }
    }
}

impl RouteTable for Synthetic {
    fn families(&self) -> Vec<String> {
        vec!["ipv6/unicast".to_owned()]
    }

    fn rows(&self, _filter: &RouteFilter) -> Rows<RouteRow> {
        let (all, every, mut from) = (self.rows, self.every, 0);
        let (made, pages) = (self.made.clone(), self.pages.clone());
        Box::new(move |budget| {
            if from >= all {
                return None;
            }
            let to = (from + budget as u64).min(all);
            let rows: Vec<_> = (from..to)
                .filter(|n| n.is_multiple_of(every))
                .map(Self::row)
                .collect();
            from = to;
            made.fetch_add(rows.len() as u64, Ordering::Relaxed);
            pages.fetch_add(1, Ordering::Relaxed);
            Some(rows)
        })
    }

    fn destinations(&self, _filter: &RouteFilter) -> Rows<RouteKey> {
        Box::new(|_| None)
    }

    fn explain(&self, _route: &RouteKey) -> Option<RouteExplanation> {
        None
    }
}

/// Kernel entries in a list.
pub(crate) struct ListedFib(pub(crate) Vec<FibRow>);

impl FibView for ListedFib {
    fn rows(&self, filter: &FibFilter) -> Rows<FibRow> {
        let rows = self.0.iter().filter(|row| {
            (filter.router.is_none() || filter.router == row.router)
                && filter
                    .prefix
                    .as_ref()
                    .is_none_or(|prefix| covers(prefix, &row.prefix))
        });
        by_twos(rows.cloned().collect())
    }

    fn explain(&self, prefix: &IpNet) -> Vec<FibRow> {
        self.0
            .iter()
            .filter(|row| row.prefix == *prefix)
            .cloned()
            .collect()
    }
}

/// An agent with one table and nothing else.
pub(crate) fn synthetic(table: Arc<dyn RouteTable>) -> Fake {
    let name = "underlay".to_owned();
    Fake {
        routers: vec![RouterView {
            name,
            ..RouterView::default()
        }],
        peers: Vec::new(),
        dynamic: Vec::new(),
        tables: vec![("underlay".into(), table)],
        fib: None,
        objects: Vec::new(),
    }
}
