//! One attribute set on its way from a peer into the table: what becomes of it, and whether its routes take part.
//!
//! It runs in this order, once for each set and not for each prefix:
//!
//! 1. loops and services without a SID, by what was received (RFC 4271 §9.1.2, RFC 4456 §8, RFC 9252 §7);
//! 2. what the session's [`ImportRules`] find and change;
//! 3. the import policy, which sees the set as they left it;
//! 4. graceful shutdown (RFC 8326), which no policy takes back: what is about to go is the last choice.
//!
//! A route that is refused is kept, with the reason, and the set as it came. Where a policy tells routes of one set apart, the steps
//! before it are taken once for the set, and those behind it once for each [`Way`] through the policy.

use bgp_wire::{Asn, AttrEditor, AttrRef, Community, Family, Role};

use crate::decision::{Ineligible, SourceKind};
use crate::only_to_customer;
use crate::path::PeerInfo;
use crate::policy::{Evaluation, PolicyReject, RoutePolicy, Verdict, Way};
use crate::table::RibConfig;

/// What is done to the routes of a peer on the way in, whatever policy says of them. By default nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ImportRules {
    /// What we are to the peer (RFC 9234); of external peers only.
    pub role: Option<Role>,
    /// The session is about to end by our wish (RFC 8326).
    pub graceful_shutdown: bool,
    /// We are of another AS to the external peer (RFC 7705).
    pub local_as: Option<LocalAs>,
}

/// The AS that we are to one peer (RFC 7705 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LocalAs {
    /// The AS.
    pub asn: Asn,
    /// It is put in front of the paths of the peer's routes.
    pub prepend: bool,
}

/// What import goes by beside the set and the peer: sets that are equal under the same terms become the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The rules of the peer that are for the family.
    rules: ImportRules,
    /// Bits of the field of the NLRI in which a part of an SRv6 SID may travel (RFC 9252 §5.1, §5.2, §6).
    label_bits: u8,
}

impl Terms {
    /// The terms for routes of a family from this peer.
    pub(crate) fn of(peer: &PeerInfo, family: Family) -> Self {
        let mut rules = peer.rules;
        rules.role = rules.role.filter(|_| only_to_customer::concerns(family));
        Self {
            rules,
            label_bits: match family {
                Family::IPV4_VPN | Family::IPV6_VPN => 20,
                Family::L2VPN_EVPN => 24,
                _ => 0,
            },
        }
    }
}

/// What becomes of a set.
pub(crate) struct Imported {
    /// Why its routes take no part, if so.
    pub(crate) ineligible: Option<Ineligible>,
    /// The set is another one now, which the editor has.
    pub(crate) changed: bool,
}

/// What becomes of the set `attrs` of `peer` under these terms, whatever the route: for policies that do not
/// [ask](RoutePolicy::asks_for_route). Where it is changed, `editor` has it.
pub(crate) fn import(
    config: &RibConfig,
    peer: &PeerInfo,
    (terms, family): (Terms, Family),
    attrs: AttrRef<'_>,
    (evaluation, editor): (&mut Evaluation, &mut AttrEditor),
) -> Imported {
    match Begun::of(config, peer, (terms, family), attrs, (evaluation, editor)) {
        Begun::Over(imported) => imported,
        Begun::AtPolicy(policy) => {
            let way = evaluation.way(None);
            policy.imported(evaluation, way, editor)
        }
    }
}

/// A set on its way in, as far as it goes without a look at the route.
pub(crate) enum Begun {
    /// All routes of the set fare like this.
    Over(Imported),
    /// The policies have their say.
    AtPolicy(AtPolicy),
}

/// A set that has come as far as to the import policies.
pub(crate) struct AtPolicy {
    peer: SourceKind,
    rules: ImportRules,
    /// The steps before changed the set.
    changed: bool,
}

impl Begun {
    /// The set `attrs` of `peer` under these terms. Where that is all and it is changed, `editor` has it; where the policies have their
    /// say, `evaluation` is of them.
    pub(crate) fn of(
        config: &RibConfig,
        peer: &PeerInfo,
        (terms, family): (Terms, Family),
        attrs: AttrRef<'_>,
        (evaluation, editor): (&mut Evaluation, &mut AttrEditor),
    ) -> Self {
        let rules = terms.rules;
        let mut ineligible = loop_of(config, peer, rules, attrs).or_else(|| unusable(terms, attrs));
        let mut changed = false;
        if rules != ImportRules::default() {
            ineligible = ineligible.or_else(|| leak_of(peer, rules, attrs));
            changed = ineligible.is_none() && apply(peer, rules, attrs, editor);
        }
        match &peer.import {
            RoutePolicy::Chain(chain) if ineligible.is_none() => {
                let so_far = if changed { editor.get() } else { attrs };
                evaluation.begin(chain, so_far, family);
                return Self::AtPolicy(AtPolicy {
                    peer: peer.kind,
                    rules,
                    changed,
                });
            }
            RoutePolicy::Chain(_) | RoutePolicy::AcceptAll => {}
            RoutePolicy::RejectAll(reason) => {
                changed = false;
                ineligible.get_or_insert(match reason {
                    PolicyReject::NoPolicy => Ineligible::NoPolicy,
                    PolicyReject::Denied => Ineligible::FilteredByPolicy,
                });
            }
        }
        if ineligible.is_none() {
            let so_far = if changed { editor.get() } else { attrs };
            if is_about_to_go(peer.kind, rules, so_far) {
                if !changed {
                    editor.load(attrs);
                }
                make_last_choice(editor);
                changed = true;
            }
        }
        Self::Over(Imported {
            ineligible,
            changed,
        })
    }
}

impl AtPolicy {
    /// What becomes of the routes that go this way. Where their set is changed, `editor` has it.
    pub(crate) fn imported(
        &self,
        evaluation: &Evaluation,
        way: Way,
        editor: &mut AttrEditor,
    ) -> Imported {
        let Verdict::Permit { changed: by, .. } = evaluation.verdict_on(way) else {
            return Imported {
                ineligible: Some(Ineligible::FilteredByPolicy),
                changed: false,
            };
        };
        let mut changed = self.changed || by.is_some();
        if let Some(set) = by.or_else(|| evaluation.set()) {
            let last = is_about_to_go(self.peer, self.rules, set);
            if changed || last {
                editor.load(set);
            }
            if last {
                make_last_choice(editor);
                changed = true;
            }
        }
        Imported {
            ineligible: None,
            changed,
        }
    }
}

/// The mark of what is about to go, and the place behind everything else (RFC 8326).
fn make_last_choice(editor: &mut AttrEditor) {
    editor.add_community(Community::GRACEFUL_SHUTDOWN);
    editor.set_local_pref(Some(0));
}

/// Whether a route is about to go and has to be the last choice: by the word of an external peer, or because we end the session.
///
/// RFC 8326 §4.1 has who receives the community from another AS set LOCAL_PREF low, for which 0 is recommended; §4.2 has who ends a session
/// do so with what comes over it, and tag it. Within the AS the LOCAL_PREF that came along says it already.
fn is_about_to_go(peer: SourceKind, rules: ImportRules, attrs: AttrRef<'_>) -> bool {
    rules.graceful_shutdown
        || peer == SourceKind::Ebgp && attrs.has_community(Community::GRACEFUL_SHUTDOWN)
}

/// Why a set is not taken from this peer, whatever rules and policy say of it.
fn loop_of(
    config: &RibConfig,
    peer: &PeerInfo,
    rules: ImportRules,
    attrs: AttrRef<'_>,
) -> Option<Ineligible> {
    // RFC 4271 §9.1.2: "If the AS_PATH attribute of a BGP route contains an AS loop, the BGP route should be excluded
    // from the Phase 2 decision function." What we are to the peer is our AS too.
    let allowed = usize::from(peer.allow_as_in);
    let path = attrs.as_path();
    if peer.kind != SourceKind::Local && path.count(config.local_as) > allowed {
        return Some(Ineligible::AsLoop);
    }
    if let Some(local) = rules.local_as
        && path.count(config.local_as) + path.count(local.asn) > allowed
    {
        return Some(Ineligible::AsLoop);
    }
    if peer.kind.is_internal() {
        // RFC 4456 §8: "A router that recognizes the ORIGINATOR_ID attribute SHOULD ignore a route received with its
        // BGP Identifier as the ORIGINATOR_ID." And: "If the local CLUSTER_ID is found in the CLUSTER_LIST, the
        // advertisement received SHOULD be ignored."
        if attrs.originator_id() == Some(config.router_id) {
            return Some(Ineligible::OriginatorLoop);
        }
        if attrs
            .cluster_list()
            .any(|cluster| cluster == config.cluster())
        {
            return Some(Ineligible::ClusterLoop);
        }
    }
    None
}

/// Whether there is nowhere to send packets to.
fn unusable(terms: Terms, attrs: AttrRef<'_>) -> Option<Ineligible> {
    let sid = attrs.prefix_sid()?;
    sid.lacks_sid(terms.label_bits)
        .then_some(Ineligible::NoServiceSid)
}

/// Whether a route has leaked, by our role.
fn leak_of(peer: &PeerInfo, rules: ImportRules, attrs: AttrRef<'_>) -> Option<Ineligible> {
    let leaked = |role| only_to_customer::is_leak(role, peer.asn, attrs);
    rules
        .role
        .is_some_and(leaked)
        .then_some(Ineligible::RouteLeak)
}

/// Changes the set as the rules say. True if they do; then `editor` has it.
fn apply(peer: &PeerInfo, rules: ImportRules, attrs: AttrRef<'_>, editor: &mut AttrEditor) -> bool {
    let marks = rules.role.is_some_and(only_to_customer::marks_what_comes)
        && attrs.only_to_customer().is_none();
    let prepended = rules.local_as.filter(|local| local.prepend);
    if !marks && prepended.is_none() {
        return false;
    }
    editor.load(attrs);
    if marks {
        editor.set_only_to_customer(Some(peer.asn));
    }
    if let Some(local) = prepended {
        // RFC 7705 §3.3: "The router SHOULD append the configured "Local AS" ASN in the AS_PATH attribute before installing the route
        // or advertising the UPDATE to an iBGP neighbor." So who is in that AS still sees its loops.
        editor.prepend_as_path(local.asn, 1);
    }
    true
}
