//! Telling everything: at the beginning of a session, and when the peer asks for a refresh.
//!
//! A feed is nothing but all destinations marked dirty. It is over once every shard was seen without a mark; what
//! was marked meanwhile was new, and told as such. Then the marker goes out: End-of-RIB (RFC 4724 §2), or the
//! End-of-RIB demarcation of a refresh (RFC 7313 §4), or nothing for a plain refresh. A refresh that is asked for while a
//! feed runs comes after it.

use bgp_wire::{Family, RefreshSubtype, encode_end_of_rib, encode_route_refresh};
use bytes::BytesMut;

/// A feed of one family to one group.
#[derive(Clone)]
pub(crate) struct Feed {
    /// A bit for each shard that was not seen empty yet.
    shards: u32,
    end: Closing,
    /// A refresh was asked for meanwhile, and follows this feed.
    next: Option<Refresh>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Closing {
    EndOfRib,
    EndOfRefresh,
    Silent,
}

/// How a refresh is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refresh {
    /// RFC 2918: the routes, and nothing else.
    Plain,
    /// RFC 7313: between markers.
    Demarcated,
}

impl Feed {
    fn new(shards: usize, end: Closing) -> Self {
        Self {
            shards: ((1u64 << shards) - 1) as u32,
            end,
            next: None,
        }
    }

    /// At the beginning of a session: End-of-RIB at the end, even when there is nothing to tell.
    pub(crate) fn initial(shards: usize) -> Self {
        Self::new(shards, Closing::EndOfRib)
    }

    /// Everything again.
    pub(crate) fn refresh(shards: usize, how: Refresh) -> Self {
        let end = match how {
            Refresh::Plain => Closing::Silent,
            Refresh::Demarcated => Closing::EndOfRefresh,
        };
        Self::new(shards, end)
    }

    /// Has a refresh follow. However often it is asked for, it is one.
    pub(crate) fn ask_again(&mut self, how: Refresh) {
        self.next = Some(how);
    }

    /// What follows it.
    pub(crate) fn next(&self) -> Option<Refresh> {
        self.next
    }

    /// A shard has no mark.
    pub(crate) fn shard_is_empty(&mut self, shard: usize) {
        self.shards &= !(1 << shard);
    }

    /// Whether every shard was seen without a mark.
    pub(crate) fn is_over(&self) -> bool {
        self.shards == 0
    }

    /// Writes what says that it is over. Returns the number of messages.
    pub(crate) fn write_end(&self, out: &mut BytesMut, family: Family) -> u32 {
        match self.end {
            Closing::EndOfRib => encode_end_of_rib(out, family),
            Closing::EndOfRefresh => encode_route_refresh(out, family, RefreshSubtype::End),
            Closing::Silent => return 0,
        }
        1
    }

    /// Writes what says that it begins. Returns the number of messages.
    pub(crate) fn write_begin(&self, out: &mut BytesMut, family: Family) -> u32 {
        match self.end {
            Closing::EndOfRefresh => encode_route_refresh(out, family, RefreshSubtype::Begin),
            Closing::EndOfRib | Closing::Silent => return 0,
        }
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_over_when_every_shard_was_empty_once() {
        let mut feed = Feed::initial(4);
        for shard in [0, 3, 3, 1] {
            feed.shard_is_empty(shard);
            assert!(!feed.is_over());
        }
        feed.shard_is_empty(2);
        assert!(feed.is_over());
    }

    #[test]
    fn a_feed_says_how_it_begins_and_ends() {
        let words = |feed: &Feed| {
            let mut out = BytesMut::new();
            let begin = feed.write_begin(&mut out, Family::IPV6_UNICAST);
            (begin, feed.write_end(&mut out, Family::IPV6_UNICAST))
        };
        assert_eq!(words(&Feed::initial(2)), (0, 1));
        assert_eq!(words(&Feed::refresh(2, Refresh::Plain)), (0, 0));
        assert_eq!(words(&Feed::refresh(2, Refresh::Demarcated)), (1, 1));
    }
}
