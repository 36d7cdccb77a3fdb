//! A router's tables as [`RouteTable`]: rows and reasons of the rib in the words of the control socket.

use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::{AttrCode, AttrRef, Family, PathId};
use ipnet::IpNet;
use rib::{Cursor, OutRow, Page, PeerIdx, Rib, RouteKey, Row, RowQuery};

use super::explainer::Explainer;
use super::in_order::in_order;
use super::protocol::RouteQuery;
use super::routes::{
    Attributes, Ineligible, PathExplanation, RouteExplanation, RouteFilter, RouteRow, RouteSide,
    RouteTable, Rows,
};
use super::{fields, seek};
use crate::desired::Origination;
use crate::kernel::KernelFacts;

/// The tables of one router, to be looked at. Peers go by the names under which the rib knows them.
pub struct RibTable {
    rib: Arc<Rib>,
    families: Vec<Family>,
    originations: Vec<Arc<Origination>>,
    links: Arc<KernelFacts>,
}

impl RibTable {
    /// Shows the tables of these families, where `originations` are our own routes.
    pub fn new(rib: Arc<Rib>, families: Vec<Family>, originations: Vec<Arc<Origination>>) -> Self {
        Self {
            rib,
            families,
            originations,
            links: Arc::default(),
        }
    }

    /// The same with the names of links.
    pub fn on_links(mut self, links: Arc<KernelFacts>) -> Self {
        self.links = links;
        self
    }

    /// The name of the link that a peer's link-local address is on.
    fn interface(&self, row: &RouteRow) -> Option<String> {
        let Some(IpAddr::V6(address)) = row.peer_address else {
            return None;
        };
        let link = self.rib.peer(self.peer(&row.peer)?).link;
        (address.is_unicast_link_local() && link != 0)
            .then(|| self.links.link_name(link).to_string())
    }

    /// The name of the BGPAdvertisement that originates `prefix`: there is one at most.
    fn originator(&self, prefix: &IpNet) -> Option<&str> {
        let mut all = self.originations.iter();
        let found = all.find(|origination| origination.prefixes.contains(prefix))?;
        Some(found.key.name())
    }

    pub(super) fn peer(&self, name: &str) -> Option<PeerIdx> {
        let peers = self.rib.peers();
        peers
            .iter()
            .find(|(_, info)| *info.name == *name)
            .map(|(idx, _)| *idx)
    }

    /// What is asked of the rib, except by whom and which side; `None` if there can be nothing.
    fn query(&self, filter: &RouteFilter) -> Option<RowQuery> {
        let family: Family = filter.family.parse().ok()?;
        let mut query = RowQuery {
            family: Some(family),
            rd: filter.rd,
            kind: filter.kind,
            ..RowQuery::default()
        };
        match &filter.prefix {
            None => {}
            Some(RouteQuery::Exact(net)) => query.prefix = Some(*net),
            Some(RouteQuery::Longer(net)) => (query.prefix, query.longer) = (Some(*net), true),
            Some(RouteQuery::Covering(address)) => query.covering = Some(*address),
            Some(RouteQuery::Route(route)) => query.route = Some(*route),
            Some(RouteQuery::OfAnyRd(route)) => query.of_any_rd = Some(*route),
            Some(RouteQuery::Mac(mac)) => query.mac = Some(*mac),
        }
        Some(query)
    }

    /// The longest unicast prefix whose best path would be used for an address; where there is none, all that cover it without a
    /// path that can be chosen, the longest first: they are what is looked for by whoever asks why nothing is used.
    fn covering(&self, address: IpAddr) -> Vec<RouteKey> {
        if let Some(used) = self.rib.lookup(address, u8::MAX) {
            return vec![used.prefix.into()];
        }
        let host = IpNet::from(address);
        let lengths = (0..=host.max_prefix_len()).rev();
        let around = lengths.filter_map(|length| IpNet::new(address, length).ok());
        let keys = around.map(|net| RouteKey::from(net.trunc()));
        keys.filter(|key| self.has_paths(*key)).collect()
    }

    fn has_paths(&self, key: RouteKey) -> bool {
        let one = RowQuery {
            route: Some(key),
            ..RowQuery::default()
        };
        !self.rib.rows(&one, None, 1).rows.is_empty()
    }

    /// What reads pages of rows of a side, whose part of the query it fills in; `None` if nobody has that name.
    fn reader(&self, side: &RouteSide, query: &mut RowQuery) -> Option<Reader> {
        let rib = self.rib.clone();
        let named = match side {
            RouteSide::Table { peer: None, .. } => None,
            RouteSide::Table {
                peer: Some(name), ..
            }
            | RouteSide::In { peer: name }
            | RouteSide::Out { peer: name } => Some(self.peer(name)?),
        };
        if let (RouteSide::Out { .. }, Some(member)) = (side, named) {
            return Some(Box::new(move |query, from, budget| {
                let page = rib.adj_out_rows(member, query, from, budget);
                page_of(page, |row| told(&rib, row))
            }));
        }
        query.peer = named;
        query.best = matches!(side, RouteSide::Table { best: true, .. });
        let received = matches!(side, RouteSide::In { .. });
        Some(Box::new(move |query, from, budget| {
            let page = rib.rows(query, from, budget);
            page_of(page, |row| shown(&rib, row, received))
        }))
    }
}

/// Reads a page of rows.
type Reader = Box<dyn Fn(&RowQuery, Option<Cursor>, usize) -> Page<RouteRow> + Send>;

fn page_of<R>(page: Page<R>, show: impl Fn(R) -> RouteRow) -> Page<RouteRow> {
    Page {
        rows: page.rows.into_iter().map(show).collect(),
        next: page.next,
        sorted: page.sorted,
    }
}

/// What stands for ourselves as the source of a path.
pub(super) const LOCAL: &str = "local";

/// A walk without a step.
fn nothing<R>() -> Rows<R> {
    Box::new(|_| None)
}

/// A walk along the pages of the rib.
fn walk<R: 'static>(page: impl Fn(Option<Cursor>, usize) -> Page<R> + Send + 'static) -> Rows<R> {
    let mut next = Some(None);
    Box::new(move |budget| {
        let page = page(next?, budget);
        next = page.next.map(Some);
        Some(page.rows)
    })
}

impl RouteTable for RibTable {
    fn families(&self) -> Vec<String> {
        self.families.iter().map(ToString::to_string).collect()
    }

    fn rows(&self, filter: &RouteFilter) -> Rows<RouteRow> {
        let Some(mut query) = self.query(filter) else {
            return nothing();
        };
        let Some(reader) = self.reader(&filter.side, &mut query) else {
            return nothing();
        };
        if filter.prefix.is_none() {
            return walk(move |from, budget| reader(&query, from, budget));
        }
        seek::rows_of(self.destinations(filter), move |key, budget| {
            let one = RowQuery {
                route: Some(key),
                covering: None,
                ..query.clone()
            };
            reader(&one, None, budget).rows
        })
    }

    fn destinations(&self, filter: &RouteFilter) -> Rows<RouteKey> {
        let Some(query) = self.query(filter) else {
            return nothing();
        };
        let (family, covering) = (query.family, query.covering.is_some());
        let named = query.route.or_else(|| {
            let plain = query.prefix.filter(|_| !query.longer)?;
            family.is_some_and(is_unicast).then(|| plain.into())
        });
        if let Some(key) = named {
            let mut one = Some(vec![key]).filter(|_| family == Some(key.family()));
            return Box::new(move |_| one.take());
        }
        if let Some(address) = query.covering
            && family.is_some_and(is_unicast)
        {
            let mut keys = Some(self.covering(address));
            return Box::new(move |_| keys.take());
        }
        let rib = self.rib.clone();
        let all = move |best: bool| {
            let (rib, mut query) = (rib.clone(), query.clone());
            query.best = best;
            walk(move |from, budget| rib.destinations(&query, from, budget))
        };
        match covering {
            // As in unicast, what covers an address is what may be used for it, and only where there is none, what may not.
            true => seek::or_else(seek::longest(all(true)), move || seek::longest(all(false))),
            false => in_order(move || all(false)),
        }
    }

    fn explain(&self, route: &RouteKey) -> Option<RouteExplanation> {
        let prefix = unicast(route);
        let mut explained = Explainer::new(&self.rib).explain(self.rib.explain(*route)?);
        let local = |path: &&mut PathExplanation| path.source == LOCAL;
        for path in explained.paths.iter_mut().filter(local) {
            path.advertisement = prefix
                .and_then(|prefix| self.originator(&prefix))
                .map(str::to_owned);
        }
        for path in &mut explained.paths {
            path.peer_interface = self.interface(&path.row);
        }
        Some(explained)
    }
}

/// The prefix of a unicast route.
pub(super) fn unicast(route: &RouteKey) -> Option<IpNet> {
    route.net().filter(|_| is_unicast(route.family()))
}

fn is_unicast(family: Family) -> bool {
    matches!(family, Family::IPV4_UNICAST | Family::IPV6_UNICAST)
}

fn told(rib: &Rib, row: OutRow) -> RouteRow {
    RouteRow {
        nlri: fields::of_nlri(&row.route, &row.detail),
        peer: row.source_name.to_string(),
        peer_address: address(rib, row.source),
        path_id: path_id(row.path_id, row.source),
        attributes: attributes(row.attrs.as_ref()),
        ..RouteRow::of(row.route)
    }
}

/// Paths of our own carry the number of their advertisement there, which is nobody's business.
pub(super) fn path_id(id: PathId, source: PeerIdx) -> Option<u32> {
    (id.0 != 0 && !source.is_local()).then_some(id.0)
}

pub(super) fn shown(rib: &Rib, row: Row, received: bool) -> RouteRow {
    let attrs = match &row.received {
        Some(before) if received => before,
        _ => &row.attrs,
    };
    RouteRow {
        nlri: fields::of_nlri(&row.route, &row.detail),
        peer: row.peer_name.to_string(),
        peer_address: address(rib, row.peer),
        best: row.best,
        multipath: row.multipath,
        stale: row.stale,
        ineligible: row.ineligible.map(Ineligible::from),
        path_id: path_id(row.path_id, row.peer),
        attributes: attributes(attrs.as_ref()),
        ..RouteRow::of(row.route)
    }
}

fn address(rib: &Rib, peer: PeerIdx) -> Option<IpAddr> {
    (!peer.is_local()).then(|| rib.peer(peer).address)
}

impl From<rib::Ineligible> for Ineligible {
    fn from(why: rib::Ineligible) -> Self {
        match why {
            rib::Ineligible::FilteredByPolicy => Self::Policy,
            rib::Ineligible::NoPolicy => Self::NoPolicy,
            rib::Ineligible::AsLoop => Self::AsLoop,
            rib::Ineligible::OriginatorLoop => Self::OriginatorLoop,
            rib::Ineligible::ClusterLoop => Self::ClusterLoop,
            rib::Ineligible::RouteLeak => Self::RouteLeak,
            rib::Ineligible::NextHopUnreachable => Self::NextHopUnreachable,
            rib::Ineligible::NoServiceSid => Self::NoServiceSid,
            rib::Ineligible::NextHopOffLink => Self::NextHopOffLink,
        }
    }
}

/// The attributes that [`Attributes`] has a field for.
const HAVE_A_FIELD: [AttrCode; 11] = [
    AttrCode::ORIGIN,
    AttrCode::AS_PATH,
    AttrCode::MED,
    AttrCode::LOCAL_PREF,
    AttrCode::ATOMIC_AGGREGATE,
    AttrCode::AGGREGATOR,
    AttrCode::COMMUNITIES,
    AttrCode::ORIGINATOR_ID,
    AttrCode::CLUSTER_LIST,
    AttrCode::EXT_COMMUNITIES,
    AttrCode::LARGE_COMMUNITIES,
];

/// An attribute set in words.
pub fn attributes(attrs: AttrRef<'_>) -> Attributes {
    fn words<T: ToString>(items: impl Iterator<Item = T>) -> Vec<String> {
        items.map(|item| item.to_string()).collect()
    }
    let others = attrs
        .iter()
        .filter(|(code, ..)| !HAVE_A_FIELD.contains(code))
        .map(|(code, flags, value)| {
            if code.is_known() {
                return code.text(flags, value).to_string();
            }
            let octets: String = value.iter().map(|octet| format!("{octet:02x}")).collect();
            format!("attribute {}, flags {flags:#04x}: {octets}", code.0)
        });
    Attributes {
        next_hop: attrs.next_hop().map(|next_hop| next_hop.to_string()),
        as_path: attrs.as_path().to_string(),
        origin: attrs
            .origin()
            .map(|origin| origin.to_string())
            .unwrap_or_default(),
        local_pref: attrs.local_pref(),
        med: attrs.med(),
        communities: words(attrs.communities()),
        ext_communities: words(attrs.ext_communities()),
        large_communities: words(attrs.large_communities()),
        originator_id: attrs.originator_id().map(|id| id.to_string()),
        cluster_list: words(attrs.cluster_list()),
        aggregator: attrs.aggregator().map(|aggregator| aggregator.to_string()),
        atomic_aggregate: attrs.atomic_aggregate(),
        others: others.collect(),
    }
}

#[cfg(test)]
mod tests {
    use bgp_wire::{AttrEditor, PmsiTunnel};

    use super::*;

    #[test]
    fn attributes_without_a_field_are_among_the_others() {
        let mut editor = AttrEditor::new();
        editor.set_local_pref(Some(100));
        editor.set_pmsi_tunnel(Some(PmsiTunnel {
            flags: 0,
            tunnel_type: PmsiTunnel::INGRESS_REPLICATION,
            vni: 100,
            identifier: &[192, 0, 2, 1],
        }));
        editor.set_unknown(AttrCode(99), 0xc0, &[0xab]);
        let words = attributes(editor.get());
        assert_eq!(words.local_pref, Some(100));
        assert_eq!(
            words.others,
            [
                "pmsi-tunnel Ingress Replication label 6 (vni 100) to 192.0.2.1",
                "attribute 99, flags 0xc0: ab"
            ]
        );
    }
}
