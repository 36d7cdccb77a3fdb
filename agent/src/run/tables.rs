//! A router's RIB in the words of those who ask: rows, and why they are as they are.

use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::{AttrCode, AttrRef, Family, NextHop, PathId};
use ipnet::IpNet;
use rib::{OutRow, PeerIdx, Row, RowQuery, SourceKind};

use super::cursors::Cursors;
use crate::control::protocol::PrefixQuery;
use crate::control::routes::{
    Attributes, Cursor, Ineligible, Page, PathExplanation, RouteExplanation, RouteFilter, RouteRow,
    RouteSide, RouteTable, StepExplanation, ToldExplanation,
};
use crate::speaker::RouterSnapshot;

/// The tables of one router, as they are while it is looked at.
pub(super) struct Tables {
    router: RouterSnapshot,
    cursors: Cursors,
}

impl Tables {
    pub(super) fn new(router: RouterSnapshot) -> Self {
        Self {
            router,
            cursors: Cursors::default(),
        }
    }

    /// Names of the peers that are told at least one of these prefixes.
    pub(super) fn told_of(router: &RouterSnapshot, prefixes: &[IpNet]) -> Vec<Arc<str>> {
        let rib = &router.rib;
        let mut told: Vec<Arc<str>> = Vec::new();
        for prefix in prefixes {
            let Some(explanation) = rib.explain(*prefix) else {
                continue;
            };
            for group in &explanation.told {
                let announced = |member: &&PeerIdx| {
                    group
                        .routes
                        .iter()
                        .any(|route| route.outcome.is_ok() && route.source != **member)
                };
                for member in group.members.iter().filter(announced) {
                    let name = Arc::clone(&rib.peer(*member).name);
                    if !told.contains(&name) {
                        told.push(name);
                    }
                }
            }
        }
        told.sort();
        told
    }

    /// The export group of a peer, by its number.
    pub(super) fn group_of(router: &RouterSnapshot, peer: PeerIdx) -> Option<String> {
        router
            .rib
            .export_groups()
            .into_iter()
            .find(|group| group.members.contains(&peer))
            .map(|group| group.number.to_string())
    }

    fn peer_named(&self, name: &str) -> Option<PeerIdx> {
        let peers = self.router.rib.peers();
        let address: Option<IpAddr> = name.parse().ok();
        peers
            .iter()
            .find(|(_, info)| *info.name == *name || Some(info.address) == address)
            .map(|(idx, _)| *idx)
    }

    fn query(&self, filter: &RouteFilter) -> Option<RowQuery> {
        let family: Family = filter.family.parse().ok()?;
        let mut query = RowQuery {
            family: Some(family),
            ..RowQuery::default()
        };
        match filter.prefix {
            None => {}
            Some(PrefixQuery::Exact(prefix)) => query.prefix = Some(prefix),
            Some(PrefixQuery::Longer(prefix)) => {
                query.prefix = Some(prefix);
                query.longer = true;
            }
            Some(PrefixQuery::Covering(address)) => {
                query.prefix = Some(self.router.rib.lookup(address, u8::MAX)?.prefix);
            }
        }
        Some(query)
    }

    fn row(&self, row: Row, before_policy: bool) -> RouteRow {
        let address = (!row.peer.is_local()).then(|| self.router.rib.peer(row.peer).address);
        let attrs = match (&row.received, before_policy) {
            (Some(received), true) => received,
            _ => &row.attrs,
        };
        RouteRow {
            router: String::new(),
            family: family_of(&row.prefix),
            prefix: row.prefix,
            peer: row.peer_name.to_string(),
            peer_address: address,
            best: row.best,
            multipath: row.multipath,
            stale: row.stale,
            ineligible: row.ineligible.map(ineligible),
            path_id: path_id(row.path_id, row.peer),
            attributes: attributes(attrs.as_ref()),
        }
    }

    fn out_row(&self, row: OutRow) -> RouteRow {
        let address = (!row.source.is_local()).then(|| self.router.rib.peer(row.source).address);
        RouteRow {
            family: family_of(&row.prefix),
            prefix: row.prefix,
            peer: row.source_name.to_string(),
            peer_address: address,
            path_id: path_id(row.path_id, row.source),
            attributes: attributes(row.attrs.as_ref()),
            ..RouteRow::default()
        }
    }
}

impl RouteTable for Tables {
    fn families(&self) -> Vec<String> {
        self.router
            .config
            .families
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn page(&self, filter: &RouteFilter, from: Option<Cursor>, budget: usize) -> Page<RouteRow> {
        let nothing = Page {
            rows: Vec::new(),
            next: None,
        };
        let Some(mut query) = self.query(filter) else {
            return nothing;
        };
        let cursor = from.and_then(|from| self.cursors.take(from));
        if from.is_some() && cursor.is_none() {
            return nothing;
        }
        match &filter.side {
            RouteSide::Out { peer } => {
                let Some(peer) = self.peer_named(peer) else {
                    return nothing;
                };
                let page = self.router.rib.adj_out_rows(peer, &query, cursor, budget);
                Page {
                    rows: page.rows.into_iter().map(|row| self.out_row(row)).collect(),
                    next: page.next.map(|next| self.cursors.put(next)),
                }
            }
            RouteSide::Table { peer, best } => {
                query.best = *best;
                if let Some(peer) = peer {
                    let Some(peer) = self.peer_named(peer) else {
                        return nothing;
                    };
                    query.peer = Some(peer);
                }
                self.rows(&query, cursor, budget, false)
            }
            RouteSide::In { peer } => {
                let Some(peer) = self.peer_named(peer) else {
                    return nothing;
                };
                query.peer = Some(peer);
                self.rows(&query, cursor, budget, true)
            }
        }
    }

    fn explain(&self, prefix: &PrefixQuery) -> Option<RouteExplanation> {
        let rib = &self.router.rib;
        let prefix = match prefix {
            PrefixQuery::Exact(prefix) | PrefixQuery::Longer(prefix) => *prefix,
            PrefixQuery::Covering(address) => rib.lookup(*address, u8::MAX)?.prefix,
        };
        let explained = rib.explain(prefix)?;
        let hops = rib.next_hops();
        let paths = explained
            .paths
            .iter()
            .map(|(row, _)| self.path(row, &hops))
            .collect();
        let mut steps: Vec<StepExplanation> = Vec::new();
        for (at, (_, reason)) in explained.paths.iter().enumerate() {
            let Some(loss) = reason.loss() else { continue };
            let name = loss.step.to_string();
            let detail = reason.to_string();
            match steps.iter_mut().find(|step| step.name == name) {
                Some(step) => {
                    step.out.push(at);
                    step.detail = format!("{}; {detail}", step.detail);
                }
                None => steps.push(StepExplanation {
                    name,
                    out: vec![at],
                    detail,
                }),
            }
        }
        let told = explained
            .told
            .iter()
            .flat_map(|group| self.told(group))
            .collect();
        Some(RouteExplanation {
            router: String::new(),
            family: family_of(&prefix),
            prefix,
            paths,
            steps,
            told,
        })
    }
}

impl Tables {
    fn rows(
        &self,
        query: &RowQuery,
        cursor: Option<rib::Cursor>,
        budget: usize,
        before_policy: bool,
    ) -> Page<RouteRow> {
        let page = self.router.rib.rows(query, cursor, budget);
        Page {
            rows: page
                .rows
                .into_iter()
                .map(|row| self.row(row, before_policy))
                .collect(),
            next: page.next.map(|next| self.cursors.put(next)),
        }
    }

    fn path(&self, row: &Row, hops: &[(rib::NextHopKey, rib::Resolution)]) -> PathExplanation {
        let info = self.router.rib.peer(row.peer);
        let metric = row.attrs.as_ref().next_hop().and_then(|next_hop| {
            let key = rib::NextHopKey::of(next_hop, info.link);
            hops.iter()
                .find(|(hop, _)| *hop == key)
                .map(|(_, way)| way.metric)
        });
        let policy = match (row.ineligible, &row.received) {
            (Some(rib::Ineligible::FilteredByPolicy | rib::Ineligible::NoPolicy), _) => "denied",
            (_, Some(_)) => "accepted with changes",
            _ => "accepted",
        };
        PathExplanation {
            source: match info.kind {
                SourceKind::Local => "local",
                SourceKind::Ebgp => "external",
                SourceKind::Ibgp => "internal",
                SourceKind::IbgpClient => "client",
            }
            .to_owned(),
            peer_as: (!row.peer.is_local()).then_some(info.asn.0),
            peer_router_id: (!row.peer.is_local()).then(|| info.router_id.to_string()),
            policy: policy.to_owned(),
            before_policy: row
                .received
                .as_ref()
                .map(|attrs| attributes(attrs.as_ref())),
            next_hop_metric: metric,
            row: self.row(row.clone(), false),
        }
    }

    /// What a group is told; its members differ only in that none is told its own path.
    fn told(&self, group: &rib::ToldGroup) -> Vec<ToldExplanation> {
        let rib = &self.router.rib;
        let number = rib
            .export_groups()
            .into_iter()
            .find(|other| other.members == group.members)
            .map(|other| other.number.to_string());
        let names = |members: &[PeerIdx]| {
            members
                .iter()
                .map(|member| rib.peer(*member).name.to_string())
                .collect::<Vec<_>>()
        };
        let pending = group.pending.then(|| "a change is on its way".to_owned());
        let mut told = Vec::new();
        if group.routes.is_empty() {
            let reason = pending.or_else(|| Some("there is no best path to tell".to_owned()));
            told.push(ToldExplanation {
                group: number,
                peers: names(&group.members),
                announced: None,
                reason,
            });
            return told;
        }
        for route in &group.routes {
            let (own, others): (Vec<PeerIdx>, Vec<PeerIdx>) = group
                .members
                .iter()
                .partition(|member| **member == route.source);
            if !others.is_empty() {
                told.push(ToldExplanation {
                    group: number.clone(),
                    peers: names(&others),
                    announced: route
                        .outcome
                        .as_ref()
                        .ok()
                        .map(|attrs| attributes(attrs.as_ref())),
                    reason: route
                        .outcome
                        .as_ref()
                        .err()
                        .map(ToString::to_string)
                        .or_else(|| pending.clone()),
                });
            }
            if !own.is_empty() {
                told.push(ToldExplanation {
                    group: number.clone(),
                    peers: names(&own),
                    announced: None,
                    reason: Some("the path is this peer's own".to_owned()),
                });
            }
        }
        told
    }
}

fn family_of(prefix: &IpNet) -> String {
    match prefix {
        IpNet::V4(_) => Family::IPV4_UNICAST,
        IpNet::V6(_) => Family::IPV6_UNICAST,
    }
    .to_string()
}

/// Local paths carry the number of their advertisement there, which is nobody's business.
fn path_id(id: PathId, source: PeerIdx) -> Option<u32> {
    (id.0 != 0 && !source.is_local()).then_some(id.0)
}

fn ineligible(reason: rib::Ineligible) -> Ineligible {
    match reason {
        rib::Ineligible::FilteredByPolicy => Ineligible::Policy,
        rib::Ineligible::AsLoop => Ineligible::AsLoop,
        rib::Ineligible::OriginatorLoop => Ineligible::OriginatorLoop,
        rib::Ineligible::ClusterLoop => Ineligible::ClusterLoop,
        rib::Ineligible::NextHopUnreachable => Ineligible::NextHopUnreachable,
        rib::Ineligible::NoPolicy => Ineligible::NoPolicy,
    }
}

fn attributes(attrs: AttrRef<'_>) -> Attributes {
    let named = [
        AttrCode::ORIGIN,
        AttrCode::AS_PATH,
        AttrCode::MED,
        AttrCode::LOCAL_PREF,
        AttrCode::ATOMIC_AGGREGATE,
        AttrCode::AGGREGATOR,
        AttrCode::COMMUNITIES,
        AttrCode::EXT_COMMUNITIES,
        AttrCode::LARGE_COMMUNITIES,
        AttrCode::ORIGINATOR_ID,
        AttrCode::CLUSTER_LIST,
    ];
    Attributes {
        next_hop: attrs.next_hop().map(|next_hop| match next_hop {
            NextHop::V4(address) => address.to_string(),
            NextHop::V6(address) => address.to_string(),
            NextHop::V6LinkLocal { global, link_local } => format!("{global},{link_local}"),
        }),
        as_path: attrs.as_path().to_string(),
        origin: attrs
            .origin()
            .map(|origin| origin.to_string())
            .unwrap_or_default(),
        local_pref: attrs.local_pref(),
        med: attrs.med(),
        communities: attrs.communities().map(|c| c.to_string()).collect(),
        ext_communities: attrs.ext_communities().map(|c| c.to_string()).collect(),
        large_communities: attrs.large_communities().map(|c| c.to_string()).collect(),
        originator_id: attrs.originator_id().map(|id| id.to_string()),
        cluster_list: attrs.cluster_list().map(|id| id.to_string()).collect(),
        aggregator: attrs.aggregator().map(|aggregator| aggregator.to_string()),
        atomic_aggregate: attrs.atomic_aggregate(),
        others: attrs
            .iter()
            .filter(|(code, _, _)| !named.contains(code))
            .map(|(code, _, value)| format!("{code} ({} octets)", value.len()))
            .collect(),
    }
}
