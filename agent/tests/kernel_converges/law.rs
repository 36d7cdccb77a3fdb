//! Whatever happens, the kernel ends up with what is wanted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cosmos::kernel::model::Leg;
use cosmos::kernel::{Fate, FibState, KeptOutNews};
use ipnet::IpNet;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use crate::kernel_table::hop;
use crate::world::World;

/// What can happen.
#[derive(Debug, Clone)]
enum Step {
    Route {
        router: usize,
        prefix: usize,
        hops: Vec<usize>,
    },
    Link {
        at: usize,
        up: bool,
    },
    ForeignAdd {
        prefix: usize,
        protocol: u8,
        metric: u32,
    },
    ForeignRemove {
        prefix: usize,
        metric: u32,
    },
    OursChanged {
        prefix: usize,
        metric: u32,
    },
    Refuse {
        prefix: usize,
        on: bool,
    },
    Deaf {
        on: bool,
    },
    LoseAnswers {
        on: bool,
    },
    BeginDump,
    EndDump,
    Turns(usize),
    Time(u64),
    Converged,
}

const PREFIXES: [&str; 8] = [
    "10.0.0.0/24",
    "10.0.1.0/24",
    "192.0.1.0/24",
    "2001:db8:a::/48",
    "2001:db8:b::/48",
    "2001:db8:2::/64",
    // A neighbour's own address, and a part of the network that it is in.
    "2001:db8:1::2/128",
    "2001:db8:2::2/127",
];
const HOPS: [&str; 6] = [
    "192.0.1.2",
    "192.0.2.2",
    "2001:db8:1::2",
    "2001:db8:2::2",
    "198.51.100.1",
    "2001:db8:2::3",
];

fn prefix(at: usize) -> IpNet {
    PREFIXES[at].parse().unwrap()
}

fn step() -> impl Strategy<Value = Step> {
    let p = 0..PREFIXES.len();
    let m = prop_oneof![Just(300u32), Just(200), Just(20)];
    prop_oneof![
        6 => (0..2usize, p.clone(), prop::collection::vec(0..HOPS.len(), 0..3))
            .prop_map(|(router, prefix, hops)| Step::Route { router, prefix, hops }),
        2 => (0..2usize, any::<bool>()).prop_map(|(at, up)| Step::Link { at, up }),
        1 => (p.clone(), prop_oneof![Just(4u8), Just(12), Just(196)], m.clone())
            .prop_map(|(prefix, protocol, metric)| Step::ForeignAdd { prefix, protocol, metric }),
        1 => (p.clone(), m.clone()).prop_map(|(prefix, metric)| Step::ForeignRemove { prefix, metric }),
        1 => (p.clone(), m).prop_map(|(prefix, metric)| Step::OursChanged { prefix, metric }),
        1 => (p, any::<bool>()).prop_map(|(prefix, on)| Step::Refuse { prefix, on }),
        1 => any::<bool>().prop_map(|on| Step::Deaf { on }),
        1 => any::<bool>().prop_map(|on| Step::LoseAnswers { on }),
        1 => Just(Step::BeginDump),
        1 => Just(Step::EndDump),
        5 => (1..4usize).prop_map(Step::Turns),
        2 => (1..5_000u64).prop_map(Step::Time),
        1 => Just(Step::Converged),
    ]
}

fn apply(world: &mut World, step: Step) {
    match step {
        Step::Route {
            router,
            prefix: p,
            hops,
        } => {
            let hops = hops.into_iter().map(|h| hop(HOPS[h])).collect();
            world.tables[router].set([(prefix(p), hops)]);
        }
        Step::Link { at, up } => world.kernel.set_link(at, up),
        Step::ForeignAdd {
            prefix: p,
            protocol,
            metric,
        } => {
            // Protocol 196 at metric 20 is FRR's static route; at ours it would be ours.
            let metric = if protocol == 196 { 20 } else { metric };
            let key = (254, prefix(p), metric);
            if world
                .kernel
                .routes
                .get(&key)
                .is_none_or(|(old, _)| *old != 2)
            {
                world.kernel.add(key, protocol, [Leg::new(None, 1)]);
            }
        }
        Step::ForeignRemove { prefix: p, metric } => {
            world.kernel.remove((254, prefix(p), metric));
        }
        Step::OursChanged { prefix: p, metric } => {
            let key = (254, prefix(p), metric);
            if world
                .kernel
                .routes
                .get(&key)
                .is_some_and(|(protocol, _)| *protocol == 196)
                && metric != 20
            {
                world.kernel.add(key, 196, [Leg::new(None, 1)]);
            }
        }
        Step::Refuse { prefix: p, on } => {
            if on {
                world.kernel.refuse.insert(prefix(p));
            } else {
                world.kernel.refuse.remove(&prefix(p));
            }
        }
        Step::Deaf { on } => world.set_deaf(on),
        Step::LoseAnswers { on } => world.kernel.lose_answers = on,
        Step::BeginDump => {
            if world.dump.is_none() && !world.engine.is_dumping() {
                world.begin_dump();
            }
        }
        Step::EndDump => world.end_dump(),
        Step::Turns(n) => {
            for _ in 0..n {
                world.turn();
            }
        }
        Step::Time(ms) => world.now += Duration::from_millis(ms),
        Step::Converged => world.engine.set_converged(),
    }
}

/// What somebody believes who has read the log.
#[derive(Default)]
struct Log {
    named: BTreeMap<(Arc<str>, IpNet), Fate>,
    others: u64,
}

impl Log {
    fn hear(&mut self, news: KeptOutNews) {
        for route in news.named {
            let key = (route.router, route.prefix);
            match route.fate {
                Fate::LetIn | Fate::Preferred => {
                    assert!(self.named.remove(&key).is_some(), "{key:?} was not named");
                }
                fate => {
                    self.named.insert(key, fate);
                }
            }
        }
        self.others = news.others.map_or(self.others, |others| others.routes);
    }

    /// What is so is named or counted, for the reason that it has now; and what is in the kernel and used is not said to be kept out.
    fn check(&self, world: &mut World) {
        let mut unnamed = 0;
        for row in PREFIXES
            .iter()
            .flat_map(|p| world.engine.explain(p.parse().unwrap()))
        {
            let Some(router) = row.router else { continue };
            let said = self.named.get(&(router, row.prefix));
            let reason = row.reason.unwrap_or_default();
            let is_kept_out = matches!(
                row.state,
                FibState::Blocked | FibState::Excluded | FibState::Shadowed
            );
            let is_outranked = reason.starts_with("the kernel prefers");
            match said {
                None => unnamed += u64::from(is_kept_out || is_outranked),
                Some(Fate::KeptOut(why)) => {
                    assert!(
                        row.state == FibState::Unresolved || is_kept_out && why.text == reason,
                        "{:?} {} {reason} {}",
                        row.state,
                        why.text,
                        row.prefix
                    );
                }
                Some(Fate::Outranked(why)) => {
                    assert!(row.state == FibState::Unresolved || is_outranked && *why == reason);
                }
                Some(fate) => unreachable!("{fate:?} ends it"),
            }
        }
        assert_eq!(unnamed, self.others);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        ..ProptestConfig::with_failure_persistence(FileFailurePersistence::WithSource("regressions"))
    })]

    #[test]
    fn whatever_happens_the_kernel_ends_up_with_what_is_wanted(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new();
        for step in steps {
            apply(&mut world, step);
        }
        world.engine.set_converged();
        world.settle_by_events();
        world.check();
        world.settle();
        world.check();
    }

    #[test]
    fn whatever_happens_and_whenever_somebody_looks_the_log_ends_with_what_is_so(
        steps in prop::collection::vec((step(), any::<bool>()), 1..60),
    ) {
        let mut world = World::new();
        let mut log = Log::default();
        for (step, look) in steps {
            apply(&mut world, step);
            if look {
                log.hear(world.engine.kept_out_news());
            }
        }
        world.engine.set_converged();
        world.settle();
        log.hear(world.engine.kept_out_news());
        log.check(&mut world);
    }
}
