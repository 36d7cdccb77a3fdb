//! Routes that a router wants in the kernel and that are kept out of it: by something that has their place, by another router of
//! the node, or by a rule. Noted when that begins and when it ends, for the log.
//!
//! Pure. What is told is a handful of routes by name and the number of the others, however many there are: a table that meets
//! another plane's may have a hundred thousand of them.

use std::sync::Arc;

use ipnet::IpNet;

use super::engine::Engine;
use super::view::{RouterEntry, RouterIdx};
use super::wanted::{Block, Wanted};

/// How many routes are named between two looks at the news.
const NAMED: usize = 10;

/// A route that is kept out from now on, or no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptOut {
    /// The router that wants it.
    pub router: Arc<str>,
    /// Which.
    pub prefix: IpNet,
    /// By what; none when that is over.
    pub why: Option<String>,
    /// It is not to be there, and nothing is wrong with that.
    pub by_rule: bool,
}

/// What has happened since the last look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptOutNews {
    /// The first of them, in order.
    pub named: Vec<KeptOut>,
    /// How many more there were.
    pub unnamed: u64,
}

/// Why a route is kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) text: String,
    pub(super) by_rule: bool,
}

impl From<Block> for Why {
    fn from(block: Block) -> Self {
        Self {
            text: block.to_string(),
            by_rule: block.is_rule(),
        }
    }
}

impl KeptOutNews {
    pub(super) fn note(&mut self, router: &RouterEntry, prefix: IpNet, why: Option<Why>) {
        if self.named.len() < NAMED {
            self.named.push(KeptOut {
                router: router.name.clone(),
                prefix,
                by_rule: why.as_ref().is_some_and(|why| why.by_rule),
                why: why.map(|why| why.text),
            });
        } else {
            self.unnamed += 1;
        }
    }
}

impl Engine {
    /// Notes what is in the way of a destination, if that is something else than before.
    pub(super) fn note_block(&mut self, at: u32, wanted: Wanted) {
        let slot = &self.fib.slots[at as usize];
        let (router, prefix) = (slot.router, slot.prefix);
        let why = match wanted {
            Wanted::Blocked(block) => {
                if self.blocks.insert(at, (router, block)) == Some((router, block)) {
                    return;
                }
                Some(Why::from(block))
            }
            Wanted::Route(..) => match self.blocks.remove(&at) {
                Some((before, _)) if before == router => None,
                _ => return,
            },
            Wanted::Nothing | Wanted::Unresolved => {
                self.blocks.remove(&at);
                return;
            }
        };
        let mut news = std::mem::take(&mut self.fib.news);
        if let Some(entry) = self.fib.router(router) {
            news.note(entry, prefix, why);
        }
        self.fib.news = news;
    }

    /// What has happened since this was asked last.
    pub fn kept_out_news(&mut self) -> KeptOutNews {
        std::mem::take(&mut self.fib.news)
    }
}

/// What is in the way of slots, as it was noted last.
pub(super) type Blocks = foldhash::HashMap<u32, (RouterIdx, Block)>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::model::FibConfig;
    use crate::kernel::table::Obstacle;
    use crate::kernel::view::FibTable;

    #[test]
    fn a_handful_is_named_and_the_rest_is_counted() {
        let mut news = KeptOutNews::default();
        let mut table = FibTable::new();
        let router = table.add_router("r".into(), FibConfig::default());
        let router = table.router(router).unwrap();
        for n in 0..100u8 {
            let prefix = IpNet::new([10, n, 0, 0].into(), 16).unwrap();
            let way = Obstacle::SameMetric { protocol: 12 };
            news.note(router, prefix, Some(Block::Obstacle(way).into()));
        }
        let last = news.named.last().map(|route| route.prefix.to_string());
        assert_eq!(last.as_deref(), Some("10.9.0.0/16"));
        assert_eq!((news.named.len(), news.unnamed), (NAMED, 90));
        let mut news = KeptOutNews::default();
        for (block, by_rule) in [
            (Block::DefaultRoute, true),
            (Block::Obstacle(Obstacle::Connected), true),
            (Block::Obstacle(Obstacle::OwnAddress), true),
            (Block::GatewayFamily, false),
            (
                Block::Obstacle(Obstacle::SameMetric { protocol: 12 }),
                false,
            ),
        ] {
            news.note(router, IpNet::default(), Some(block.into()));
            assert_eq!(news.named.last().unwrap().by_rule, by_rule, "{block}");
        }
    }
}
