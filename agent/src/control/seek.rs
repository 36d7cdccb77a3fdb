//! PURE: the destinations that cover an address, of each route distinguisher the longest.
//!
//! Where there are route distinguishers there is no table to look an address up in: each is a VPN of its own, and
//! any number of them has prefixes that cover it. They are found by a walk through all, a page at a time.

use std::collections::HashMap;
use std::collections::VecDeque;

use bgp_wire::RouteDistinguisher;
use rib::RouteKey;

use super::routes::{RouteRow, Rows};

/// The longest seen so far of one route distinguisher. In EVPN there may be several: hosts of one address, and prefixes
/// in several broadcast domains.
#[derive(Default)]
struct Longest {
    length: u8,
    keys: Vec<RouteKey>,
}

impl Longest {
    fn take(&mut self, key: RouteKey) {
        let length = key.net().map_or(0, |net| net.prefix_len());
        if length > self.length {
            self.length = length;
            self.keys.clear();
        }
        if length == self.length {
            self.keys.push(key);
        }
    }
}

/// Of destinations that cover an address those that do so longest, of each route distinguisher. They come at the end.
pub(super) fn longest(mut all: Rows<RouteKey>) -> Rows<RouteKey> {
    let mut seen: Option<HashMap<Option<RouteDistinguisher>, Longest>> = Some(HashMap::new());
    Box::new(move |budget| {
        let Some(keys) = all(budget) else {
            let seen = seen.take()?;
            let mut keys: Vec<_> = seen.into_values().flat_map(|one| one.keys).collect();
            keys.sort_unstable();
            return Some(keys);
        };
        if let Some(seen) = &mut seen {
            for key in keys {
                seen.entry(key.rd()).or_default().take(key);
            }
        }
        Some(Vec::new())
    })
}

/// The first walk, and if it finds nothing, the other.
pub(super) fn or_else(
    mut first: Rows<RouteKey>,
    other: impl FnOnce() -> Rows<RouteKey> + Send + 'static,
) -> Rows<RouteKey> {
    let mut other = Some(other);
    Box::new(move |budget| {
        if let Some(keys) = first(budget) {
            if !keys.is_empty() {
                other = None;
            }
            return Some(keys);
        }
        first = other.take()?();
        first(budget)
    })
}

/// The rows of destinations that have to be found first, in the order in which they are.
pub(super) fn rows_of(
    mut keys: Rows<RouteKey>,
    rows: impl Fn(RouteKey, usize) -> Vec<RouteRow> + Send + 'static,
) -> Rows<RouteRow> {
    let mut found = VecDeque::new();
    Box::new(move |budget| {
        if found.is_empty() {
            found.extend(keys(budget)?);
            return Some(Vec::new());
        }
        let mut page = Vec::new();
        for key in found.drain(..found.len().min(budget)) {
            page.extend(rows(key, budget));
        }
        Some(page)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(keys: &[&str]) -> Rows<RouteKey> {
        let mut keys: VecDeque<RouteKey> = keys.iter().map(|text| text.parse().unwrap()).collect();
        Box::new(move |budget| {
            let n = keys.len().min(budget);
            (n > 0).then(|| keys.drain(..n).collect())
        })
    }

    #[test]
    fn the_longest_of_each_route_distinguisher_is_found_however_the_pages_fall() {
        let all = [
            "65000:1:10.0.0.0/8",
            "65000:2:0.0.0.0/0",
            "65000:1:10.1.2.0/24",
            "65000:1:10.1.0.0/16",
            "[5]:[65000:3]:[0]:[8]:[10.0.0.0]",
            "[2]:[65000:3]:[0]:[48]:[02:00:00:00:00:01]:[32]:[10.1.2.3]",
            "[2]:[65000:3]:[0]:[48]:[02:00:00:00:00:02]:[32]:[10.1.2.3]",
        ];
        for budget in 1..=all.len() {
            let mut walk = longest(pages(&all));
            let found: Vec<String> = std::iter::from_fn(|| walk(budget))
                .flatten()
                .map(|key| key.to_string())
                .collect();
            assert_eq!(
                found,
                [
                    "65000:1:10.1.2.0/24",
                    "65000:2:0.0.0.0/0",
                    "[2]:[65000:3]:[0]:[48]:[02:00:00:00:00:01]:[32]:[10.1.2.3]",
                    "[2]:[65000:3]:[0]:[48]:[02:00:00:00:00:02]:[32]:[10.1.2.3]",
                ]
            );
        }
        assert_eq!(longest(pages(&[]))(9), Some(Vec::new()));
    }

    #[test]
    fn the_other_walk_is_taken_only_if_the_first_found_nothing() {
        let read = |mut walk: Rows<RouteKey>| -> Vec<String> {
            let keys = std::iter::from_fn(|| walk(1)).flatten();
            keys.map(|key| key.to_string()).collect()
        };
        let other = || pages(&["10.0.0.0/8"]);
        let first = pages(&["10.1.0.0/16", "10.1.2.0/24"]);
        assert_eq!(read(or_else(first, other)), ["10.1.0.0/16", "10.1.2.0/24"]);
        assert_eq!(read(or_else(pages(&[]), other)), ["10.0.0.0/8"]);
        assert_eq!(read(or_else(longest(pages(&[])), other)), ["10.0.0.0/8"]);
    }
}
