//! Walks all events of RFC 4271 in all states with a real machine, and compares what it does with what the RFC says.
//!
//! `table_walk.rs` takes what it expects from the table that the machine runs on, so a wrong row passes there. Here the table is
//! not asked: what is expected stands in two files, the one written down from the text of the RFC, the other with all that we do
//! otherwise. Both explain their form.

use std::collections::BTreeMap;

use crate::collision::Side;
use crate::state::State;
use crate::table::{FsmEvent, Outcome, lookup};
use crate::table_walk::{Count, concerns, peer_in, raise, taken};

const RFC: &str = include_str!("../tests/rfc4271_8_2_2.txt");
const DEVIATIONS: &str = include_str!("../tests/rfc4271_deviations.txt");

/// What happens at an event in a state: the next state, what becomes of the ConnectRetryCounter, the messages sent.
#[derive(Debug)]
enum Line<'a> {
    Does([&'a str; 3]),
    Never,
}

impl Line<'_> {
    /// The RFC leaves something to us.
    fn is_open(&self) -> bool {
        matches!(self, Self::Does(columns) if columns.contains(&"*"))
    }

    fn allows(&self, seen: &[String; 3]) -> bool {
        match self {
            Self::Does(columns) => columns
                .iter()
                .zip(seen)
                .all(|(said, seen)| fits(said, seen)),
            Self::Never => false,
        }
    }
}

fn fits(said: &str, seen: &str) -> bool {
    match said.strip_suffix('*') {
        Some(start) => seen.starts_with(start),
        None => said.split('|').any(|one| one == seen),
    }
}

fn lines(text: &str) -> BTreeMap<(State, u8), Line<'_>> {
    let mut all = BTreeMap::new();
    for line in text.lines() {
        let said = line.split('#').next().unwrap_or_default();
        let columns: Vec<&str> = said.split_whitespace().collect();
        let (state, events, does) = match columns[..] {
            [] => continue,
            [state, events, "never"] => (state, events, None),
            [state, events, next, counter, sends] => (state, events, Some([next, counter, sends])),
            _ => panic!("cannot be read: {line}"),
        };
        let state = State::ALL.into_iter().find(|s| s.as_str() == state);
        let state = state.unwrap_or_else(|| panic!("no such state: {line}"));
        for event in numbers(events) {
            let line = does.map_or(Line::Never, Line::Does);
            let twice = all.insert((state, event), line).is_some();
            assert!(!twice, "{state} x {event} is said twice");
        }
    }
    all
}

/// `1,3-7` is 1, 3, 4, 5, 6, 7.
fn numbers(list: &str) -> impl Iterator<Item = u8> {
    list.split(',').flat_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.parse().unwrap()..=last.parse().unwrap()
    })
}

/// What the machine does; `None` if this side's FSM is never in the state, or has no such event.
fn seen(state: State, event: FsmEvent, side: Side) -> Option<[String; 3]> {
    if !concerns(lookup(state, event), side) {
        return None;
    }
    let (mut peer, now) = peer_in(state, side)?;
    // So that to keep the counter and to set it to zero are two things.
    peer.back_off.count();
    let before = peer.failures();
    raise(&mut peer, side, event, now, &mut Count(0));
    let counter = match peer.failures() {
        0 => "0",
        after if after == before => "=",
        after if after == before + 1 => "+1",
        after => panic!("from {before} to {after}"),
    };
    let sent = taken(&mut peer).sent;
    let messages = sent
        .into_iter()
        .map(|(_, kind, notification)| match (kind, notification) {
            (1, _) => "OPEN".to_owned(),
            (4, _) => "KEEPALIVE".to_owned(),
            (_, Some((code, subcode))) => format!("{code}/{subcode}"),
            (other, None) => format!("type {other}"),
        });
    let messages = messages.collect::<Vec<_>>().join(",");
    let next = peer.fsm(side).state().to_string();
    let messages = if messages.is_empty() {
        "-".into()
    } else {
        messages
    };
    Some([next, counter.to_owned(), messages])
}

#[test]
fn the_machine_does_what_the_rfc_says_except_where_listed() {
    let (rfc, deviations) = (lines(RFC), lines(DEVIATIONS));
    assert_eq!(rfc.len(), State::ALL.len() * FsmEvent::RFC_4271);
    let mut wrong = Vec::new();
    for (key @ (state, number), said) in &rfc {
        let event = FsmEvent::ALL[usize::from(*number) - 1];
        let never = lookup(*state, event).outcome == Outcome::Never;
        let unchanged = [state.as_str(), "=", "-"].map(str::to_owned);
        let mut met = false;
        for side in [Side::Outgoing, Side::Incoming] {
            let Some(seen) = seen(*state, event, side) else {
                continue;
            };
            met = true;
            let right = match deviations.get(key) {
                None => !said.is_open() && said.allows(&seen),
                Some(_) if !said.is_open() && said.allows(&seen) => false,
                Some(Line::Never) => never && seen == unchanged,
                Some(ours) => !never && ours.allows(&seen),
            };
            if !right {
                let ours = deviations.get(key);
                wrong.push(format!(
                    "{state} x {number} ({side:?}): {seen:?}\n  RFC: {said:?}\n  listed: {ours:?}"
                ));
            }
        }
        assert!(met, "{state} x {number} was not tried");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_deviation_has_its_reason_and_is_of_an_event_of_the_rfc() {
    for line in DEVIATIONS.lines().filter(|line| !line.is_empty()) {
        assert!(line.contains("# "), "no reason: {line}");
    }
    let rfc = lines(RFC);
    for key in lines(DEVIATIONS).keys() {
        assert!(rfc.contains_key(key), "{key:?}");
    }
}
