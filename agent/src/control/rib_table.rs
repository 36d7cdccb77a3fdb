//! A router's tables as [`RouteTable`]: rows and reasons of the rib in the words of the control socket.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::{AttrCode, AttrRef, Community, Family, PathId};
use ipnet::IpNet;
use rib::{
    Cursor, ExplainedPath, Explanation, OutRow, Page, PeerIdx, PolicyStep, Reason, Rib, RouteKey,
    Row, RowQuery, SourceKind, Step, ToldGroup,
};

use super::in_order::in_order;
use super::protocol::RouteQuery;
use super::routes::{
    Attributes, Ineligible, PathExplanation, RouteExplanation, RouteFilter, RouteRow, RouteSide,
    RouteTable, Rows, StepExplanation, ToldExplanation,
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
const LOCAL: &str = "local";

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
fn unicast(route: &RouteKey) -> Option<IpNet> {
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
fn path_id(id: PathId, source: PeerIdx) -> Option<u32> {
    (id.0 != 0 && !source.is_local()).then_some(id.0)
}

fn shown(rib: &Rib, row: Row, received: bool) -> RouteRow {
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

/// What import did to a set, in words.
fn changes(before: AttrRef<'_>, after: AttrRef<'_>, by_policy: bool) -> String {
    let came = |community| after.has_community(community) && !before.has_community(community);
    let last = after.local_pref() == Some(0) && after.local_pref() != before.local_pref();
    let marked = after.only_to_customer() != before.only_to_customer();
    let path = !by_policy && after.as_path().to_string() != before.as_path().to_string();
    let goes = after.has_community(Community::GRACEFUL_SHUTDOWN) && last;
    let all = [
        (path, "our AS of before is in front (RFC 7705)"),
        (marked, "marked Only to Customer (RFC 9234)"),
        (goes, "the last choice, as it is about to go (RFC 8326)"),
        (
            came(Community::LLGR_STALE),
            "the last choice, as it is stale (RFC 9494)",
        ),
        (by_policy, "by policy"),
    ];
    let said = all.into_iter().filter(|(is, _)| *is);
    let said: Vec<_> = said.map(|(_, words)| words).collect();
    match said.is_empty() {
        // The policies were others when it came, and are about to be asked again.
        true => "by policies of before".to_owned(),
        false => said.join(", "),
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

/// Puts an explanation of the rib into words.
struct Explainer<'a> {
    rib: &'a Rib,
}

impl<'a> Explainer<'a> {
    fn new(rib: &'a Rib) -> Self {
        Self { rib }
    }

    fn name(&self, peer: PeerIdx) -> String {
        self.rib.peer(peer).name.to_string()
    }

    fn explain(&self, explanation: Explanation) -> RouteExplanation {
        let told = explanation
            .told
            .iter()
            .flat_map(|group| self.told(group))
            .collect();
        let external =
            |path: &&ExplainedPath| self.rib.peer(path.row.peer).kind == SourceKind::Ebgp;
        // See `DecisionConfig::compare_router_id`.
        let passed_over = !self.rib.selection().decision.compare_router_id
            && explanation.paths.iter().filter(external).count() > 1;
        let reasons = explanation.paths.iter().map(|path| &path.reason);
        let is_evpn = explanation.route.family() == Family::L2VPN_EVPN;
        let steps = steps(reasons, passed_over.then_some(Step::RouterId), is_evpn);
        let paths = explanation.paths.into_iter();
        RouteExplanation {
            router: String::new(),
            family: explanation.route.family().to_string(),
            route: explanation.route.to_string(),
            prefix: unicast(&explanation.route),
            paths: paths.map(|path| self.path(path)).collect(),
            steps,
            told,
        }
    }

    fn path(&self, path: ExplainedPath) -> PathExplanation {
        let ExplainedPath {
            row,
            policies,
            reason,
        } = path;
        let peer = self.rib.peer(row.peer);
        let local = peer.kind == SourceKind::Local;
        let policy = match (row.ineligible, &row.received) {
            _ if local => String::new(),
            (Some(why @ (rib::Ineligible::FilteredByPolicy | rib::Ineligible::NoPolicy)), _) => {
                why.to_string()
            }
            // Whether the next hop can be reached comes after policy.
            (Some(rib::Ineligible::NextHopUnreachable) | None, Some(before)) => {
                let by_policy = policies.iter().any(PolicyStep::changes);
                let changes = changes(before.as_ref(), row.attrs.as_ref(), by_policy);
                format!("accepted, with changes: {changes}")
            }
            (Some(rib::Ineligible::NextHopUnreachable) | None, None) => {
                "accepted as it is".to_owned()
            }
            (Some(_), _) => "makes no difference: the path is refused whatever it says".to_owned(),
        };
        let remark = match &reason {
            Reason::SameNextHop { twin, .. } => Some(format!(
                "equal to the best, but path {} has its next hop already",
                twin + 1
            )),
            Reason::BeyondWidth { width, .. } => Some(format!(
                "equal to the best, but at most {width} paths are used"
            )),
            _ => None,
        };
        let next_hop = row.attrs.as_ref().next_hop().filter(|_| !local);
        let key = next_hop.map(|next_hop| {
            let received = row.received.as_ref().unwrap_or(&row.attrs);
            let kept = received.as_ref().next_hop() == Some(next_hop);
            let scope = peer.next_hop_scope(row.route.family());
            let scope = if kept { scope } else { scope.of_policy() };
            rib::NextHopKey::of(next_hop, scope)
        });
        let metric = key.and_then(|key| {
            let known = self.rib.next_hops();
            let found = known.iter().find(|(candidate, _)| *candidate == key);
            found.and_then(|(_, way)| way.reachable.then_some(way.metric))
        });
        let unreached = matches!(
            row.ineligible,
            Some(rib::Ineligible::NextHopUnreachable | rib::Ineligible::NextHopOffLink)
        );
        let unreached = key
            .filter(|_| unreached)
            .and_then(|key| self.rib.why_unreachable(&key));
        let before_policy = row
            .received
            .as_ref()
            .map(|before| attributes(before.as_ref()));
        PathExplanation {
            row: shown(self.rib, row, false),
            source: source(peer.kind).to_owned(),
            advertisement: None,
            peer_interface: None,
            peer_as: (!local).then_some(peer.asn.0),
            peer_router_id: (!local).then(|| peer.router_id.to_string()),
            policy,
            policies: policies.iter().map(ToString::to_string).collect(),
            before_policy,
            remark,
            next_hop_unreached: unreached,
            next_hop_metric: metric,
        }
    }

    fn told(&self, group: &ToldGroup) -> Vec<ToldExplanation> {
        let number =
            self.rib.export_groups().into_iter().find(|other| {
                Arc::ptr_eq(&other.key, &group.key) && other.members == group.members
            });
        let number = number.map(|other| other.number.to_string());
        let pending = group.pending.then(|| "a change is on its way".to_owned());
        let entry = |peers: Vec<String>, announced, reason| ToldExplanation {
            group: number.clone(),
            peers,
            path_id: None,
            announced,
            policies: Vec::new(),
            reason,
        };
        let names = |peers: &mut dyn Iterator<Item = &PeerIdx>| -> Vec<String> {
            peers.map(|peer| self.name(*peer)).collect()
        };
        if group.routes.is_empty() {
            let why = pending.unwrap_or_else(|| "there is nothing to tell".to_owned());
            return vec![entry(names(&mut group.members.iter()), None, Some(why))];
        }
        let mut entries = Vec::new();
        for route in &group.routes {
            let others = names(&mut group.members.iter().filter(|peer| **peer != route.source));
            if !others.is_empty() {
                let (announced, reason) = match &route.outcome {
                    Ok(attrs) => (Some(attributes(attrs.as_ref())), pending.clone()),
                    Err(why) => {
                        let rfc = why.rfc().map(|rfc| format!(" ({rfc})")).unwrap_or_default();
                        (None, Some(format!("{why}{rfc}")))
                    }
                };
                let path_id = path_id(route.path_id, route.source);
                entries.push(ToldExplanation {
                    path_id,
                    policies: route.policies.iter().map(ToString::to_string).collect(),
                    ..entry(others, announced, reason)
                });
            }
            if group.members.contains(&route.source) {
                let why = "the path is its own (split horizon)".to_owned();
                entries.push(entry(vec![self.name(route.source)], None, Some(why)));
            }
        }
        entries
    }
}

fn source(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Ebgp => "external",
        SourceKind::Ibgp => "internal",
        SourceKind::IbgpClient => "client",
        SourceKind::Local => LOCAL,
    }
}

/// The steps down to the last at which a path fell out. External paths are not compared at the one that is passed over.
fn steps<'a>(
    reasons: impl Iterator<Item = &'a Reason>,
    passed_over: Option<Step>,
    is_evpn: bool,
) -> Vec<StepExplanation> {
    let mut losses: BTreeMap<Step, Vec<(usize, String)>> = BTreeMap::new();
    for (n, reason) in reasons.enumerate() {
        if let Some(loss) = reason.loss() {
            let against = loss.against + 1;
            let text = format!(
                "path {}: {} against {} of path {against}",
                n + 1,
                loss.ours,
                loss.theirs
            );
            losses.entry(loss.step).or_default().push((n, text));
        }
    }
    let Some(last) = losses.keys().next_back().copied() else {
        return Vec::new();
    };
    let evpn_only = |step| matches!(step, Step::MacMobility | Step::AdvertisingPe);
    let concerns = |step: Step| is_evpn || !evpn_only(step);
    let taken = Step::ORDER
        .into_iter()
        .filter(|step| *step <= last && concerns(*step));
    taken
        .map(|step| {
            let lost = losses.remove(&step).unwrap_or_default();
            let rfc = step
                .rfc()
                .map(|rfc| format!(" ({rfc})"))
                .unwrap_or_default();
            let (out, texts): (Vec<_>, Vec<_>) = lost.into_iter().unzip();
            StepExplanation {
                name: format!("{}{rfc}", step.rule()),
                out,
                detail: texts.join("; "),
                passed_over: passed_over == Some(step),
            }
        })
        .collect()
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
