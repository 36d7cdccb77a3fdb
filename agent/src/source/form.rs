//! The patterns of the definitions, and where a text leaves one.
//!
//! A pattern describes a whole text. It is run over the text character by character, so that what it does not allow is known by its
//! place: who wrote the text need not be able to read the pattern.

use std::collections::HashMap;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::{Anchored, Input};

/// The patterns of the definitions, each compiled when it is first met.
#[derive(Default)]
pub(super) struct Patterns(HashMap<String, Form>);

struct Form {
    dfa: DFA,
    cache: Cache,
}

impl Patterns {
    /// The place of the first character with which `text` is not of the form that `pattern` describes, the first being 0; as many as
    /// there are if it ends too early. `None` if it is of that form.
    pub(super) fn leaves(&mut self, pattern: &str, text: &str) -> Option<usize> {
        if !self.0.contains_key(pattern) {
            let dfa = DFA::new(pattern).expect("patterns of the definitions are tested");
            let cache = dfa.create_cache();
            self.0.insert(pattern.to_owned(), Form { dfa, cache });
        }
        let Form { dfa, cache } = self.0.get_mut(pattern)?;
        let octets = leaves(dfa, cache, text)?;
        Some(
            text.char_indices()
                .take_while(|(at, one)| at + one.len_utf8() <= octets)
                .count(),
        )
    }
}

/// How many octets of `text` there are before the one that is wrong.
fn leaves(dfa: &DFA, cache: &mut Cache, text: &str) -> Option<usize> {
    let never =
        "the cache of states is never given up on, nor has a pattern look-around that needs more";
    let input = Input::new(text).anchored(Anchored::Yes);
    let mut state = dfa.start_state_forward(cache, &input).expect(never);
    for (at, octet) in text.bytes().enumerate() {
        state = dfa.next_state(cache, state, octet).expect(never);
        if state.is_dead() {
            return Some(at);
        }
    }
    let end = dfa.next_eoi_state(cache, state).expect(never);
    (!end.is_match()).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrong_at_the_character_behind_which_nothing_helps() {
        let community = r"^([0-9]{1,10}|[0-9]{1,3}(\.[0-9]{1,3}){3}):[0-9]{1,10}$";
        let mac = r"^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$";
        let mut patterns = Patterns::default();
        for (pattern, text, place) in [
            (community, "65000:100", None),
            (community, "10.0.0.1:100", None),
            (community, "65000:1x0", Some(7)),
            (community, "65000", Some(5)),
            (community, "", Some(0)),
            (community, "10.0.0:1", Some(6)),
            (community, "12345678901:1", Some(10)),
            (community, "65000:100 ", Some(9)),
            (community, "é:1", Some(0)),
            (community, "1:é", Some(2)),
            (mac, "00:11:22:33:44:55", None),
            (mac, "00:11:22:33:44:5", Some(16)),
            (mac, "00:11:22:33:44:55:66", Some(17)),
            (mac, "00:11:g2:33:44:55", Some(6)),
        ] {
            assert_eq!(patterns.leaves(pattern, text), place, "{text:?}");
        }
    }
}
