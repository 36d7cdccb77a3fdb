//! What terms do, in words.

use std::fmt;

use bgp_wire::behavior_name;

use super::action::{Change, NextHopChange, PathChange, Set};
use super::term::Action;

/// As what follows "permits it": `and sets local preference 200, MED 5`; nothing if it changes nothing.
impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            as_path,
            next_hop,
            origin,
            med,
            local_pref,
            communities,
            extended,
            large,
            remove_described,
            color,
            srv6_behavior,
        } = self;
        let mut said = Vec::new();
        match as_path {
            Some(PathChange::Prepend(asn, times)) => {
                said.push(format!("AS {asn} in front of the path, {}", often(*times)));
            }
            Some(PathChange::PrependFirst(times)) => {
                said.push(format!(
                    "the first AS in front of the path, {}",
                    often(*times)
                ));
            }
            Some(PathChange::Replace(path)) if path.is_empty() => {
                said.push("an empty AS path".to_owned());
            }
            Some(PathChange::Replace(path)) => {
                let path: Vec<_> = path.iter().map(ToString::to_string).collect();
                said.push(format!("AS path {}", path.join(" ")));
            }
            None => {}
        }
        match next_hop {
            Some(NextHopChange::Own) => said.push("our own address as next hop".to_owned()),
            Some(NextHopChange::Address(address)) => said.push(format!("next hop {address}")),
            None => {}
        }
        said.extend(origin.map(|origin| format!("origin {origin}")));
        said.extend(med.map(|med| format!("MED {med}")));
        said.extend(local_pref.map(|value| format!("local preference {value}")));
        for pattern in remove_described {
            said.push(format!("no communities like {}", pattern.text()));
        }
        change(communities, &mut said);
        change(extended, &mut said);
        change(large, &mut said);
        said.extend(color.map(|color| format!("color {color}")));
        if let Some(behavior) = srv6_behavior {
            said.push(match behavior_name(*behavior) {
                Some(name) => format!("SRv6 behavior {name}"),
                None => format!("SRv6 behavior {behavior}"),
            });
        }
        f.write_str(&said.join(", "))
    }
}

fn often(times: u8) -> String {
    match times {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{times} times"),
    }
}

fn change<T: fmt::Display>(change: &Change<T>, said: &mut Vec<String>) {
    for one in &change.remove {
        said.push(format!("no community {one}"));
    }
    for one in &change.add {
        said.push(format!("community {one}"));
    }
}

/// As what follows "the term": `denies it`, or `permits it and sets MED 5`.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deny => f.write_str("denies it"),
            Self::Permit(set) if set.is_empty() => f.write_str("permits it"),
            Self::Permit(set) => write!(f, "permits it and sets {set}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::{Asn, Community, Origin};

    #[test]
    fn a_term_says_all_that_it_does() {
        let set = Set {
            as_path: Some(PathChange::Prepend(Asn(64999), 2)),
            next_hop: Some(NextHopChange::Own),
            origin: Some(Origin::Egp),
            med: Some(5),
            local_pref: Some(200),
            communities: Change {
                remove: vec![Community::NO_EXPORT],
                add: vec![Community::new(65000, 7)],
            },
            color: Some(100),
            srv6_behavior: Some(18),
            ..Set::default()
        };
        assert_eq!(
            Action::Permit(Box::new(set)).to_string(),
            "permits it and sets AS 64999 in front of the path, twice, our own address as next hop, origin egp, MED 5, local preference 200, \
             no community no-export, community 65000:7, color 100, SRv6 behavior End.DT6"
        );
        assert_eq!(Action::default().to_string(), "permits it");
        assert_eq!(Action::Deny.to_string(), "denies it");
    }
}
