//! Why a route is as it is: an explanation of the rib in the words of the control socket.

use std::collections::BTreeMap;
use std::sync::Arc;

use bgp_wire::{AttrRef, Community, Family};
use rib::{
    ExplainedPath, Explanation, PeerIdx, PolicyStep, Reason, Rib, SourceKind, Step, ToldGroup,
};

use super::rib_table::{LOCAL, attributes, path_id, shown, unicast};
use super::routes::{PathExplanation, RouteExplanation, StepExplanation, ToldExplanation};

/// Puts an explanation of the rib into words.
pub(super) struct Explainer<'a> {
    rib: &'a Rib,
}

impl<'a> Explainer<'a> {
    pub(super) fn new(rib: &'a Rib) -> Self {
        Self { rib }
    }

    fn name(&self, peer: PeerIdx) -> String {
        self.rib.peer(peer).name.to_string()
    }

    pub(super) fn explain(&self, explanation: Explanation) -> RouteExplanation {
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
