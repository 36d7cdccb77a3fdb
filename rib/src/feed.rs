//! Telling everything: at the beginning of a session, and when the peer asks for a refresh.
//!
//! A feed is nothing but all destinations marked dirty. It is over once every shard was seen without a mark; what
//! was marked meanwhile was new, and told as such. Then the marker goes out: End-of-RIB (RFC 4724 §2), or the
//! End-of-RIB demarcation of a refresh (RFC 7313 §4), or nothing for a plain refresh.

use bgp_wire::{Family, RefreshSubtype, encode_end_of_rib, encode_route_refresh};
use bytes::BytesMut;

/// A feed of one family to one group.
#[derive(Clone)]
pub(crate) struct Feed {
    /// A bit for each shard that was not seen empty yet.
    shards: u32,
    end_of_rib: bool,
    end_of_refresh: bool,
}

impl Feed {
    fn new(shards: usize) -> Self {
        Self {
            shards: ((1u64 << shards) - 1) as u32,
            end_of_rib: false,
            end_of_refresh: false,
        }
    }

    /// At the beginning of a session: End-of-RIB at the end, even when there is nothing to tell.
    pub(crate) fn initial(shards: usize) -> Self {
        Self {
            end_of_rib: true,
            ..Self::new(shards)
        }
    }

    /// Everything again, on top of what still runs.
    pub(crate) fn refresh(shards: usize, running: Option<Self>, demarcated: bool) -> Self {
        let before = running.unwrap_or_else(|| Self::new(0));
        Self {
            end_of_rib: before.end_of_rib,
            end_of_refresh: before.end_of_refresh || demarcated,
            ..Self::new(shards)
        }
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
        if self.end_of_rib {
            encode_end_of_rib(out, family);
        }
        if self.end_of_refresh {
            encode_route_refresh(out, family, RefreshSubtype::End);
        }
        u32::from(self.end_of_rib) + u32::from(self.end_of_refresh)
    }

    /// Writes what says that a refresh begins.
    pub(crate) fn write_begin(out: &mut BytesMut, family: Family) {
        encode_route_refresh(out, family, RefreshSubtype::Begin);
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
    fn a_refresh_during_the_first_feed_ends_with_both_markers() {
        let feed = Feed::refresh(2, Some(Feed::initial(2)), true);
        let mut out = BytesMut::new();
        assert_eq!(feed.write_end(&mut out, Family::IPV6_UNICAST), 2);
        assert!(out.len() > 19 + 23);
        assert_eq!(
            Feed::refresh(2, None, false).write_end(&mut BytesMut::new(), Family::IPV4_UNICAST),
            0
        );
    }
}
