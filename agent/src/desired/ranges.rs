//! Which of several objects has a neighbour that more than one of them could have.
//!
//! A neighbour that is configured by its address is that session's; of dynamic neighbours, those with the longest prefix have it. Two
//! objects with the same prefix cannot both be served, and the listener can ask for a TCP-MD5 signature nowhere within a prefix that
//! it asks it of: a key that stands for more addresses is used wherever there is no other one (Linux, `tcp_md5_do_lookup`). As in
//! `build.rs`, what runs already stays.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::build::Findings;
use super::dynamic::DynamicNeighbors;
use super::in_effect::InEffect;
use super::objects::{Kind, Object, ObjectKey, Objects};
use super::problem::{Problem, Reason};
use super::types::{Desired, Peer, PeerKey};

/// Puts those of `ranges` into `desired` that can be served beside its peers and each other, and says in each what of it is not its
/// own.
pub(super) fn judge(
    ranges: BTreeMap<PeerKey, DynamicNeighbors>,
    (objects, running): (&Objects, &InEffect),
    desired: &mut Desired,
    problems: &mut Vec<Problem>,
) {
    let runs = |range: &DynamicNeighbors| {
        let before = running.before().dynamic.get(&range.key);
        before.is_some_and(|before| {
            before.prefixes == range.prefixes && before.password() == range.password()
        })
    };
    let mut ranges: Vec<_> = ranges.into_values().collect();
    ranges.sort_by_key(|range| !runs(range));
    for range in ranges {
        if runs(&range) {
            refuse_unsigned(&range, (objects, running), desired, problems);
        }
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
    let others: Vec<_> = desired
        .dynamic
        .values()
        .map(|range| (range.key.clone(), others(range, desired)))
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
    /// The password would be asked of neighbours that have none, or another one.
    Password(String),
}

fn clash(range: &DynamicNeighbors, desired: &Desired) -> Option<Clash> {
    let beside = |other: &&DynamicNeighbors| {
        other.key != range.key && one_port(&range.key, &other.key, desired)
    };
    for other in desired.dynamic.values().filter(beside) {
        for (ours, theirs) in overlaps(range, other) {
            if ours == theirs && !told_apart(range, other, ours) {
                return Some(Clash::Prefix(ours, other.key.clone()));
            }
            if ours == theirs && range.password() != other.password() {
                return Some(Clash::Password(format!(
                    "{ours} is a prefix of {} too, with another password",
                    other.key
                )));
            }
            let (wide, narrow) = match ours.prefix_len() < theirs.prefix_len() {
                true => (range, other),
                false => (other, range),
            };
            if wide.password().is_some() && narrow.password().is_none() {
                return Some(Clash::Password(format!(
                    "{ours} and {theirs} of {} overlap, and there is a password for the shorter one alone",
                    other.key
                )));
            }
        }
    }
    let unsigned = unsigned(range, desired).next()?;
    Some(Clash::Password(format!(
        "{} is the neighbour of {}, which has no password",
        unsigned.address, unsigned.key
    )))
}

/// The configured peers of which the listener would ask for the password of `range`, and that have none.
fn unsigned<'a>(
    range: &'a DynamicNeighbors,
    desired: &'a Desired,
) -> impl Iterator<Item = &'a Peer> {
    let asked = range.password().is_some();
    desired.peers.values().filter(move |peer| {
        asked
            && peer.password().is_none()
            && has(range, peer.address)
            && one_port(&range.key, &peer.key, desired)
    })
}

/// Refuses peers without a password that are new within prefixes that ran with one before.
fn refuse_unsigned(
    range: &DynamicNeighbors,
    (objects, running): (&Objects, &InEffect),
    desired: &mut Desired,
    problems: &mut Vec<Problem>,
) {
    let before = &running.before().peers;
    let runs = |peer: &Peer| {
        let before = before.get(&peer.key);
        before.is_some_and(|before| {
            (before.address, &before.authentication) == (peer.address, &peer.authentication)
        })
    };
    let new = unsigned(range, desired).filter(|peer| !runs(peer));
    let new: Vec<_> = new.map(|peer| (peer.key.clone(), peer.address)).collect();
    for (key, address) in new {
        desired.peers.remove(&key);
        let object = object_of(&key);
        let message = format!(
            "{address} lies within the prefixes of {}, and the listener asks for their password there; give this peer one too, \
             or its router another listenPort",
            range.key
        );
        Findings::new(&object, problems).on(&key.router).reject(
            password_field(objects, &object),
            Reason::InvalidPassword,
            message,
        );
        let fits = |peer: &Peer| peer.password().is_some() || !has(range, peer.address);
        if let Some(before) = running.peer(&key, desired).filter(fits)
            && !desired
                .peers
                .values()
                .any(|peer| peer.address == before.address)
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
                 different listenPort (an agent that runs leaves it to the one that it runs, one that starts to the first by \
                 name)"
            );
            let field = "spec.dynamicNeighbors.prefixes";
            (field, Reason::DuplicateRemote, message)
        }
        Clash::Password(why) => {
            let message = format!(
                "{why}, and the listener has one for all neighbours in a prefix; give both one, or their routers different \
                 listenPort"
            );
            let field = password_field(objects, &object);
            (field, Reason::InvalidPassword, message)
        }
    };
    Findings::new(&object, problems)
        .on(&range.key.router)
        .reject(field, reason, message);
}

/// What within the prefixes of `range` is somebody else's, and whose it is if that is an object with dynamic neighbours.
fn others(range: &DynamicNeighbors, desired: &Desired) -> Vec<(IpNet, Option<PeerKey>)> {
    let peers = desired.peers.values().filter(|peer| {
        has(range, peer.address)
            && one_port(&range.key, &peer.key, desired)
            && !differ(range.local_address(peer.address.into()), peer.local_address)
    });
    let mut others: Vec<_> = peers.map(|peer| (peer.address.into(), None)).collect();
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

/// Where the object says its password, or should.
fn password_field(objects: &Objects, object: &ObjectKey) -> &'static str {
    match objects.get(object) {
        Some(Object::Peer(peer)) if peer.spec.tcp_ao.is_some() => "spec.tcpAO",
        Some(Object::Peer(peer)) if peer.spec.authentication.is_some() => {
            "spec.authentication.password"
        }
        _ => "spec.authSecretRef.name",
    }
}
