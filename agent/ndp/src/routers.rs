//! Who was heard on the link, and which of them is the neighbour.
//!
//! A link that sessions are configured on by its name is one between two routers, so whoever is heard first is the neighbour. It stays
//! that while it speaks, or while there is a session with it, so that a third one on the link changes nothing. Another one takes its
//! place:
//!
//! - at once, when it has the same link-layer address and is heard for the first time: that is the same router, which has another
//!   address now (RFC 4861 §6.2.8 asks routers not to change it often, not never);
//! - when it is heard while the neighbour has been silent for [`SILENCE`] and there is no session with it.

use std::net::Ipv6Addr;
use std::time::{Duration, Instant};

use crate::message::LinkAddress;
use crate::schedule::MAX_INTERVAL;

/// Three advertisements of a router that sends them as often as we do (RFC 4861 §6.2.1 has a lifetime of three intervals, too).
const SILENCE: Duration = MAX_INTERVAL.saturating_mul(3);

/// RFC 4861 §6.2.1 has routers speak at least this often, so that whoever was not heard for longer is gone.
const FORGOTTEN: Duration = Duration::from_secs(1800);

/// As many as are remembered: what strangers say must not cost memory without end.
const MOST: usize = 8;

#[derive(Debug)]
struct Router {
    address: Ipv6Addr,
    link_address: Option<LinkAddress>,
    heard: Instant,
}

/// See the top of this file.
#[derive(Debug, Default)]
pub(crate) struct Routers {
    /// The neighbour, then the others, the one that was heard last first.
    known: Vec<Router>,
}

impl Routers {
    /// One of them speaks. `in_use` says that there is a session with the neighbour.
    pub(crate) fn heard(
        &mut self,
        address: Ipv6Addr,
        link_address: Option<LinkAddress>,
        in_use: bool,
        now: Instant,
    ) {
        let at = self.known.iter().position(|known| known.address == address);
        let speaks = Router {
            address,
            link_address,
            heard: now,
        };
        let neighbour = self.known.first();
        let moved = at.is_none()
            && link_address.is_some()
            && neighbour.is_some_and(|neighbour| neighbour.link_address == link_address);
        let silent = neighbour.is_some_and(|neighbour| {
            !in_use && now.saturating_duration_since(neighbour.heard) >= SILENCE
        });
        if let Some(at) = at {
            self.known.remove(at);
        }
        let first = at == Some(0) || self.known.is_empty() || moved || silent;
        self.known.insert(if first { 0 } else { 1 }, speaks);
        self.known.truncate(MOST);
        let is_there = |router: &Router| now.saturating_duration_since(router.heard) < FORGOTTEN;
        let mut place = 0..;
        self.known
            .retain(|router| place.next() == Some(0) || is_there(router));
    }

    /// The neighbour.
    pub(crate) fn neighbour(&self) -> Option<Ipv6Addr> {
        self.known.first().map(|router| router.address)
    }

    /// Other routers than it.
    pub(crate) fn others(&self) -> impl Iterator<Item = Ipv6Addr> {
        let ours = self.known.first().and_then(|router| router.link_address);
        // An address that the neighbour had before.
        let same = move |router: &&Router| ours.is_some() && router.link_address == ours;
        let others = self.known.iter().skip(1);
        others
            .filter(move |router| !same(router))
            .map(|router| router.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u16) -> Ipv6Addr {
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, n)
    }

    fn mac(n: u8) -> Option<LinkAddress> {
        Some([2, 0, 0, 0, 0, n])
    }

    fn others(routers: &Routers) -> Vec<Ipv6Addr> {
        routers.others().collect()
    }

    #[test]
    fn the_first_one_stays_the_neighbour_while_it_speaks_or_is_in_use() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let mut routers = Routers::default();
        assert_eq!(routers.neighbour(), None);
        routers.heard(address(1), mac(1), false, at(0));
        for secs in 1..29 {
            routers.heard(address(2), mac(2), false, at(secs));
            assert_eq!(routers.neighbour(), Some(address(1)), "{secs}");
        }
        assert_eq!(others(&routers), [address(2)]);
        // Silent for long, and a session lives.
        routers.heard(address(2), mac(2), true, at(300));
        assert_eq!(routers.neighbour(), Some(address(1)));
        // The session is over.
        routers.heard(address(2), mac(2), false, at(301));
        assert_eq!(routers.neighbour(), Some(address(2)));
        assert_eq!(others(&routers), [address(1)]);
        // Back, and no reason to change again.
        routers.heard(address(1), mac(1), false, at(302));
        assert_eq!(routers.neighbour(), Some(address(2)));
        routers.heard(address(2), mac(2), false, at(2200));
        assert_eq!(
            others(&routers),
            [] as [Ipv6Addr; 0],
            "gone for half an hour"
        );
    }

    #[test]
    fn a_router_with_another_address_is_the_same_router() {
        let now = Instant::now();
        let mut routers = Routers::default();
        routers.heard(address(1), mac(1), true, now);
        routers.heard(address(2), mac(1), true, now);
        assert_eq!(routers.neighbour(), Some(address(2)));
        assert_eq!(others(&routers), [] as [Ipv6Addr; 0]);
        // One that speaks from two addresses does not have them change places without end.
        routers.heard(address(1), mac(1), true, now);
        assert_eq!(routers.neighbour(), Some(address(2)));
        // Two that do not say who they are may be two.
        let mut routers = Routers::default();
        routers.heard(address(1), None, false, now);
        routers.heard(address(2), None, false, now);
        assert_eq!(routers.neighbour(), Some(address(1)));
    }

    #[test]
    fn a_crowd_costs_eight_places_and_does_not_move_the_neighbour() {
        let now = Instant::now();
        let mut routers = Routers::default();
        for n in 1..1000 {
            routers.heard(address(n), None, false, now);
            assert_eq!(routers.neighbour(), Some(address(1)));
            assert!(routers.known.len() <= MOST);
        }
        assert_eq!(others(&routers)[0], address(999));
    }
}
