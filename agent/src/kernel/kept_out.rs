//! Routes that a router wants in the kernel and that are kept out of it: by something that has their place, by another router of
//! the node, or by a rule; and those that are there and that the kernel does not use, as it prefers someone else's. Noted when that
//! begins and when it ends, for the log.
//!
//! Pure. What is told is a handful of routes by name and the number of the others, however many there are: a table that meets
//! another plane's may have a hundred thousand of them.

use std::sync::Arc;

use ipnet::IpNet;

use super::engine::Engine;
use super::table::Preferred;
use super::view::{RouterEntry, RouterIdx};
use super::wanted::{Block, Wanted};

/// How many routes are named between two looks at the news.
const NAMED: usize = 10;

/// What has become of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptOut {
    /// The router that wants it.
    pub router: Arc<str>,
    /// Which.
    pub prefix: IpNet,
    /// What has become of it.
    pub fate: Fate,
}

/// What becomes of a route that is wanted in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is kept out from now on.
    KeptOut(Why),
    /// It is no longer.
    LetIn,
    /// It is there, and from now on the kernel prefers someone else's route.
    Outranked(String),
    /// The kernel prefers ours again.
    Preferred,
}

/// Why a route is kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// By what.
    pub text: String,
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

impl From<Block> for Why {
    fn from(block: Block) -> Self {
        Self {
            text: block.to_string(),
            by_rule: block.is_rule(),
        }
    }
}

impl KeptOutNews {
    pub(super) fn note(&mut self, router: &RouterEntry, prefix: IpNet, fate: Fate) {
        if self.named.len() < NAMED {
            self.named.push(KeptOut {
                router: router.name.clone(),
                prefix,
                fate,
            });
        } else {
            self.unnamed += 1;
        }
    }
}

impl Engine {
    /// Notes what there is to say of a destination, if that is something else than before.
    pub(super) fn note_remark(&mut self, at: u32, wanted: Wanted) {
        let slot = &self.fib.slots[at as usize];
        let (router, prefix) = (slot.router, slot.prefix);
        let remark = match wanted {
            Wanted::Blocked(block) => Some(Remark::KeptOut(block)),
            Wanted::Route(owner, _) => {
                let table = self.resolver.table.read();
                table.preferred(owner, prefix).map(Remark::Outranked)
            }
            Wanted::Nothing | Wanted::Unresolved => {
                self.remarks.remove(&at);
                return;
            }
        };
        let before = match remark {
            Some(remark) => self.remarks.insert(at, (router, remark)),
            None => self.remarks.remove(&at),
        };
        let before = before.filter(|(whose, _)| *whose == router);
        let before = before.map(|(_, remark)| remark);
        if before == remark {
            return;
        }
        let mut news = std::mem::take(&mut self.fib.news);
        if let Some(entry) = self.fib.router(router) {
            let fate = match (before, remark) {
                (_, Some(Remark::KeptOut(block))) => Fate::KeptOut(block.into()),
                (_, Some(Remark::Outranked(by))) => Fate::Outranked(by.to_string()),
                (Some(Remark::Outranked(_)), None) => Fate::Preferred,
                (_, None) => Fate::LetIn,
            };
            news.note(entry, prefix, fate);
        }
        self.fib.news = news;
    }

    /// Routes of a router that the kernel has and does not use.
    pub(super) fn outranked(&self, router: RouterIdx) -> u64 {
        let remarks = self.remarks.values();
        let found = remarks
            .filter(|(whose, remark)| *whose == router && matches!(remark, Remark::Outranked(_)));
        found.count() as u64
    }

    /// What has happened since this was asked last.
    pub fn kept_out_news(&mut self) -> KeptOutNews {
        std::mem::take(&mut self.fib.news)
    }
}

/// What there is to say of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remark {
    /// It is kept out.
    KeptOut(Block),
    /// It is there, and another one is used.
    Outranked(Preferred),
}

/// What there is to say of slots, as it was noted last.
pub(super) type Remarks = foldhash::HashMap<u32, (RouterIdx, Remark)>;

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
            let fate = Fate::KeptOut(Block::Obstacle(way).into());
            news.note(router, prefix, fate);
        }
        let last = news.named.last().map(|route| route.prefix.to_string());
        assert_eq!(last.as_deref(), Some("10.9.0.0/16"));
        assert_eq!((news.named.len(), news.unnamed), (NAMED, 90));
    }

    #[test]
    fn what_is_not_to_be_there_is_kept_out_by_rule() {
        for (block, by_rule) in [
            (Block::DefaultRoute, true),
            (Block::Obstacle(Obstacle::Connected), true),
            (Block::Obstacle(Obstacle::OwnAddress), true),
            (
                Block::Obstacle(Obstacle::Neighbour([192, 0, 2, 1].into())),
                true,
            ),
            (Block::GatewayFamily, false),
            (
                Block::Obstacle(Obstacle::SameMetric { protocol: 12 }),
                false,
            ),
        ] {
            assert_eq!(Why::from(block).by_rule, by_rule, "{block}");
        }
    }
}
