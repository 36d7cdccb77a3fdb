//! PURE: destinations in order, however many there are, with room for some of them.
//!
//! Tables keep destinations by their hashes. So they are walked through again and again, and each time the first ones are picked out behind
//! those that have been given: what takes more time the more there are, but no more memory.

use rib::RouteKey;

use super::routes::Rows;

/// Destinations picked out in one walk. While it lasts there is room for twice as many: some 10 MB.
const PICKED: usize = 1 << 16;

/// The destinations in order that each walk finds which `begin` begins.
pub(super) fn in_order(begin: impl Fn() -> Rows<RouteKey> + Send + 'static) -> Rows<RouteKey> {
    pick(begin, PICKED)
}

fn pick(begin: impl Fn() -> Rows<RouteKey> + Send + 'static, picked: usize) -> Rows<RouteKey> {
    let mut walk = Some(begin());
    let mut pick = Pick::behind(None);
    Box::new(move |budget| match walk.as_mut()?(budget) {
        Some(keys) => {
            pick.take(keys, picked);
            Some(Vec::new())
        }
        None => {
            let (keys, more) = pick.end(picked);
            let last = keys.last().copied().filter(|_| more);
            walk = last.map(|_| begin());
            pick = Pick::behind(last);
            Some(keys)
        }
    })
}

/// The first destinations behind one.
struct Pick {
    behind: Option<RouteKey>,
    /// Those seen so far that may be among them.
    keys: Vec<RouteKey>,
    /// Some were seen that are not.
    more: bool,
    /// No later one is among them.
    bound: Option<RouteKey>,
}

impl Pick {
    fn behind(behind: Option<RouteKey>) -> Self {
        Self {
            behind,
            keys: Vec::new(),
            more: false,
            bound: None,
        }
    }

    fn take(&mut self, keys: Vec<RouteKey>, picked: usize) {
        for key in keys {
            if self.behind.is_some_and(|behind| key <= behind) {
                continue;
            }
            if self.bound.is_some_and(|bound| key > bound) {
                self.more = true;
                continue;
            }
            self.keys.push(key);
            if self.keys.len() > 2 * picked {
                self.trim(picked);
            }
        }
    }

    /// Leaves the first ones.
    fn trim(&mut self, picked: usize) {
        // Whatever comes and goes during a walk may be seen twice in it.
        self.keys.sort_unstable();
        self.keys.dedup();
        if self.keys.len() > picked {
            self.keys.truncate(picked);
            self.bound = self.keys.last().copied();
            self.more = true;
        }
    }

    /// The first ones in order, and whether there are more behind them.
    fn end(&mut self, picked: usize) -> (Vec<RouteKey>, bool) {
        self.trim(picked);
        (std::mem::take(&mut self.keys), self.more)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use ipnet::IpNet;

    use super::*;

    fn key(n: u32) -> RouteKey {
        IpNet::new(std::net::Ipv4Addr::from(n << 8).into(), 24)
            .unwrap()
            .into()
    }

    #[test]
    fn all_come_in_order_and_once_in_as_many_walks_as_they_need() {
        for (count, picked, walks) in [
            (0, 4, 1),
            (1, 4, 1),
            (4, 4, 1),
            (5, 4, 2),
            (8, 4, 2),
            (97, 7, 14),
            (97, 100, 1),
        ] {
            let begun = Arc::new(AtomicUsize::new(0));
            let counter = begun.clone();
            // 31 has no factor in common with 97 or 8: each is there once, and some that come and go are twice.
            let begin = move || -> Rows<RouteKey> {
                counter.fetch_add(1, SeqCst);
                let stored = (0..count).map(move |n| key(n * 31 % count));
                let mut stored: Vec<RouteKey> = stored.chain((0..count.min(3)).map(key)).collect();
                Box::new(move |budget| {
                    let n = stored.len().min(budget);
                    (n > 0).then(|| stored.drain(..n).collect())
                })
            };
            let mut walk = pick(begin, picked);
            let found: Vec<RouteKey> = std::iter::from_fn(|| walk(10)).flatten().collect();
            assert_eq!(found, (0..count).map(key).collect::<Vec<_>>(), "{count}");
            assert_eq!(begun.load(SeqCst), walks, "{count} in steps of {picked}");
        }
    }

    /// What makes the walks longer is not to make the memory more.
    #[test]
    fn there_is_never_room_for_more_than_twice_as_many_as_are_picked() {
        let mut pick = Pick::behind(None);
        for n in (0..10_000).rev() {
            pick.take(vec![key(n)], 8);
            assert!(pick.keys.len() <= 16);
        }
        let (keys, more) = pick.end(8);
        assert_eq!(keys, (0..8).map(key).collect::<Vec<_>>());
        assert!(more);
    }
}
