//! Which of several objects has a neighbour that more than one of them could have.
//!
//! A neighbour that is configured by its address is that session's; of dynamic neighbours, those with the longest prefix have it. Two
//! objects with the same prefix cannot both be served, and the listener asks for a signature everywhere within a prefix that it asks it
//! of (see [`unfit`]). As in `build.rs`, what runs already stays, then what ran before a restart, then what is older.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use crds::BGPPeerSpec;
use ipnet::{IpNet, Ipv6Net};

use super::authentication::Authentication;
use super::build::{Findings, WHO_HAS_IT, neighbour};
use super::dynamic::DynamicNeighbors;
use super::in_effect::{InEffect, Neighbor};
use super::objects::{Kind, Object, ObjectKey, Objects};
use super::problem::{Problem, Reason, Severity};
use super::secrets::protected_by;
use super::types::{Desired, Peer, PeerKey};

/// Where neighbours are that are known by their interface (RFC 4291 §2.4).
const LINK_LOCAL: IpNet = IpNet::V6(Ipv6Net::new_assert(
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0),
    10,
));

/// Puts those of `ranges` into `desired` that can be served beside its peers and each other, and says in each what of it is not its
/// own.
pub(super) fn judge(
    ranges: BTreeMap<PeerKey, DynamicNeighbors>,
    (objects, running): (&Objects, &InEffect),
    desired: &mut Desired,
    problems: &mut Vec<Problem>,
) {
    let newness = |range: &DynamicNeighbors| match running.before().dynamic.get(&range.key) {
        Some(before) if before.prefixes != range.prefixes => 2,
        Some(before) if before.authentication() != range.authentication() => 1,
        Some(_) => 0,
        None => 2,
    };
    let mut ranges: Vec<_> = ranges.into_values().collect();
    ranges.sort_by_key(|range| {
        let seniority = running.seniority(&range.key, &Neighbor::within(range), objects);
        (newness(range), seniority)
    });
    for range in ranges {
        refuse_unfit(&range, (objects, running), desired, problems);
        let Some(clash) = clash(&range, desired) else {
            desired.dynamic.insert(range.key.clone(), range);
            continue;
        };
        refuse(&range, clash, objects, problems);
        if let Some(before) = running.neighbors(&range.key, desired)
            && self::clash(&before, desired).is_none()
        {
            desired.dynamic.insert(before.key.clone(), before);
        }
    }
    let reserved = reserved(objects, problems);
    let others: Vec<_> = desired
        .dynamic
        .values()
        .map(|range| (range.key.clone(), others(range, desired, &reserved)))
        .collect();
    for (key, others) in others {
        tell_of_longer(&key, &others, problems);
        if let Some(range) = desired.dynamic.get_mut(&key) {
            range.others = others.into_iter().map(|(net, _)| net).collect();
        }
    }
}

/// Why dynamic neighbours cannot be served beside what is there.
enum Clash {
    /// A prefix is another one's too, and nothing tells their connections apart.
    Prefix(IpNet, PeerKey),
    /// A signature would be asked of neighbours that have none, or another one: why, and what would help.
    Signature(String, &'static str),
}

/// What keeps neighbours within a prefix that is signed as `wide` from being signed as `narrow`, and what would help.
///
/// Linux looks keys up by address. Of TCP-MD5 keys that of the longest prefix counts, and no address within can do without one
/// (`tcp_md5_do_lookup`). Of TCP-AO keys all count whose prefix has the address; they are told apart by their IDs
/// (`tcp_ao_key_cmp`). An address has keys of one kind.
fn unfit(
    wide: Option<&Authentication>,
    narrow: Option<&Authentication>,
) -> Option<(&'static str, &'static str)> {
    match (wide?, narrow) {
        (Authentication::Md5(_), Some(Authentication::Md5(_))) => None,
        (Authentication::Md5(_), _) => Some((
            "the listener asks for the password of the prefix there",
            "give both one",
        )),
        (Authentication::Ao(wide), Some(Authentication::Ao(narrow))) => {
            wide.overlap(narrow).then_some((
                "keys of both have an ID in common, and the listener knows keys by their IDs there",
                "give each key its own IDs",
            ))
        }
        (Authentication::Ao(_), _) => Some((
            "the listener asks for the TCP-AO keys of the prefix there",
            "give both keys, each key with its own IDs",
        )),
    }
}

/// The same for a peer, if its address is in a prefix of `range`.
fn unfit_peer(range: &DynamicNeighbors, peer: &Peer) -> Option<(&'static str, &'static str)> {
    let mut prefixes = range.prefixes.iter();
    let place = place(peer);
    let prefix = prefixes.find(|prefix| prefix.contains(&place))?;
    let (wide, narrow) = (range.authentication(), peer.authentication.as_ref());
    match *prefix == place {
        // There is nothing between them to tell them apart.
        true => (wide != narrow).then_some(ONE_PREFIX),
        false => unfit(wide, narrow),
    }
}

const ONE_PREFIX: (&str, &str) = (
    "the listener has one password, or one set of keys, for it",
    "give both the same",
);

fn clash(range: &DynamicNeighbors, desired: &Desired) -> Option<Clash> {
    let beside = |other: &&DynamicNeighbors| {
        other.key != range.key && one_port(&range.key, &other.key, desired)
    };
    for other in desired.dynamic.values().filter(beside) {
        for (ours, theirs) in overlaps(range, other) {
            if ours == theirs && !told_apart(range, other, ours) {
                return Some(Clash::Prefix(ours, other.key.clone()));
            }
            let (ours_signed, theirs_signed) = (range.authentication(), other.authentication());
            if ours == theirs && ours_signed != theirs_signed {
                let (why, help) = ONE_PREFIX;
                let why = format!(
                    "{ours} is a prefix of {} too, signed in another way, and {why}",
                    other.key
                );
                return Some(Clash::Signature(why, help));
            }
            let (wider, unfit) = match ours.prefix_len() < theirs.prefix_len() {
                true => (ours, unfit(ours_signed, theirs_signed)),
                false => (theirs, unfit(theirs_signed, ours_signed)),
            };
            if let Some((why, help)) = unfit.filter(|_| ours != theirs) {
                let why = format!(
                    "{ours} and {theirs} of {} overlap; {wider} is the shorter one, and {why}",
                    other.key
                );
                return Some(Clash::Signature(why, help));
            }
        }
    }
    let (peer, (why, help)) = unfit_peers(range, desired).next()?;
    let why = format!(
        "{} is the neighbour of {}, and {why}",
        peer.whereabouts(),
        peer.key
    );
    Some(Clash::Signature(why, help))
}

/// The configured peers that the listener would ask for another signature than theirs because of `range`, with the reason and what
/// would help.
fn unfit_peers<'a>(
    range: &'a DynamicNeighbors,
    desired: &'a Desired,
) -> impl Iterator<Item = (&'a Peer, (&'static str, &'static str))> {
    let peers = desired.peers.values();
    let peers = peers.filter(|peer| one_port(&range.key, &peer.key, desired));
    peers.filter_map(|peer| Some((&**peer, unfit_peer(range, peer)?)))
}

/// Refuses peers that are new, and not signed as the prefixes that they are in are and were before.
fn refuse_unfit(
    range: &DynamicNeighbors,
    (objects, running): (&Objects, &InEffect),
    desired: &mut Desired,
    problems: &mut Vec<Problem>,
) {
    let Some(ran) = running.before().dynamic.get(&range.key) else {
        return;
    };
    let before = &running.before().peers;
    let runs = |peer: &Peer| {
        let before = before.get(&peer.key);
        before.is_some_and(|before| {
            let place = (neighbour(before), &before.authentication);
            place == (neighbour(peer), &peer.authentication)
        })
    };
    let new = unfit_peers(range, desired)
        .filter(|(peer, _)| unfit_peer(ran, peer).is_some() && !runs(peer));
    let new: Vec<_> = new
        .map(|(peer, unfit)| (peer.key.clone(), peer.whereabouts(), unfit))
        .collect();
    for (key, who, (why, help)) in new {
        desired.peers.remove(&key);
        let object = object_of(&key);
        let message = format!(
            "{who} lies within the prefixes of {}, and {why}; {help}, or its router another listenPort",
            range.key
        );
        let (field, reason) = signed_by(objects, &object, range.authentication());
        Findings::new(&object, problems)
            .on(&key.router)
            .reject(field, reason, message);
        let fits = |peer: &Peer| unfit_peer(range, peer).is_none();
        if let Some(before) = running.peer(&key, desired).filter(|peer| fits(peer))
            && !desired
                .peers
                .values()
                .any(|peer| neighbour(peer) == neighbour(&before))
        {
            desired.peers.insert(key, before);
        }
    }
}

fn refuse(range: &DynamicNeighbors, clash: Clash, objects: &Objects, problems: &mut Vec<Problem>) {
    let object = object_of(&range.key);
    let (field, reason, message) = match clash {
        Clash::Prefix(prefix, other) => {
            let message = format!(
                "{prefix} is of {other} already; remove it from one, or give the objects different localAddress or their routers \
                 different listenPort ({WHO_HAS_IT})"
            );
            let field = "spec.dynamicNeighbors.prefixes";
            (field, Reason::DuplicateRemote, message)
        }
        Clash::Signature(why, help) => {
            let message = format!("{why}; {help}, or their routers different listenPort");
            let (field, reason) = signed_by(objects, &object, range.authentication());
            (field, reason, message)
        }
    };
    Findings::new(&object, problems)
        .on(&range.key.router)
        .reject(field, reason, message);
}

/// The addresses of peers that are to be signed and are refused, as their password is not there for instance. By a prefix they would be let
/// in unsigned, or signed in another way.
fn reserved(objects: &Objects, problems: &[Problem]) -> Vec<IpAddr> {
    let refused = |object: &ObjectKey| {
        let mut own = problems.iter().filter(|problem| problem.object == *object);
        own.any(|problem| problem.severity == Severity::Rejected)
    };
    let peers = objects.peers();
    let signed = peers.filter(|(object, peer)| is_signed(&peer.spec) && refused(object));
    let addresses = signed.filter_map(|(_, peer)| peer.spec.address.as_ref()?.parse().ok());
    addresses.collect()
}

/// What within the prefixes of `range` is somebody else's, and whose it is if that is an object with dynamic neighbours.
fn others(
    range: &DynamicNeighbors,
    desired: &Desired,
    reserved: &[IpAddr],
) -> Vec<(IpNet, Option<PeerKey>)> {
    let peers = desired.peers.values().filter(|peer| {
        // Whoever is on a link is no neighbour of these in any case.
        peer.interface.is_none()
            && has(range, peer.address)
            && one_port(&range.key, &peer.key, desired)
            && !differ(range.local_address(peer.address.into()), peer.local_address)
    });
    let reserved = reserved.iter().filter(|address| has(range, **address));
    let addresses = peers.map(|peer| peer.address).chain(reserved.copied());
    let mut others: Vec<_> = addresses.map(|address| (address.into(), None)).collect();
    let beside = |other: &&DynamicNeighbors| {
        other.key != range.key && one_port(&range.key, &other.key, desired)
    };
    for other in desired.dynamic.values().filter(beside) {
        let longer = overlaps(range, other)
            .filter(|(ours, theirs)| ours.prefix_len() < theirs.prefix_len())
            .filter(|(ours, _)| !told_apart(range, other, *ours));
        others.extend(longer.map(|(_, theirs)| (theirs, Some(other.key.clone()))));
    }
    others.sort();
    others.dedup_by(|a, b| a.0 == b.0);
    others
}

fn tell_of_longer(key: &PeerKey, others: &[(IpNet, Option<PeerKey>)], problems: &mut Vec<Problem>) {
    let object = object_of(key);
    for (net, whose) in others {
        if let Some(whose) = whose {
            let message =
                format!("neighbours in {net} are those of {whose}, whose prefix is the longer one");
            let field = "spec.dynamicNeighbors.prefixes";
            Findings::new(&object, problems).on(&key.router).warn(
                field,
                Reason::DuplicateRemote,
                message,
            );
        }
    }
}

/// Pairs of prefixes of which one lies within the other.
fn overlaps<'a>(
    range: &'a DynamicNeighbors,
    other: &'a DynamicNeighbors,
) -> impl Iterator<Item = (IpNet, IpNet)> + 'a {
    range.prefixes.iter().flat_map(move |ours| {
        let theirs = other.prefixes.iter();
        let meet = move |theirs: &&IpNet| ours.contains(*theirs) || theirs.contains(ours);
        theirs.filter(meet).map(move |theirs| (*ours, *theirs))
    })
}

fn has(range: &DynamicNeighbors, address: IpAddr) -> bool {
    range
        .prefixes
        .iter()
        .any(|prefix| prefix.contains(&address))
}

/// Where a peer is, as the kernel looks its keys up.
fn place(peer: &Peer) -> IpNet {
    match peer.interface {
        None => peer.address.into(),
        Some(_) => LINK_LOCAL,
    }
}

/// Whether connections from `prefix` are of the one or the other by where they go.
fn told_apart(range: &DynamicNeighbors, other: &DynamicNeighbors, prefix: IpNet) -> bool {
    differ(range.local_address(prefix), other.local_address(prefix))
}

fn differ(ours: Option<IpAddr>, theirs: Option<IpAddr>) -> bool {
    matches!((ours, theirs), (Some(ours), Some(theirs)) if ours != theirs)
}

/// Whether both are connected to at the same port.
fn one_port(key: &PeerKey, other: &PeerKey, desired: &Desired) -> bool {
    let port = |key: &PeerKey| desired.routers.get(&key.router)?.listen_port;
    port(key).is_some() && port(key) == port(other)
}

fn object_of(key: &PeerKey) -> ObjectKey {
    ObjectKey {
        kind: Kind::BgpPeer,
        namespace: key.router.namespace().to_owned(),
        name: key.name().to_owned(),
    }
}

fn is_signed(spec: &BGPPeerSpec) -> bool {
    spec.tcp_ao.is_some() || spec.auth_secret_ref.is_some() || spec.authentication.is_some()
}

/// Where the object says how it is signed, or should, to be signed as `wanted`; and the reason of what is wrong with it.
fn signed_by(
    objects: &Objects,
    object: &ObjectKey,
    wanted: Option<&Authentication>,
) -> (&'static str, Reason) {
    let spec = match objects.get(object) {
        Some(Object::Peer(peer)) => Some(&peer.spec),
        _ => None,
    };
    match (spec.filter(|spec| is_signed(spec)), wanted) {
        (Some(spec), _) => protected_by(spec),
        (None, Some(Authentication::Ao(_))) => ("spec.tcpAO", Reason::InvalidKey),
        (None, _) => ("spec.authSecretRef.name", Reason::InvalidPassword),
    }
}
