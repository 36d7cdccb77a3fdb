//! What a change does to sessions that are up: nothing that the neighbour notices, a refresh, or their end.
//!
//! Pure. The log says it of each change that is made, `cosmos check --against-running` of each that would be, and
//! docs/reference/changes.md is the table for people. The speaker and the session decide for themselves by what they were given; a
//! test that sees what a neighbour sees holds the three together (netns_changes).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bgp_wire::{Asn, Family};
use ipnet::IpNet;

use super::authentication::{AoKeys, Authentication, Password, goes_on};
use super::diff::Change;
use super::dynamic::DynamicNeighbors;
use super::originates::{all_of, moved};
use super::peer::{self, INTERNAL_TTL};
use super::timers;
use super::types::{Desired, GracefulRestart, LocalAs, Peer, PeerRole, RemoteAs, Router, Ttl};

/// What a change does to a session that is up, from the gentlest to the harshest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Effect {
    /// The neighbour does not notice.
    InPlace,
    /// What the neighbour was told is worked out again; what differs is sent.
    RefreshOut,
    /// The neighbour is asked for its routes again (RFC 2918). One that cannot be asked is reset.
    RefreshIn,
    /// Both.
    RefreshBoth,
    /// In place, but for a session whose neighbour has said no role: that ends.
    ResetWithoutRole,
    /// The session ends, and comes back if it may.
    Reset,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InPlace => "in place",
            Self::RefreshOut => "refresh out",
            Self::RefreshIn => "refresh in",
            Self::RefreshBoth => "refresh in and out",
            Self::ResetWithoutRole => "in place, or reset if the neighbour has said no role",
            Self::Reset => "reset",
        })
    }
}

/// A field that changes, and what that does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldChange {
    /// Path of the field in the object.
    pub field: &'static str,
    /// What follows.
    pub effect: Effect,
}

/// Gathers the fields that differ.
#[derive(Default)]
struct Differences(Vec<FieldChange>);

impl Differences {
    fn compare<T: PartialEq + ?Sized>(
        &mut self,
        field: &'static str,
        effect: Effect,
        old: &T,
        new: &T,
    ) {
        if old != new {
            self.0.push(FieldChange { field, effect });
        }
    }
}

/// The fields of a BGPPeer, or of its router where it has none of its own, in which `new` differs from `old`.
#[must_use]
pub fn peer_changes(old: &Peer, new: &Peer) -> Vec<FieldChange> {
    use Effect::{InPlace, RefreshBoth, RefreshIn, RefreshOut, Reset, ResetWithoutRole};
    // Taken apart in full, so that a new field does not compile until it has its line here.
    let Peer {
        key: _,
        name: _,
        address,
        interface,
        remote_port,
        remote_as,
        families: _,
        hold_time,
        keepalive,
        passive,
        ttl,
        authentication,
        local_address,
        next_hop_self,
        route_reflector_client,
        allow_as_in,
        enforce_first_as,
        local_as,
        also_as,
        private_as,
        as_override,
        max_prefixes,
        import_policies,
        export_policies,
        role,
        extended_next_hop,
        graceful_restart,
        restart_helper,
        graceful_shutdown,
        shutdown,
        bfd,
        description,
    } = new;
    let mut found = Differences::default();
    let families = |peer: &Peer| -> BTreeSet<Family> {
        let all = peer.families.iter();
        all.map(|config| config.family).collect()
    };
    let add_path = |peer: &Peer| -> BTreeMap<Family, (bool, u8)> {
        let all = peer.families.iter();
        all.map(|config| {
            (
                config.family,
                (config.add_path_receive, config.add_path_send),
            )
        })
        .filter(|(_, wanted)| *wanted != (false, 0))
        .collect()
    };
    found.compare("spec.address", Reset, &old.address, address);
    found.compare("spec.interface", Reset, &old.interface, interface);
    found.compare("spec.remotePort", Reset, &old.remote_port, remote_port);
    // The one takes the place of the other.
    let asn = |of: RemoteAs| matches!(of, RemoteAs::Asn(_)).then_some(of);
    let type_of = |of: RemoteAs| asn(of).is_none().then_some(of);
    found.compare("spec.peerASN", Reset, &asn(old.remote_as), &asn(*remote_as));
    found.compare(
        "spec.peerType",
        Reset,
        &type_of(old.remote_as),
        &type_of(*remote_as),
    );
    found.compare(
        "spec.addressFamilies",
        Reset,
        &families(old),
        &families(new),
    );
    found.compare("spec.addPath", Reset, &add_path(old), &add_path(new));
    found.compare(
        "spec.holdTime, spec.timers.holdTime",
        Reset,
        &old.hold_time,
        hold_time,
    );
    let follows = |hold, keepalive| keepalive == timers::keepalive_of(hold);
    if !(old.hold_time != *hold_time
        && follows(old.hold_time, old.keepalive)
        && follows(*hold_time, *keepalive))
    {
        found.compare(
            "spec.keepaliveTime, spec.timers.keepalive",
            InPlace,
            &old.keepalive,
            keepalive,
        );
    }
    found.compare("spec.passive", InPlace, &old.passive, passive);
    let security = |ttl: Ttl| matches!(ttl, Ttl::Security(_)).then_some(ttl);
    // Without either it follows from whether the neighbour is internal.
    let is_default = |ttl: Ttl| matches!(ttl, Ttl::Direct | Ttl::Multihop(INTERNAL_TTL));
    let follows = old.remote_as != *remote_as && is_default(old.ttl) && is_default(*ttl);
    let distance = |ttl: Ttl| match ttl {
        Ttl::Multihop(hops) if !follows => Some(hops),
        _ => None,
    };
    let (before, now) = (security(old.ttl), security(*ttl));
    let (far_before, far_now) = (distance(old.ttl), distance(*ttl));
    // What an external neighbour tells is bound to its link if that is one hop away, and only then.
    let distance_effect = match old.ttl.is_one_hop() == ttl.is_one_hop() {
        true => InPlace,
        false => RefreshIn,
    };
    found.compare("spec.ttlSecurity", distance_effect, &before, &now);
    found.compare(
        "spec.ebgpMultiHop, spec.ebgpMultihop",
        distance_effect,
        &far_before,
        &far_now,
    );
    fn md5(of: &Option<Authentication>) -> Option<&Password> {
        of.as_ref().and_then(Authentication::md5)
    }
    fn ao(of: &Option<Authentication>) -> Option<&AoKeys> {
        of.as_ref().and_then(Authentication::ao)
    }
    found.compare(
        "spec.authSecretRef",
        Reset,
        &md5(&old.authentication),
        &md5(authentication),
    );
    let (before, now) = (ao(&old.authentication), ao(authentication));
    if before.is_some() || now.is_some() {
        match goes_on(old.authentication.as_ref(), authentication.as_ref()) {
            true => found.compare("spec.tcpAO.keys", InPlace, &before, &now),
            false => found.compare("spec.tcpAO", Reset, &before, &now),
        }
    }
    found.compare(
        "spec.localAddress",
        Reset,
        &old.local_address,
        local_address,
    );
    found.compare(
        "spec.nextHopSelf",
        RefreshOut,
        &old.next_hop_self,
        next_hop_self,
    );
    found.compare(
        "spec.routeReflectorClient",
        Reset,
        &old.route_reflector_client,
        route_reflector_client,
    );
    found.compare("spec.allowAsIn", RefreshIn, &old.allow_as_in, allow_as_in);
    found.compare(
        "spec.enforceFirstAS",
        RefreshIn,
        &old.enforce_first_as,
        enforce_first_as,
    );
    let number = |local: Option<LocalAs>, also: Option<Asn>| local.map(|local| local.asn).or(also);
    let before = number(old.local_as, old.also_as);
    let now = number(*local_as, *also_as);
    let same = before == now;
    found.compare("spec.localAS.number", Reset, &before, &now);
    if same && let (Some(old), Some(new)) = (old.local_as, local_as) {
        let (no_prepend, replace_as) = (&new.no_prepend, &new.replace_as);
        found.compare(
            "spec.localAS.noPrepend",
            RefreshIn,
            &old.no_prepend,
            no_prepend,
        );
        found.compare(
            "spec.localAS.replaceAS",
            RefreshOut,
            &old.replace_as,
            replace_as,
        );
    }
    found.compare("spec.maxPrefixes", InPlace, &old.max_prefixes, max_prefixes);
    // The routes are there as they were received: nobody is asked for them.
    found.compare(
        "spec.routeMapIn, BGPPolicy",
        InPlace,
        &old.import_policies,
        import_policies,
    );
    found.compare(
        "spec.routeMapOut, BGPPolicy",
        RefreshOut,
        &old.export_policies,
        export_policies,
    );
    let role_of = |role: Option<PeerRole>| role.map(|role| role.role);
    let strict = |role: Option<PeerRole>| role.is_some_and(|role| role.strict);
    found.compare("spec.role", Reset, &role_of(old.role), &role_of(*role));
    // Where the neighbour has said none, a session ends that has to have its role now. Only the session knows.
    let strictness = match strict(*role) {
        true => ResetWithoutRole,
        false => InPlace,
    };
    found.compare(
        "spec.roleStrict",
        strictness,
        &strict(old.role),
        &strict(*role),
    );
    found.compare(
        "spec.gracefulShutdown",
        RefreshBoth,
        &old.graceful_shutdown,
        graceful_shutdown,
    );
    found.compare(
        "spec.removePrivateAS",
        RefreshOut,
        &old.private_as,
        private_as,
    );
    found.compare("spec.asOverride", RefreshOut, &old.as_override, as_override);
    let usual = |peer: &Peer| peer.extended_next_hop == peer::extended_next_hop(peer);
    let moved = families(old) != families(new) || old.address.is_ipv6() != address.is_ipv6();
    if !(moved && usual(old) && usual(new)) {
        found.compare(
            "spec.extendedNextHop",
            Reset,
            &old.extended_next_hop,
            extended_next_hop,
        );
    }
    let restart_time = |of: Option<GracefulRestart>| of.map(|restart| restart.restart_time);
    let long_lived = |of: Option<GracefulRestart>| of.and_then(|restart| restart.long_lived);
    found.compare(
        "spec.gracefulRestart",
        Reset,
        &(restart_time(old.graceful_restart), old.restart_helper),
        &(restart_time(*graceful_restart), *restart_helper),
    );
    found.compare(
        "spec.longLivedGracefulRestart",
        Reset,
        &long_lived(old.graceful_restart),
        &long_lived(*graceful_restart),
    );
    found.compare(
        "spec.shutdown.enabled",
        Reset,
        &old.shutdown.is_some(),
        &shutdown.is_some(),
    );
    if old.shutdown.is_some() == shutdown.is_some() {
        found.compare("spec.shutdown.message", InPlace, &old.shutdown, shutdown);
    }
    found.compare("spec.bfd", InPlace, &old.bfd, bfd);
    found.compare("spec.description", InPlace, &old.description, description);
    found.0
}

/// The fields of a BGPPeer with dynamic neighbours in which `new` differs from `old`, and what follows for each of its sessions. Where
/// it loses neighbours, their sessions alone are meant.
#[must_use]
pub fn dynamic_changes(old: &DynamicNeighbors, new: &DynamicNeighbors) -> Vec<FieldChange> {
    let DynamicNeighbors {
        key: _,
        prefixes,
        others,
        limit,
        sessions,
    } = new;
    let mut found = Differences::default();
    let effect = match loses(old, new) {
        true => Effect::Reset,
        false => Effect::InPlace,
    };
    found.compare(
        PREFIXES,
        effect,
        &(&old.prefixes, &old.others),
        &(prefixes, others),
    );
    found.compare(
        "spec.dynamicNeighbors.limit",
        Effect::InPlace,
        &old.limit,
        limit,
    );
    let mut found = found.0;
    for session in sessions {
        let Some(before) = old.like(session.address) else {
            continue;
        };
        // It stands for all of them.
        let before = Peer {
            address: session.address,
            ..before.clone()
        };
        for change in peer_changes(&before, session) {
            if !found.contains(&change) {
                found.push(change);
            }
        }
    }
    found
}

const PREFIXES: &str = "spec.dynamicNeighbors.prefixes";

/// Whether neighbours that were meant are not any more.
fn loses(old: &DynamicNeighbors, new: &DynamicNeighbors) -> bool {
    let within = |net: &IpNet, nets: &[IpNet]| nets.iter().any(|outer| outer.contains(net));
    let kept = old.prefixes.iter().all(|net| within(net, &new.prefixes));
    let left = new.others.iter().all(|net| within(net, &old.others));
    !kept || !left
}

/// The fields of a BGPRouter in which `new` differs from `old`, and what follows for every session of the router. What its peers take
/// from it is found with them.
#[must_use]
pub fn router_changes(old: &Router, new: &Router) -> Vec<FieldChange> {
    use Effect::{InPlace, RefreshOut, Reset};
    let Router {
        key: _,
        local_as,
        router_id,
        families,
        listen_port,
        local_address,
        kernel,
        max_paths,
        require_policy,
        decision,
        cluster_id,
        require_reachable_next_hop,
        graceful_restart,
        // Its peers have it.
        graceful_shutdown: _,
    } = new;
    let mut found = Differences::default();
    found.compare("spec.localASN", Reset, &old.local_as, local_as);
    found.compare("spec.routerID", Reset, &old.router_id, router_id);
    found.compare("spec.addressFamilies", InPlace, &old.families, families);
    found.compare("spec.listenPort", InPlace, &old.listen_port, listen_port);
    found.compare(
        "spec.localAddress",
        RefreshOut,
        &old.local_address,
        local_address,
    );
    found.compare("spec.kernel", InPlace, &old.kernel, kernel);
    found.compare("spec.maximumPaths", InPlace, &old.max_paths, max_paths);
    found.compare(
        "spec.requirePolicy",
        RefreshOut,
        &old.require_policy,
        require_policy,
    );
    found.compare("spec.bestPath", RefreshOut, &old.decision, decision);
    found.compare(
        "spec.routeReflector.clusterID",
        Reset,
        &old.cluster_id,
        cluster_id,
    );
    found.compare(
        "spec.routeReflector.requireReachableNextHop",
        RefreshOut,
        &old.require_reachable_next_hop,
        require_reachable_next_hop,
    );
    found.compare(
        "spec.gracefulRestart",
        InPlace,
        &old.graceful_restart,
        graceful_restart,
    );
    found.0
}

/// What a change means to people: which object, which fields, and what becomes of the sessions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consequence {
    /// Kind and name, and for what is on a router, its router.
    pub object: String,
    /// The fields that change; empty if the object comes or goes.
    pub fields: Vec<FieldChange>,
    /// What follows, as the end of a sentence that begins with the object.
    pub text: String,
}

impl Consequence {
    /// Of `change`, where `running` is what runs.
    #[must_use]
    pub fn of(change: &Change, running: &Desired) -> Self {
        let sessions = |of: &Router| {
            let all = running.peers.keys();
            let mut text = match all.filter(|peer| peer.router == of.key).count() {
                1 => "its 1 session".to_owned(),
                n => format!("each of its {n} sessions"),
            };
            if running.dynamic.keys().any(|peer| peer.router == of.key) {
                text.push_str(" and of those with dynamic neighbours");
            }
            text
        };
        match change {
            Change::RouterAdded(router) => Self::plain("BGPRouter", &router.key, "starts"),
            Change::RouterRemoved(key) => {
                Self::plain("BGPRouter", key, "ends, with its sessions and routes")
            }
            Change::RouterChanged { old, new } => {
                let whose = sessions(new);
                Self::fields(
                    "BGPRouter",
                    &new.key,
                    router_changes(old, new),
                    &|e| match e {
                        Effect::Reset => format!("reset of {whose}"),
                        Effect::InPlace => e.to_string(),
                        _ => format!("{e} on {whose}"),
                    },
                )
            }
            Change::PeerAdded(peer) => Self::plain("BGPPeer", &peer.key, "starts a session"),
            Change::PeerRemoved(key) => Self::plain(
                "BGPPeer",
                key,
                "ends its session (Cease/Peer De-configured) and what was learned from it",
            ),
            Change::PeerChanged { old, new } => {
                Self::fields("BGPPeer", &new.key, peer_changes(old, new), &|e| match e {
                    Effect::Reset => "reset of the session".to_owned(),
                    _ => e.to_string(),
                })
            }
            Change::DynamicAdded(new) => Self::plain(
                "BGPPeer",
                &new.key,
                &format!(
                    "accepts sessions from neighbours in {} (at most {})",
                    list(&new.prefixes),
                    new.limit
                ),
            ),
            Change::DynamicRemoved(key) => Self::plain(
                "BGPPeer",
                key,
                "ends its sessions (Cease/Peer De-configured) and what was learned from them",
            ),
            Change::DynamicChanged { old, new } => {
                let fields = dynamic_changes(old, new);
                let say = |change: &FieldChange| match (change.effect, change.field) {
                    (Effect::Reset, PREFIXES) => "end of the sessions with others".to_owned(),
                    (Effect::Reset, _) => "reset of each of its sessions".to_owned(),
                    (effect, _) => effect.to_string(),
                };
                Self::fields_as("BGPPeer", &new.key, fields, &say)
            }
            Change::OriginationAdded(origination) => Self::plain(
                "BGPAdvertisement",
                &origination.key,
                &format!("originates {}", all_of(origination)),
            ),
            Change::OriginationRemoved(key) => Self::plain("BGPAdvertisement", key, "is withdrawn"),
            Change::OriginationChanged { old, new } => {
                Self::plain("BGPAdvertisement", &new.key, &moved(old, new))
            }
        }
    }

    fn plain(kind: &str, key: &dyn fmt::Display, text: &str) -> Self {
        Self {
            object: format!("{kind} {key}"),
            fields: Vec::new(),
            text: text.to_owned(),
        }
    }

    fn fields(
        kind: &str,
        key: &dyn fmt::Display,
        fields: Vec<FieldChange>,
        say: &dyn Fn(Effect) -> String,
    ) -> Self {
        Self::fields_as(kind, key, fields, &|change| say(change.effect))
    }

    fn fields_as(
        kind: &str,
        key: &dyn fmt::Display,
        fields: Vec<FieldChange>,
        say: &dyn Fn(&FieldChange) -> String,
    ) -> Self {
        let parts: Vec<_> = fields
            .iter()
            .map(|change| format!("{} changes: {}", change.field, say(change)))
            .collect();
        Self {
            object: format!("{kind} {key}"),
            text: parts.join("; "),
            fields,
        }
    }

    /// The harshest thing that happens to a session that is up.
    #[must_use]
    pub fn effect(&self) -> Option<Effect> {
        self.fields.iter().map(|change| change.effect).max()
    }
}

impl fmt::Display for Consequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fields.is_empty() {
            true => write!(f, "{} {}", self.object, self.text),
            false => write!(f, "{}: {}", self.object, self.text),
        }
    }
}

/// The first prefixes, and how many more there are.
pub(super) fn list(prefixes: &[IpNet]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<_> = prefixes.iter().take(SHOWN).map(IpNet::to_string).collect();
    let shown = shown.join(", ");
    match prefixes.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
