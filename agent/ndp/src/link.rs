//! One link: what is said on it and what is heard.

use std::net::Ipv6Addr;
use std::time::Instant;

use crate::message::{
    ALL_NODES, ALL_ROUTERS, Advertisement, Arrival, Discard, LinkAddress, Message,
};
use crate::routers::Routers;
use crate::schedule::{Due, Schedule};

/// Who we are on the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// Our link-local address.
    pub address: Ipv6Addr,
    /// Our link-layer address, where the link is an Ethernet.
    pub link_address: Option<LinkAddress>,
}

/// A message to be sent, with [`HOP_LIMIT`](crate::HOP_LIMIT), from our own address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// To whom.
    pub to: Ipv6Addr,
    /// From the type of ICMPv6 on, with a checksum of zero.
    pub octets: Vec<u8>,
}

/// See the top of this file.
#[derive(Debug)]
pub struct Link {
    own: Own,
    schedule: Schedule,
    routers: Routers,
}

impl Link {
    /// A link that has just come up: nobody was heard, and we say at once that we are there. The seed determines the jitter.
    #[must_use]
    pub fn new(own: Own, seed: u64, now: Instant) -> Self {
        Self {
            own,
            schedule: Schedule::new(seed, now),
            routers: Routers::default(),
        }
    }

    /// The neighbour's address, once it was heard.
    #[must_use]
    pub fn neighbour(&self) -> Option<Ipv6Addr> {
        self.routers.neighbour()
    }

    /// Further routers, the one that was heard last first; a few at most.
    pub fn others(&self) -> impl Iterator<Item = Ipv6Addr> {
        self.routers.others()
    }

    /// A message of ICMPv6 came in on the link. `in_use` says that there is a session with the neighbour.
    ///
    /// # Errors
    /// Why it is discarded.
    pub fn handle_message(
        &mut self,
        octets: &[u8],
        arrival: &Arrival,
        in_use: bool,
        now: Instant,
    ) -> Result<(), Discard> {
        let message = Message::decode(octets, arrival)?;
        if arrival.source == self.own.address {
            return Err(Discard::Own);
        }
        match message {
            Message::Advertisement(said) => {
                self.schedule.heard();
                let who = (arrival.source, said.link_address);
                self.routers.heard(who.0, who.1, in_use, now);
            }
            Message::Solicitation { .. } => self.schedule.asked(now),
        }
        Ok(())
    }

    /// The next message that is to be sent now.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit> {
        let link_address = self.own.link_address;
        let (to, message) = match self.schedule.take(now)? {
            Due::Advertisement => {
                let advertisement = Advertisement {
                    link_address,
                    ..Advertisement::default()
                };
                (ALL_NODES, Message::Advertisement(advertisement))
            }
            Due::Solicitation => (ALL_ROUTERS, Message::Solicitation { link_address }),
        };
        Some(Transmit {
            to,
            octets: message.encode(),
        })
    }

    /// When there will be something to send.
    #[must_use]
    pub fn poll_timeout(&self) -> Instant {
        self.schedule.due()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn own(n: u8) -> Own {
        Own {
            address: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, n.into()),
            link_address: Some([2, 0, 0, 0, 0, n]),
        }
    }

    fn from(own: Own) -> Arrival {
        Arrival {
            source: own.address,
            hop_limit: 255,
        }
    }

    fn said(link: &mut Link, now: Instant) -> Vec<Transmit> {
        std::iter::from_fn(|| link.poll_transmit(now)).collect()
    }

    /// RFC 4861 §4.1, §4.2, §6.2.3.
    #[test]
    fn what_is_said_first_asks_and_advertises_and_changes_nothing_for_hosts() {
        let now = Instant::now();
        let mut link = Link::new(own(1), 1, now);
        let advertisement = Transmit {
            to: "ff02::1".parse().unwrap(),
            octets: [
                &[134, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
                &[1, 1, 2, 0, 0, 0, 0, 1],
            ]
            .concat(),
        };
        let solicitation = Transmit {
            to: "ff02::2".parse().unwrap(),
            octets: [&[133, 0, 0, 0, 0, 0, 0, 0][..], &[1, 1, 2, 0, 0, 0, 0, 1]].concat(),
        };
        assert_eq!(said(&mut link, now), [advertisement, solicitation]);
        assert!(link.poll_timeout() > now);
    }

    #[test]
    fn two_routers_find_each_other_whoever_comes_first() {
        let start = Instant::now();
        for (seed, late) in (0..50).flat_map(|seed| [0, 1, 5, 60].map(|late| (seed, late))) {
            let mut now = start;
            let mut early = Link::new(own(1), seed, now);
            let begin = start + Duration::from_secs(late);
            while early.poll_timeout() < begin {
                now = early.poll_timeout();
                said(&mut early, now);
            }
            let mut second = Link::new(own(2), seed + 1, begin);
            now = begin;
            while early.neighbour().is_none() || second.neighbour().is_none() {
                for transmit in said(&mut early, now) {
                    second
                        .handle_message(&transmit.octets, &from(own(1)), false, now)
                        .unwrap();
                }
                for transmit in said(&mut second, now) {
                    early
                        .handle_message(&transmit.octets, &from(own(2)), false, now)
                        .unwrap();
                }
                if early.neighbour().is_none() || second.neighbour().is_none() {
                    now = early.poll_timeout().min(second.poll_timeout());
                }
            }
            assert_eq!(early.neighbour(), Some(own(2).address));
            assert_eq!(second.neighbour(), Some(own(1).address));
            // The second one's question is answered: three seconds after the last advertisement and half a second.
            assert!(
                now - begin <= Duration::from_millis(3500),
                "{:?}",
                now - begin
            );
        }
    }

    #[test]
    fn our_own_voice_is_nobody() {
        let now = Instant::now();
        let mut link = Link::new(own(1), 1, now);
        for transmit in said(&mut link, now) {
            let heard = link.handle_message(&transmit.octets, &from(own(1)), false, now);
            assert_eq!(heard, Err(Discard::Own));
        }
        assert_eq!(link.neighbour(), None);
    }
}
