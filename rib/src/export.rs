//! One attribute set, one source, one export group: what the group is told, or why not.
//!
//! Export is a pure function of the source set, of where it came from ([`SourceInfo`]) and of the
//! group's [`ExportRules`]; the same function serves the packer and `explain`. It runs in this order:
//!
//! 1. who may hear it: iBGP split horizon and route reflection (RFC 4271 §9.2, RFC 4456 §6), the
//!    well-known communities (RFC 1997, RFC 9494), Only to Customer (RFC 9234);
//! 2. the export policy sees the set as the table has it, LOCAL_PREF and MED among the rest;
//! 3. what must not travel is taken out (RFC 4271 §5, RFC 4360 §6), but for what the policy has put there;
//! 4. what we must add is added: AS, LOCAL_PREF, reflection marks, Only to Customer, next hop.
//!
//! Choices where the standards leave room, beside those of the next hop (next_hop.rs):
//!
//! - **Communities on what we originate are instructions to the neighbour**, not to us: RFC 1997
//!   speaks of routes received. A node that originates a prefix with NO_EXPORT tells it to its ToR,
//!   which then keeps it.
//!
//! - **Stale routes that are kept for long go to internal peers that do not know of it as the last choice**, as RFC 9494 §4.6
//!   allows, so that who has nothing else keeps them; to external ones they do not go (§4.3).
//!
//! Confederations are not configurable, so every external peer is outside of our (sub-)AS and
//! NO_EXPORT and NO_EXPORT_SUBCONFED stop at the same border.

mod next_hop;
mod reject;

pub use self::reject::RejectReason;

use std::sync::Arc;

use bgp_wire::attribute::flags::{PARTIAL, TRANSITIVE};
use bgp_wire::{
    Asn, AttrCode, AttrEditor, AttrRef, Community, Family, FamilySet, Ipv6ExtCommunity, NextHop,
    Role, RouterId,
};

use self::next_hop::next_hop_to_write;
use crate::as_path_rules::AsPathRules;
use crate::decision::{DEFAULT_LOCAL_PREF, SourceKind, is_llgr_stale};
use crate::only_to_customer;
use crate::path::PeerInfo;
use crate::policy::{
    Evaluation, NextHopChange, PolicyReject, RouteFacts, RoutePolicy, Verdict, Way,
};
use crate::route_targets::{self, RouteTargets};

/// Who is told: the members of a group are all of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Peers in other ASes.
    Ebgp,
    /// Peers in our AS that are not clients of ours.
    Ibgp,
    /// Peers in our AS for which we are the route reflector.
    IbgpClient,
}

/// Where a set came from, as far as export cares.
///
/// The exported set follows from (set, source, rules), so together with the handle of the set this
/// is the key under which a result may be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceInfo {
    kind: SourceKind,
    /// The BGP identifier of an internal peer, which becomes the ORIGINATOR_ID; zero for other
    /// kinds, so that all of them are one key.
    originator: RouterId,
    /// See [`PeerInfo::long_lived`].
    long_lived: bool,
}

impl SourceInfo {
    /// A peer as the source of its routes.
    #[must_use]
    pub fn of(peer: &PeerInfo) -> Self {
        Self {
            long_lived: peer.long_lived,
            ..Self::new(peer.kind, peer.router_id)
        }
    }

    /// A source of this kind with this BGP identifier.
    #[must_use]
    pub fn new(kind: SourceKind, router_id: RouterId) -> Self {
        let originator = if kind.is_internal() {
            router_id
        } else {
            RouterId(0)
        };
        Self {
            kind,
            originator,
            long_lived: false,
        }
    }

    /// What kind of source it is.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        self.kind
    }
}

/// What decides how a group is told things; a part of what makes peers one group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExportRules {
    /// Who the members are.
    pub audience: Audience,
    /// The AS that we are to these peers.
    pub local_as: Asn,
    /// Our BGP identifier.
    pub router_id: RouterId,
    /// Our cluster: the configured cluster ID, or else our router ID (RFC 4456 §7).
    pub cluster_id: RouterId,
    /// Our own next hop for IPv4 routes on these sessions; an IPv6 one where RFC 8950 is in use.
    pub own_ipv4: Option<NextHop>,
    /// Our own next hop for IPv6 routes on these sessions.
    pub own_ipv6: Option<NextHop>,
    /// The families of IPv4 whose routes may have IPv6 next hops on these sessions (RFC 8950).
    pub ipv6_next_hops: FamilySet,
    /// The route targets that the members ask for, where that was negotiated (RFC 4684): routes of VPNs and EVPN with none of them are
    /// not told.
    pub wanted: Option<Arc<RouteTargets>>,
    /// We ask the members for routes of every route target ourselves (RFC 4684 §4, the default), so what others ask for says nothing
    /// more.
    pub asks_for_everything: bool,
    /// The members speak long-lived graceful restart with us (RFC 9494), and so know what to make of stale routes.
    pub long_lived: bool,
    /// Whether internal peers get our own address as next hop of everything.
    pub next_hop_self: bool,
    /// The sessions are about to end by our wish (RFC 8326).
    pub graceful_shutdown: bool,
    /// What we are to the members (RFC 9234); of external ones only.
    pub role: Option<Role>,
    /// What is done to the AS path for external peers.
    pub as_path: AsPathRules,
    /// The policy on the way out.
    pub policy: RoutePolicy,
}

impl ExportRules {
    /// Whether there is no next hop of our own to write in routes of a family, so that those that need one are not told: to external
    /// peers all of them, to others at least what we originate. Asked of families whose routes may be our own.
    #[must_use]
    pub fn lacks_next_hop(&self, family: Family) -> bool {
        let ours = matches!(
            family,
            Family::IPV4_UNICAST | Family::IPV6_UNICAST | Family::RTC
        );
        ours && next_hop_to_write(|| None, SourceKind::Local, family, None, self).is_err()
    }

    /// Whether routes of a family wait until it is known what the members ask for.
    pub(crate) fn holds(&self, family: Family) -> bool {
        let awaited = self
            .wanted
            .as_ref()
            .is_some_and(|wanted| wanted.is_awaited());
        awaited && route_targets::concerns(family)
    }
}

/// What becomes of a set on its way to a group.
#[derive(Debug, Clone, Copy)]
pub enum Exported<'e> {
    /// The group is told this set.
    Announce(AttrRef<'e>),
    /// The group is not told.
    Reject(RejectReason),
}

/// What a group with these rules is told about a route of `family` with the set `attrs`. The route itself matters where the policy
/// [asks](RoutePolicy::asks_for_route) for it.
///
/// That a peer is not told its own route is a matter of the members, not of the set, and is seen to by the
/// group. `editor` is where an announced set is built; what it held before is gone.
pub fn export<'e>(
    attrs: AttrRef<'_>,
    source: &SourceInfo,
    family: Family,
    route: Option<&RouteFacts>,
    rules: &ExportRules,
    editor: &'e mut AttrEditor,
) -> Exported<'e> {
    match Begun::of(attrs, source, family, rules, editor) {
        Begun::Over(reason) => Exported::Reject(reason),
        Begun::Passed => finish(attrs, source, family, None, rules, editor),
        Begun::AtPolicy(mut evaluation) => {
            let way = evaluation.way(route);
            exported(&evaluation, way, attrs, source, family, rules, editor)
        }
    }
}

/// A set on its way out, as far as it goes without a look at the route.
pub(crate) enum Begun {
    /// It is not told.
    Over(RejectReason),
    /// There is no policy, and the editor has it.
    Passed,
    /// The policies have their say.
    AtPolicy(Evaluation),
}

impl Begun {
    pub(crate) fn of(
        attrs: AttrRef<'_>,
        source: &SourceInfo,
        family: Family,
        rules: &ExportRules,
        editor: &mut AttrEditor,
    ) -> Self {
        if let Err(reason) = may_hear(attrs, source, rules) {
            return Self::Over(reason);
        }
        if goes_no_further(attrs, family, rules) {
            return Self::Over(RejectReason::OnlyToCustomer);
        }
        if !is_wanted(attrs, family, rules) {
            return Self::Over(RejectReason::RouteTargetNotWanted);
        }
        if says_nothing_more(source.kind, family, rules) {
            return Self::Over(RejectReason::EverythingAsked);
        }
        if let RoutePolicy::RejectAll(reason) = rules.policy {
            return Self::Over(RejectReason::Policy(reason));
        }
        if let RoutePolicy::Chain(chain) = &rules.policy {
            return Self::AtPolicy(Evaluation::new(chain, attrs, family));
        }
        editor.load(attrs);
        take_out_what_stays(attrs, source.kind, rules.audience, false, editor);
        Self::Passed
    }
}

/// What the group is told of routes of the set `attrs` that go this way through the policies.
pub(crate) fn exported<'e>(
    evaluation: &Evaluation,
    way: Way,
    attrs: AttrRef<'_>,
    source: &SourceInfo,
    family: Family,
    rules: &ExportRules,
    editor: &'e mut AttrEditor,
) -> Exported<'e> {
    match evaluation.verdict_on(way) {
        Verdict::Permit {
            changed,
            next_hop,
            sets_med,
        } => {
            editor.load(changed.unwrap_or(attrs));
            take_out_what_stays(attrs, source.kind, rules.audience, sets_med, editor);
            finish(attrs, source, family, next_hop, rules, editor)
        }
        Verdict::Deny(_) => Exported::Reject(RejectReason::Policy(PolicyReject::Denied)),
    }
}

/// What comes behind the policies, which have let the set in the editor pass, and perhaps say what its next hop is to be.
fn finish<'e>(
    attrs: AttrRef<'_>,
    source: &SourceInfo,
    family: Family,
    policy: Option<NextHopChange>,
    rules: &ExportRules,
    editor: &'e mut AttrEditor,
) -> Exported<'e> {
    let current = || attrs.next_hop();
    let next_hop = match next_hop_to_write(current, source.kind, family, policy, rules) {
        Ok(next_hop) => next_hop,
        Err(reason) => return Exported::Reject(reason),
    };
    let changed = attrs.next_hop().map(NextHop::address) != Some(next_hop.address());
    if changed && source.kind != SourceKind::Local {
        take_out_services(editor);
    }
    editor.set_next_hop(next_hop);
    add_what_is_ours(source, rules, editor);
    if let Some(role) = rules.role {
        mark_as_going_down(role, family, rules.local_as, editor);
    }
    if rules.graceful_shutdown {
        // RFC 8326 §4.2: who ends a session tags what goes over it. Peers within the AS go by the LOCAL_PREF, as they do with what
        // another border router passes on of such paths.
        editor.add_community(Community::GRACEFUL_SHUTDOWN);
        if rules.audience != Audience::Ebgp {
            editor.set_local_pref(Some(0));
        }
    }
    if is_beyond_its_depth(attrs, source, rules) {
        // RFC 9494 §4.6, of neighbors within the AS: "The NO_EXPORT community [RFC1997] MUST be attached to the stale routes.
        // The stale routes MUST have their LOCAL_PREF set to zero."
        editor.add_community(Community::NO_EXPORT);
        editor.set_local_pref(Some(0));
    }
    if tells_source(family, rules.audience) && source.kind.is_internal() {
        editor.set_originator_id(Some(rules.router_id));
    }
    Exported::Announce(editor.get())
}

/// Whether [`export`] would announce, whatever the route. Cheaper, as nothing is built unless the policy has to see it; `is_limited` says whether any
/// community [`limits`] who may hear it.
pub(crate) fn is_announced(
    attrs: AttrRef<'_>,
    is_limited: bool,
    source: &SourceInfo,
    family: Family,
    rules: &ExportRules,
    editor: &mut AttrEditor,
) -> bool {
    if rules.policy.looks_at_sets() {
        let exported = export(attrs, source, family, None, rules, editor);
        return matches!(exported, Exported::Announce(_));
    }
    let hears = if is_limited {
        may_hear(attrs, source, rules)
    } else {
        may_hear_unlimited(source.kind, rules.audience)
    };
    let announced = hears.is_ok()
        && !goes_no_further(attrs, family, rules)
        && is_wanted(attrs, family, rules)
        && !says_nothing_more(source.kind, family, rules)
        && !matches!(rules.policy, RoutePolicy::RejectAll(_))
        && next_hop_to_write(|| attrs.next_hop(), source.kind, family, None, rules).is_ok();
    debug_assert_eq!(
        announced,
        matches!(
            export(attrs, source, family, None, rules, editor),
            Exported::Announce(_)
        )
    );
    announced
}

/// Whether the source of a route is told it too. RFC 4684 §3.2, of route target memberships to clients of a reflector: "the
/// Originator attribute shall be set to the router-id of the advertiser, and the Next-hop attribute shall be set of the
/// local address for that session", so that a client learns that somebody wants what it wants itself.
pub(crate) fn tells_source(family: Family, audience: Audience) -> bool {
    family == Family::RTC && audience == Audience::IbgpClient
}

/// RFC 4684 §6: a route with none of the route targets that the peers ask for is not told.
fn is_wanted(attrs: AttrRef<'_>, family: Family, rules: &ExportRules) -> bool {
    match &rules.wanted {
        Some(wanted) if route_targets::concerns(family) => wanted.want(attrs),
        _ => true,
    }
}

/// Whether a route is for customers only (RFC 9234 §5), and these peers are none of ours.
fn goes_no_further(attrs: AttrRef<'_>, family: Family, rules: &ExportRules) -> bool {
    rules.role.is_some_and(only_to_customer::keeps_back)
        && only_to_customer::concerns(family)
        && attrs.only_to_customer().is_some()
}

/// Marks a route that goes down to a customer, or sideways (RFC 9234 §5).
fn mark_as_going_down(role: Role, family: Family, local_as: Asn, editor: &mut AttrEditor) {
    if only_to_customer::concerns(family)
        && only_to_customer::marks_what_goes(role)
        && editor.get().only_to_customer().is_none()
    {
        editor.set_only_to_customer(Some(local_as));
    }
}

/// Whether a route is a membership of others for what we ask for anyway. Nobody loses a route by not hearing of it, and GoBGP 3.10 does not
/// survive to be told the default and another one by one peer.
fn says_nothing_more(source: SourceKind, family: Family, rules: &ExportRules) -> bool {
    rules.asks_for_everything && family == Family::RTC && source != SourceKind::Local
}

/// Whether the route may be told to these peers at all.
fn may_hear(
    attrs: AttrRef<'_>,
    source: &SourceInfo,
    rules: &ExportRules,
) -> Result<(), RejectReason> {
    let audience = rules.audience;
    may_hear_unlimited(source.kind, audience)?;
    if source.kind == SourceKind::Local {
        return Ok(());
    }
    // RFC 9494 §4.3: "The route SHOULD NOT be advertised to any neighbor from which the Long-Lived Graceful Restart Capability
    // has not been received."
    if audience == Audience::Ebgp && is_beyond_its_depth(attrs, source, rules) {
        return Err(RejectReason::LongLivedStale);
    }
    for community in attrs.communities() {
        match community {
            // "MUST NOT be advertised to other BGP peers."
            Community::NO_ADVERTISE => return Err(RejectReason::NoAdvertise),
            // "MUST NOT be advertised outside a BGP confederation boundary (a stand-alone
            // autonomous system that is not part of a confederation should be considered a
            // confederation itself)."
            Community::NO_EXPORT if audience == Audience::Ebgp => {
                return Err(RejectReason::NoExport);
            }
            // "MUST NOT be advertised to external BGP peers."
            Community::NO_EXPORT_SUBCONFED if audience == Audience::Ebgp => {
                return Err(RejectReason::NoExportSubconfed);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a route is stale and kept for long, and goes to peers that do not know what that means.
fn is_beyond_its_depth(attrs: AttrRef<'_>, source: &SourceInfo, rules: &ExportRules) -> bool {
    source.long_lived && !rules.long_lived && is_llgr_stale(attrs)
}

/// Whether routes of this source may be told to these peers, as far as communities allow it.
fn may_hear_unlimited(source: SourceKind, audience: Audience) -> Result<(), RejectReason> {
    // RFC 4456 §6: a route from a non-client is reflected to clients, one from a client to
    // everyone. RFC 4271 §9.2: no other route of an internal peer goes to an internal peer.
    if source == SourceKind::Ibgp && audience == Audience::Ibgp {
        return Err(RejectReason::IbgpSplitHorizon);
    }
    Ok(())
}

/// Whether a community limits who may be told of a route.
pub(crate) fn limits(community: Community) -> bool {
    matches!(
        community,
        Community::NO_ADVERTISE
            | Community::NO_EXPORT
            | Community::NO_EXPORT_SUBCONFED
            | Community::LLGR_STALE
    )
}

/// RFC 4271 §5: "Unrecognized non-transitive optional attributes MUST be quietly ignored and not
/// passed along to other BGP peers." And of transitive ones: "the unrecognized transitive optional
/// attribute of that path MUST be passed along, with the path, to other BGP peers with the Partial
/// bit in the Attribute Flags octet set to 1."
fn pass_on_unknown(attrs: AttrRef<'_>, editor: &mut AttrEditor) {
    for (code, flags, value) in attrs.unknown() {
        if flags & TRANSITIVE == 0 {
            editor.remove(code);
        } else if flags & PARTIAL == 0 {
            editor.set_unknown(code, flags | PARTIAL, value);
        }
    }
}

/// Removes what is not passed on from this kind of source to this audience of what was in the set `attrs`; not what a policy has put
/// there since.
fn take_out_what_stays(
    attrs: AttrRef<'_>,
    source: SourceKind,
    audience: Audience,
    policy_sets_med: bool,
    editor: &mut AttrEditor,
) {
    if source != SourceKind::Local {
        pass_on_unknown(attrs, editor);
    }
    if audience != Audience::Ebgp {
        // RFC 4456 §8: both are non-transitive and mean something only inside the AS.
        if !source.is_internal() {
            editor.remove(AttrCode::ORIGINATOR_ID);
            editor.remove(AttrCode::CLUSTER_LIST);
        }
        return;
    }
    // What stays inside: LOCAL_PREF, of which RFC 4271 §5.1.5 says "A BGP speaker MUST NOT include this
    // attribute in UPDATE messages it sends to external peers"; the marks of reflection (RFC 4456
    // §8); AIGP (RFC 7311 §3.1), Tunnel Encapsulation (RFC 9012 §11) and BGP Prefix-SID (RFC 8669
    // §5). RFC 4271 §5.1.4: "The MULTI_EXIT_DISC attribute received from a neighboring AS MUST NOT be
    // propagated to other neighboring ASes." What we originate carries our own.
    let own_med = source == SourceKind::Local || policy_sets_med;
    editor.retain(|code, _| !code.stays_inside() && (own_med || code != AttrCode::MED));
    // RFC 4360 §6: "If a route has a non-transitivity extended community, then before advertising
    // the route across the Autonomous System boundary the community SHOULD be removed from the
    // route."
    editor.retain_ext_communities(|one| {
        one.is_transitive() || attrs.ext_communities().all(|other| other != one)
    });
    editor.retain_ipv6_ext_communities(Ipv6ExtCommunity::is_transitive);
}

/// RFC 9252 §2: where the next hop is another one, the SRv6 Service TLVs are to say the SIDs of that router; ours are not
/// those of the router before us, to whom packets would go past the next hop. What RFC 8669 has beside them belongs to the
/// prefix and stays.
fn take_out_services(editor: &mut AttrEditor) {
    if editor.get().prefix_sid().is_some() {
        editor.set_srv6_l3(None);
        editor.set_srv6_l2(None);
    }
}

/// Adds what we have to say.
fn add_what_is_ours(source: &SourceInfo, rules: &ExportRules, editor: &mut AttrEditor) {
    match rules.audience {
        // RFC 4271 §5.1.2 b: our own AS is prepended; on what we originate it is the only one.
        Audience::Ebgp => {
            rules.as_path.apply(rules.local_as, editor);
            editor.prepend_as_path(rules.local_as, 1);
        }
        Audience::Ibgp | Audience::IbgpClient => {
            // RFC 4271 §5.1.2: an internal peer gets the path as it is, empty for what we originate;
            // §5.1.5: LOCAL_PREF "SHALL be included in all UPDATE messages that a given BGP speaker
            // sends to other internal peers".
            if editor.get().get(AttrCode::AS_PATH).is_none() {
                editor.set_as_path(&[]);
            }
            if editor.get().local_pref().is_none() {
                editor.set_local_pref(Some(DEFAULT_LOCAL_PREF));
            }
            if source.kind.is_internal() {
                mark_reflection(source, rules, editor);
            }
        }
    }
}

/// RFC 4456 §8: "This attribute will carry the BGP Identifier of the originator of the route in the
/// local AS. A BGP speaker SHOULD NOT create an ORIGINATOR_ID attribute if one already exists."
/// "When an RR reflects a route, it MUST prepend the local CLUSTER_ID to the CLUSTER_LIST."
fn mark_reflection(source: &SourceInfo, rules: &ExportRules, editor: &mut AttrEditor) {
    if editor.get().originator_id().is_none() {
        editor.set_originator_id(Some(source.originator));
    }
    editor.prepend_cluster_id(rules.cluster_id);
}
