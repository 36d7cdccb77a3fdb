//! Prefixes for tests: each party announces from a block of its own, so that a route in a table says whose it is.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Who announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The agent.
    Node,
    /// The other router.
    Tor,
}

/// `count` prefixes of a party: /64 in `2001:db8:100::/40` or `2001:db8:200::/40`, /24 in `100.0.0.0/8` or `110.0.0.0/8`.
#[must_use]
pub fn prefixes(party: Party, v6: bool, count: u16) -> Vec<String> {
    (0..count)
        .map(|n| {
            if v6 {
                let block = if party == Party::Node { 0x100 } else { 0x200 };
                format!("{}/64", Ipv6Addr::new(0x2001, 0xdb8, block, n, 0, 0, 0, 0))
            } else {
                let block = if party == Party::Node { 100 } else { 110 };
                let [high, low] = n.to_be_bytes();
                format!("{}/24", Ipv4Addr::new(block, high, low, 0))
            }
        })
        .collect()
}

/// Whether a printed prefix is one of a party's.
#[must_use]
pub fn is_of(party: Party, prefix: &str) -> bool {
    let blocks = match party {
        Party::Node => ["2001:db8:100:", "100."],
        Party::Tor => ["2001:db8:200:", "110."],
    };
    blocks.iter().any(|block| prefix.starts_with(block))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_distinct_and_of_their_party_alone() {
        for v6 in [true, false] {
            for (party, other) in [(Party::Node, Party::Tor), (Party::Tor, Party::Node)] {
                let all = prefixes(party, v6, 1000);
                let set: std::collections::BTreeSet<_> = all.iter().collect();
                assert_eq!(set.len(), 1000);
                assert!(
                    all.iter().all(|p| is_of(party, p) && !is_of(other, p)),
                    "{all:?}"
                );
            }
        }
    }
}
