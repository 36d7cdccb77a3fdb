//! What is told of routes that are kept out of the kernel: what is so when somebody looks, and the end of all that was named.

use cosmos::kernel::model::Leg;
use cosmos::kernel::{Fate, KeptOutNews, Others};

use crate::world::{Key, LINKS, World};

fn prefix(n: u8) -> String {
    format!("10.0.{n}.0/24")
}

/// Our place for a destination, taken by somebody else or left.
fn key(n: u8) -> Key {
    (254, prefix(n).parse().unwrap(), 300)
}

fn take(world: &mut World, n: u8) {
    world.kernel.add(key(n), 12, [Leg::new(None, LINKS[1])]);
}

fn wants(world: &World, router: usize, n: u8, hops: &[&str]) {
    world.tables[router].route(&prefix(n), hops);
}

fn news(world: &mut World) -> KeptOutNews {
    world.run();
    world.engine.kept_out_news()
}

/// What is told by name, in short: `r0 3 out`, `in`, or why it is kept out.
fn named(news: &KeptOutNews) -> Vec<String> {
    let line = |route: &cosmos::kernel::KeptOut| {
        let third = route
            .prefix
            .to_string()
            .split('.')
            .nth(2)
            .map(str::to_owned);
        let fate = match &route.fate {
            Fate::KeptOut(why) => why.text.clone(),
            Fate::LetIn => "in".to_owned(),
            Fate::Outranked(_) => "outranked".to_owned(),
            Fate::Preferred => "preferred".to_owned(),
        };
        format!("{} {} {fate}", route.router, third.unwrap())
    };
    news.named.iter().map(line).collect()
}

const CONNECTED: &str = "a connected route exists";

#[test]
fn what_is_over_when_somebody_looks_is_not_told() {
    let mut world = World::new();
    wants(&world, 0, 1, &["192.0.1.2"]);
    assert_eq!(news(&mut world), KeptOutNews::default());
    // Kept out and let in again; kept out and withdrawn.
    take(&mut world, 1);
    world.run();
    world.kernel.remove(key(1));
    take(&mut world, 2);
    wants(&world, 0, 2, &["192.0.1.2"]);
    world.run();
    wants(&world, 0, 2, &[]);
    assert_eq!(news(&mut world), KeptOutNews::default());
    // Told; then let in and kept out again.
    wants(&world, 0, 2, &["192.0.1.2"]);
    assert_eq!(named(&news(&mut world)), [format!("r0 2 {CONNECTED}")]);
    world.kernel.remove(key(2));
    world.run();
    take(&mut world, 2);
    assert_eq!(news(&mut world), KeptOutNews::default());
    // By another one, which is something else.
    world.kernel.remove(key(2));
    let gateway = Leg::new(Some("192.0.2.9".parse().unwrap()), LINKS[1]);
    world.kernel.add(key(2), 12, [gateway]);
    let why = "r0 2 a route of protocol bird has the same metric";
    assert_eq!(named(&news(&mut world)), [why]);
    world.kernel.remove(key(2));
    assert_eq!(named(&news(&mut world)), ["r0 2 in"]);
    assert_eq!(news(&mut world), KeptOutNews::default());
}

#[test]
fn a_handful_is_named_the_rest_is_counted_and_what_was_named_is_named_when_it_ends() {
    let mut world = World::new();
    for n in 0..50 {
        take(&mut world, n);
        wants(&world, 0, n, &["192.0.1.2"]);
    }
    let told = news(&mut world);
    assert_eq!(told.named.len(), 10);
    let others = |routes| {
        Some(Others {
            routes,
            by_rule: true,
        })
    };
    assert_eq!(told.others, others(40));
    let first = told.named[0].prefix;
    // Others begin before one that was named ends.
    for n in 50..70 {
        take(&mut world, n);
        wants(&world, 0, n, &["192.0.1.2"]);
    }
    world.run();
    world.kernel.remove((254, first, 300));
    let told = news(&mut world);
    let ends: Vec<_> = told
        .named
        .iter()
        .filter(|r| r.fate == Fate::LetIn)
        .collect();
    assert_eq!(ends.iter().map(|r| r.prefix).collect::<Vec<_>>(), [first]);
    assert_eq!(told.named.len(), 11);
    assert_eq!(told.others, others(50));
    for n in 0..70 {
        world.kernel.remove(key(n));
    }
    let told = news(&mut world);
    assert_eq!(told.named.len(), 19, "all that were named, and no others");
    assert!(told.named.iter().all(|route| route.fate == Fate::LetIn));
    assert_eq!(told.others.map(|others| others.routes), Some(0));
    assert_eq!(news(&mut world), KeptOutNews::default());
}

#[test]
fn not_more_than_a_hundred_are_remembered_and_those_that_are_withdrawn_make_room() {
    let mut world = World::new();
    let mut look = |range: std::ops::RangeInclusive<u8>, withdraw: bool| {
        let (mut named, mut others) = (0, 0);
        for n in range {
            take(&mut world, n);
            wants(&world, 0, n, if withdraw { &[] } else { &["192.0.1.2"] });
            let news = news(&mut world);
            named += news.named.len();
            others = news.others.map_or(others, |others| others.routes);
        }
        (named, others)
    };
    assert_eq!(look(0..=149, false), (100, 46), "told at 46, not at 50");
    assert_eq!(look(0..=19, true), (0, 0));
    assert_eq!(look(150..=199, false), (20, 77));
}

#[test]
fn who_waits_for_another_router_is_named_with_what_it_waits_for() {
    let mut world = World::new();
    for router in [0, 1] {
        wants(&world, router, 1, &["192.0.1.2"]);
    }
    let lower = "r0 1 router r1 has a lower metric";
    assert_eq!(named(&news(&mut world)), [lower]);
    // Another way is nothing new; a withdrawal of its own neither, nor that it wants it again.
    wants(&world, 0, 1, &["192.0.2.2"]);
    assert_eq!(news(&mut world), KeptOutNews::default());
    wants(&world, 0, 1, &[]);
    assert_eq!(news(&mut world), KeptOutNews::default());
    wants(&world, 0, 1, &["192.0.2.2"]);
    assert_eq!(news(&mut world), KeptOutNews::default());
    wants(&world, 1, 1, &[]);
    assert_eq!(named(&news(&mut world)), ["r0 1 in"]);
    // In its place is somebody else's, and then the other router again.
    world.kernel.remove(key(1));
    take(&mut world, 1);
    assert_eq!(named(&news(&mut world)), [format!("r0 1 {CONNECTED}")]);
    wants(&world, 1, 1, &["192.0.1.2"]);
    let both = [lower.to_owned(), format!("r1 1 {CONNECTED}")];
    assert_eq!(named(&news(&mut world)), both);
    // With the router what was said of it ends.
    world.engine.remove_router("r1");
    assert_eq!(named(&news(&mut world)), [format!("r0 1 {CONNECTED}")]);
}
