//! What of the objects is in effect, remembered from build to build.
//!
//! Bad input takes nothing away that works: an object that is edited into something that cannot be carried out leaves
//! what runs of it as it was, while its status says what is wrong (ADR 0017). What is deleted goes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use k8s_openapi::jiff::Timestamp;

use super::dynamic::DynamicNeighbors;
use super::host::Host;
use super::objects::{Kind, Object, ObjectKey, Objects};
use super::policies::CompiledPolicies;
use super::problem::{Problem, Severity};
use std::sync::Arc;

use super::types::{Desired, Origination, OriginationKey, Peer, PeerKey, Router, RouterKey};

/// What this node runs, and of which form of each object that was made.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct InEffect {
    host: Host,
    desired: Desired,
    accepted: BTreeMap<ObjectKey, Arc<Object>>,
    policies: CompiledPolicies,
    /// What the process before this one served, until it is known what this one does.
    ran: Accepted,
}

/// The neighbours that are served, by whose they are: an address, an interface, or the prefixes of dynamic ones.
pub type Accepted = BTreeMap<PeerKey, Vec<Neighbor>>;

/// Whom a session is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Neighbor {
    /// Whoever has this address, or one of these.
    Net(IpNet),
    /// Whoever is on this interface.
    Interface(Arc<str>),
}

impl Neighbor {
    /// That of a configured session.
    pub(super) fn of(peer: &Peer) -> Self {
        match &peer.interface {
            Some(interface) => Self::Interface(Arc::clone(interface)),
            None => Self::Net(peer.address.into()),
        }
    }

    /// Those of dynamic ones.
    pub(super) fn within(range: &DynamicNeighbors) -> Vec<Self> {
        range.prefixes.iter().copied().map(Self::Net).collect()
    }
}

/// Before the name of an interface: no address begins with it.
const ON: char = '%';

impl fmt::Display for Neighbor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net(net) => net.fmt(f),
            Self::Interface(name) => write!(f, "{ON}{name}"),
        }
    }
}

impl FromStr for Neighbor {
    type Err = ipnet::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix(ON) {
            Some(name) => Ok(Self::Interface(name.into())),
            None => text.parse().map(Self::Net),
        }
    }
}

/// Who of several that ask for one neighbour has it, if this process serves none of them yet. The least comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Seniority {
    /// The process before this one did not serve it.
    is_new: bool,
    /// When the object was created (in a folder: first seen).
    created: Timestamp,
}

impl InEffect {
    /// Nothing yet, on this host.
    #[must_use]
    pub fn on(host: Host) -> Self {
        Self {
            host,
            ..Self::default()
        }
    }

    /// What the process before this one served.
    #[must_use]
    pub fn after(self, ran: Accepted) -> Self {
        Self { ran, ..self }
    }

    /// What the process before this one had in effect on `node`: it was made of `former`, as far as that is not deleted among the
    /// objects as they are `now`. What is secret is taken from those.
    #[must_use]
    pub fn resume(
        mut self,
        former: impl IntoIterator<Item = Arc<Object>>,
        now: &Objects,
        node: &str,
    ) -> Self {
        let mut objects = Objects::default();
        for object in former {
            if now.shared(&object.key()).is_some() {
                objects.apply(object);
            }
        }
        let keys = now.iter().map(|(key, _)| key);
        let secrets = keys.filter(|key| key.kind == Kind::Secret);
        for secret in secrets.filter_map(|key| now.shared(key)) {
            objects.apply(Arc::clone(secret));
        }
        let ran = self.ran.clone();
        self.build(&objects, node);
        Self { ran, ..self }
    }

    /// The objects of which what is in effect was made.
    pub fn objects(&self) -> impl Iterator<Item = (&ObjectKey, &Arc<Object>)> {
        self.accepted.iter()
    }

    /// The form of an object of which what is in effect was made.
    pub(super) fn form(&self, key: &ObjectKey) -> Option<&Object> {
        self.accepted.get(key).map(|object| &**object)
    }

    /// What was made of its policies.
    pub(super) fn policies(&self) -> &CompiledPolicies {
        &self.policies
    }

    /// What is served now.
    #[must_use]
    pub fn accepted(&self) -> Accepted {
        let peers = self.desired.peers.iter();
        let peers = peers.map(|(key, peer)| (key.clone(), vec![Neighbor::of(peer)]));
        let dynamic = self.desired.dynamic.iter();
        let dynamic = dynamic.map(|(key, range)| (key.clone(), Neighbor::within(range)));
        peers.chain(dynamic).collect()
    }

    /// See [`Seniority`].
    pub(super) fn seniority(
        &self,
        key: &PeerKey,
        neighbours: &[Neighbor],
        objects: &Objects,
    ) -> Seniority {
        let object = ObjectKey {
            kind: Kind::BgpPeer,
            namespace: key.router.namespace().to_owned(),
            name: key.name().to_owned(),
        };
        let created = objects
            .get(&object)
            .and_then(|object| object.meta().creation_timestamp.as_ref());
        Seniority {
            is_new: self.ran.get(key).is_none_or(|ran| ran != neighbours),
            created: created.map_or(Timestamp::MAX, |time| time.0),
        }
    }

    /// Where it is in effect.
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// From now on `desired` is in effect, which was made of `objects` over what was in effect before; their problems learn of
    /// which generation what stays of them is.
    pub(super) fn remember(
        &mut self,
        objects: &Objects,
        desired: &Desired,
        policies: CompiledPolicies,
        problems: &mut [Problem],
    ) {
        self.policies = policies;
        for problem in problems.iter_mut() {
            if problem.severity == Severity::Rejected && remains(problem, desired) {
                let accepted = self.accepted.get(&problem.object);
                problem.in_effect = accepted.map(|object| object.generation());
            }
        }
        let refused = |key: &ObjectKey| {
            problems
                .iter()
                .any(|p| p.object == *key && p.severity == Severity::Rejected)
        };
        let before = std::mem::take(&mut self.accepted);
        let keys = objects.iter().map(|(key, _)| key);
        let accepted = keys.filter_map(|key| {
            let object = match refused(key) {
                true => before.get(key),
                false => objects.shared(key),
            };
            Some((key.clone(), Arc::clone(object?)))
        });
        self.accepted = accepted.collect();
        self.desired = desired.clone();
        self.ran.clear();
    }

    /// What ran.
    #[must_use]
    pub fn before(&self) -> &Desired {
        &self.desired
    }

    /// What ran of the BGPPeer `path`.
    pub(super) fn peers(&self, path: &str) -> impl Iterator<Item = &PeerKey> {
        let keys = self.desired.peers.keys();
        keys.filter(move |key| *key.peer == *path)
    }

    /// The session that ran, as far as it fits the routers as they are now.
    pub(super) fn peer(&self, key: &PeerKey, now: &Desired) -> Option<Arc<Peer>> {
        fit(
            self.desired.peers.get(key)?,
            self.desired.routers.get(&key.router)?,
            now.routers.get(&key.router)?,
        )
        .map(Arc::new)
    }

    /// What ran of the dynamic neighbours of the BGPPeer `path`.
    pub(super) fn dynamic(&self, path: &str) -> impl Iterator<Item = &PeerKey> {
        let keys = self.desired.dynamic.keys();
        keys.filter(move |key| *key.peer == *path)
    }

    /// The dynamic neighbours that were accepted, as far as they fit the routers as they are now.
    pub(super) fn neighbors(&self, key: &PeerKey, now: &Desired) -> Option<DynamicNeighbors> {
        let neighbors = self.desired.dynamic.get(key)?;
        let (old, new) = (
            self.desired.routers.get(&key.router)?,
            now.routers.get(&key.router)?,
        );
        let sessions = neighbors.sessions.iter().map(|peer| fit(peer, old, new));
        Some(DynamicNeighbors {
            others: Vec::new(),
            sessions: sessions.collect::<Option<_>>()?,
            ..neighbors.clone()
        })
    }

    /// What was originated for the BGPAdvertisement `path`, as far as it fits the routers as they are now.
    pub(super) fn origination(
        &self,
        path: &str,
        now: &Desired,
    ) -> Option<(OriginationKey, Origination)> {
        let mut all = self.desired.originations.iter();
        let (key, origination) = all.find(|(key, _)| *key.advertisement == *path)?;
        let router = now.routers.get(&key.router)?;
        router
            .families
            .contains(&origination.family)
            .then(|| (key.clone(), origination.clone()))
    }
}

/// The session as far as it fits its router, which was `old` and is `new`.
fn fit(peer: &Peer, old: &Router, new: &Router) -> Option<Peer> {
    let mut peer = peer.clone();
    peer.families
        .retain(|config| new.families.contains(&config.family));
    // In another AS it would be another kind of session.
    (old.local_as == new.local_as && !peer.families.is_empty()).then_some(peer)
}

/// Whether something of the problem's object runs, where the problem is.
fn remains(problem: &Problem, desired: &Desired) -> bool {
    let path = problem.object.path();
    let here = |router: &RouterKey| problem.router.as_ref().is_none_or(|only| only == router);
    let router = RouterKey(path.as_str().into());
    match problem.object.kind {
        Kind::BgpRouter => desired.routers.contains_key(&router),
        Kind::BgpPeer => {
            let mut peers = desired.peers.keys().chain(desired.dynamic.keys());
            peers.any(|key| *key.peer == *path && here(&key.router))
        }
        Kind::BgpAdvertisement => {
            let mut all = desired.originations.keys();
            all.any(|key| *key.advertisement == *path && here(&key.router))
        }
        Kind::BgpPolicy => {
            let mut all = desired.policies.keys();
            all.any(|key| *key.policy == *path && here(&key.router))
        }
        _ => false,
    }
}
