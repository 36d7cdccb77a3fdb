//! Neighbours that are known by where they are: a BGPPeer with `dynamicNeighbors`, on each router of this node that it is bound to.
//!
//! Whoever connects from one of the prefixes has a session with the settings of the object. What several objects make of one
//! neighbour is judged in `ranges.rs`.

use std::net::IpAddr;

use crds::{BGPPeer, BGPPeerSpec, DynamicNeighborsSpec, bounds};
use ipnet::IpNet;

use super::authentication::Authentication;
use super::bounded::bounded;
use super::build::{Findings, Routers};
use super::objects::ObjectKey;
use super::peer::{self, Session};
use super::problem::Reason;
use super::types::{Peer, PeerKey, Router};

/// Sessions at a time unless the object says otherwise.
const LIMIT: u16 = 100;

/// The sessions of one BGPPeer with dynamic neighbours on one router.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DynamicNeighbors {
    /// Which BGPPeer on which router this is.
    pub key: PeerKey,
    /// Where neighbours connect from: without host bits, sorted, none within another.
    pub prefixes: Vec<IpNet>,
    /// What within these is not meant: neighbours that are configured by their address, and longer prefixes of other objects.
    pub others: Vec<IpNet>,
    /// The most sessions at a time.
    pub limit: u32,
    /// What a session is like: one for each address family of the prefixes. Its address stands for the neighbour's.
    pub sessions: Vec<Peer>,
}

impl DynamicNeighbors {
    /// Whether a neighbour with this address is meant.
    #[must_use]
    pub fn covers(&self, address: IpAddr) -> bool {
        let within = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
        is_neighbor(address) && within(&self.prefixes) && !within(&self.others)
    }

    /// The session with the neighbour that has this address.
    #[must_use]
    pub fn session(&self, address: IpAddr) -> Option<Peer> {
        let key = self.session_key(address);
        let peer = self.like(address)?.clone();
        Some(Peer {
            name: key.name().into(),
            key,
            address,
            ..peer
        })
    }

    /// What sessions of the address family of `address` are like.
    #[must_use]
    pub fn like(&self, address: IpAddr) -> Option<&Peer> {
        let mut sessions = self.sessions.iter();
        sessions.find(|peer| peer.address.is_ipv4() == address.is_ipv4())
    }

    /// The same with other sessions, if there is one for each.
    pub(super) fn with_sessions(&self, session: impl FnMut(&Peer) -> Option<Peer>) -> Option<Self> {
        let sessions: Option<_> = self.sessions.iter().map(session).collect();
        Some(Self {
            sessions: sessions?,
            ..self.clone()
        })
    }

    /// The name of the session with the neighbour of this address: `leaves@192.0.2.1`. No object can have such a name.
    #[must_use]
    pub fn session_key(&self, address: IpAddr) -> PeerKey {
        PeerKey {
            peer: format!("{}@{address}", self.key.peer).into(),
            router: self.key.router.clone(),
        }
    }

    /// The reverse: whose session that is, if it is one of these.
    #[must_use]
    pub fn neighbor_of(&self, session: &PeerKey) -> Option<IpAddr> {
        let of = session.peer.strip_prefix(&*self.key.peer)?;
        let address = of.strip_prefix('@')?.parse().ok()?;
        (session.router == self.key.router && self.covers(address)).then_some(address)
    }

    /// How the segments of all sessions are signed.
    #[must_use]
    pub fn authentication(&self) -> Option<&Authentication> {
        self.sessions.first()?.authentication.as_ref()
    }

    /// The text for neighbours while the object is shut down.
    #[must_use]
    pub fn shutdown(&self) -> Option<&str> {
        self.sessions.first()?.shutdown.as_deref()
    }

    /// Our end of sessions with neighbours in `prefix`, where it is configured.
    #[must_use]
    pub fn local_address(&self, prefix: IpNet) -> Option<IpAddr> {
        self.like(prefix.addr())?.local_address
    }
}

/// Whether the address alone says which neighbour is meant.
fn is_neighbor(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    }
}

pub(super) fn build(
    key: &ObjectKey,
    object: &BGPPeer,
    wanted: &DynamicNeighborsSpec,
    routers: &Routers<'_>,
    findings: &mut Findings<'_>,
) -> Vec<DynamicNeighbors> {
    let spec = &object.spec;
    let chosen = peer::chosen(key, spec, routers, findings);
    if chosen.is_empty() {
        return Vec::new();
    }
    let prefixes = prefixes(wanted, findings);
    if spec.tcp_ao.is_some() && keyless(&prefixes, findings) {
        return Vec::new();
    }
    let field = "spec.dynamicNeighbors.limit";
    let limit = bounded(
        field,
        wanted.limit,
        LIMIT,
        bounds::DYNAMIC_NEIGHBORS,
        findings,
    );
    let stand_in = of_local_family(spec, &prefixes, findings);
    let session = peer::session(key, spec, stand_in, routers, findings);
    let (Some(session), Some(limit)) = (session, limit) else {
        return Vec::new();
    };
    let on_router = |router: &Router, findings: &mut Findings<'_>| {
        let sessions = sessions(key, spec, &session, &prefixes, router, findings)?;
        Some(DynamicNeighbors {
            key: PeerKey {
                peer: key.path().into(),
                router: router.key.clone(),
            },
            prefixes: prefixes.clone(),
            others: Vec::new(),
            limit: limit.into(),
            sessions,
        })
    };
    chosen
        .into_iter()
        .filter_map(|router| on_router(router, findings))
        .collect()
}

/// Whether one of the prefixes can have no keys, which is said.
///
/// Linux takes a key for a prefix whose address is unspecified for one of every address, and refuses it with another length than 0
/// (`tcp_ao_verify_ipv4` and `tcp_ao_verify_ipv6` of its tcp_ao.c).
fn keyless(prefixes: &[IpNet], findings: &mut Findings<'_>) -> bool {
    let all = prefixes.iter();
    let found = all
        .copied()
        .find(|prefix| prefix.network().is_unspecified() && prefix.prefix_len() > 0);
    if let Some(prefix) = found {
        let zero = prefix.network();
        let message = format!(
            "the kernel takes no TCP-AO key for {prefix}, as it begins with {zero}; use {zero}/0, or longer prefixes that begin \
             with another address"
        );
        findings.reject(
            "spec.dynamicNeighbors.prefixes",
            Reason::NotSupportedByKernel,
            message,
        );
    }
    found.is_some()
}

/// What the sessions on one router are like, in each address family.
fn sessions(
    key: &ObjectKey,
    spec: &BGPPeerSpec,
    session: &Session,
    prefixes: &[IpNet],
    router: &Router,
    findings: &mut Findings<'_>,
) -> Option<Vec<Peer>> {
    if router.listen_port.is_none() {
        let message = format!(
            "no session can ever come up: such neighbours connect to us, and spec.listenPort of BGPRouter {} is -1, which \
             listens for nobody; give the router a listenPort",
            router.key
        );
        findings
            .on(&router.key)
            .reject("spec.dynamicNeighbors", Reason::InvalidValue, message);
        return None;
    }
    let first = |ipv4| prefixes.iter().find(|p| p.addr().is_ipv4() == ipv4);
    [first(true), first(false)]
        .into_iter()
        .flatten()
        .map(|prefix| {
            let session = session.with(prefix.addr());
            let peer = peer::on_router(key, spec, &session, router, findings)?;
            Some(Peer {
                passive: true,
                ..peer
            })
        })
        .collect()
}

/// An address that stands for the neighbours' where the object is judged: one that our own can be the other end of, if there is one.
fn of_local_family(
    spec: &BGPPeerSpec,
    prefixes: &[IpNet],
    findings: &mut Findings<'_>,
) -> Option<IpAddr> {
    let local = spec.local_address.as_ref();
    let local = local.and_then(|text| text.parse::<IpAddr>().ok());
    let fits = |prefix: &IpNet| local.is_none_or(|l| l.is_ipv4() == prefix.addr().is_ipv4());
    let found = prefixes.iter().find(|prefix| fits(prefix));
    if let (Some(local), Some(_)) = (local, found)
        && let Some(other) = prefixes.iter().find(|prefix| !fits(prefix))
    {
        let message = format!(
            "{local} cannot be our end of sessions with neighbours in {other}; put prefixes of the other address family into a \
             BGPPeer of their own"
        );
        findings.reject("spec.localAddress", Reason::InvalidAddress, message);
    }
    found.or_else(|| prefixes.first()).map(IpNet::addr)
}

/// The prefixes that are given, sorted; what lies within another one is left out.
fn prefixes(wanted: &DynamicNeighborsSpec, findings: &mut Findings<'_>) -> Vec<IpNet> {
    let field = |index: usize| format!("spec.dynamicNeighbors.prefixes[{index}]");
    let mut given: Vec<(usize, IpNet)> = Vec::new();
    for (index, text) in wanted.prefixes.iter().enumerate() {
        match prefix(text) {
            Ok(prefix) => {
                if prefix != prefix.trunc() {
                    let message = format!(
                        "{text:?} has bits set behind its length, so neighbours in {} are meant; write it so, or correct the \
                         length",
                        prefix.trunc()
                    );
                    findings.warn(&field(index), Reason::InvalidPrefix, message);
                }
                given.push((index, prefix.trunc()));
            }
            Err(fault) => {
                let message = format!(
                    "{text:?} {fault}; give prefixes such as 192.0.2.0/24 or 2001:db8::/64"
                );
                findings.reject(&field(index), Reason::InvalidPrefix, message);
            }
        }
    }
    let mut kept = Vec::new();
    for (index, prefix) in &given {
        let outer = given
            .iter()
            .find(|(other, outer)| outer.contains(prefix) && (outer != prefix || other < index));
        match outer {
            Some((_, outer)) => {
                let message =
                    format!("{prefix} lies within {outer}, which is there already; remove it");
                findings.warn(&field(*index), Reason::NoEffect, message);
            }
            None => kept.push(*prefix),
        }
    }
    kept.sort();
    kept
}

fn prefix(text: &str) -> Result<IpNet, &'static str> {
    let prefix: IpNet = text.parse().map_err(|_| "is not a prefix")?;
    match prefix.trunc() {
        IpNet::V4(net) if net.addr().is_multicast() && net.prefix_len() >= 4 => {
            Err("has multicast addresses only, which are nobody's")
        }
        IpNet::V6(net) if net.addr().is_multicast() && net.prefix_len() >= 8 => {
            Err("has multicast addresses only, which are nobody's")
        }
        IpNet::V6(net) if net.addr().to_ipv4_mapped().is_some() && net.prefix_len() >= 96 => {
            Err("is IPv4 in IPv6 form; write it as IPv4")
        }
        IpNet::V6(net) if net.addr().is_unicast_link_local() && net.prefix_len() >= 10 => {
            Err("has link-local addresses only, which say nothing without their link")
        }
        _ => Ok(prefix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn neighbors(prefixes: &[&str], others: &[&str]) -> DynamicNeighbors {
        DynamicNeighbors {
            key: PeerKey {
                peer: "default/leaves".into(),
                router: super::super::types::RouterKey::new("default", "spine"),
            },
            prefixes: nets(prefixes),
            others: nets(others),
            limit: 1,
            sessions: Vec::new(),
        }
    }

    #[test]
    fn a_neighbour_is_covered_by_a_prefix_unless_it_is_somebody_elses() {
        let neighbors = neighbors(
            &["192.0.2.0/24", "2001:db8::/32", "::/0"],
            &["192.0.2.7/32", "192.0.2.128/25", "2001:db8:1::/48"],
        );
        for (address, covered) in [
            ("192.0.2.0", true),
            ("192.0.2.6", true),
            ("192.0.2.7", false),
            ("192.0.2.127", true),
            ("192.0.2.128", false),
            ("192.0.3.1", false),
            ("2001:db8::1", true),
            ("2001:db8:1::1", false),
            ("2001:db9::1", true),
            // Says nothing without its link.
            ("fe80::1", false),
        ] {
            assert_eq!(
                neighbors.covers(address.parse().unwrap()),
                covered,
                "{address}"
            );
        }
    }

    #[test]
    fn a_session_is_known_by_the_object_and_the_address() {
        let neighbors = neighbors(&["192.0.2.0/24", "2001:db8::/64"], &["192.0.2.7/32"]);
        for address in ["192.0.2.1", "2001:db8::1"] {
            let address: IpAddr = address.parse().unwrap();
            let key = neighbors.session_key(address);
            assert_eq!(key.name(), format!("leaves@{address}"));
            assert_eq!(neighbors.neighbor_of(&key), Some(address));
            let elsewhere = PeerKey {
                router: super::super::types::RouterKey::new("default", "other"),
                ..key
            };
            assert_eq!(neighbors.neighbor_of(&elsewhere), None);
        }
        for other in [
            "default/leaves",
            "default/leaves@",
            "default/leaves@192.0.2.7",
            "default/leaves@198.51.100.1",
            "default/leaves2@192.0.2.1",
            "default/leave@192.0.2.1",
        ] {
            let key = PeerKey {
                peer: other.into(),
                router: neighbors.key.router.clone(),
            };
            assert_eq!(neighbors.neighbor_of(&key), None, "{other}");
        }
    }
}
