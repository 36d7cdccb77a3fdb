//! PURE: a route as people type it: what is announced, and then attributes as they are printed.
//!
//! ```text
//!   192.0.2.0/24 next-hop 198.51.100.1 as-path 65001 65002 origin igp med 5 communities 65000:1 no-export
//! ```
//!
//! Commas between attributes and quotes around the AS path, as they are printed, may be there or not.

use std::net::IpAddr;
use std::str::FromStr;

use bgp_wire::{
    AsPath, Asn, AttrEditor, AttrSet, Community, ExtCommunity, LargeCommunity, NextHop, Origin,
    SegmentKind, Srv6Sid, behavior_number,
};
use rib::RouteKey;
use rib::policy::RouteFacts;

/// The longest text that is read.
const MOST: usize = 64 * 1024;

/// A route with its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedRoute {
    /// What is announced, with the label, if one was given.
    pub facts: RouteFacts,
    /// The attributes; ORIGIN is IGP where none was given.
    pub attrs: AttrSet,
}

/// What is wrong with a text that should be a route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RouteTextError(String);

/// The words that attributes begin with.
const WORDS: [&str; 11] = [
    "next-hop",
    "origin",
    "as-path",
    "med",
    "local-pref",
    "communities",
    "ext-communities",
    "large-communities",
    "srv6-sid",
    "vni",
    "label",
];

impl FromStr for TypedRoute {
    type Err = RouteTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MOST {
            let why = format!(
                "the route has {} characters, and at most {MOST} are read",
                text.len()
            );
            return Err(RouteTextError(why));
        }
        let mut tokens = text
            .split_whitespace()
            .map(|token| token.trim_matches(['"', '\'']).trim_end_matches([',', '"']))
            .filter(|token| !token.is_empty())
            .peekable();
        let Some(first) = tokens.next() else {
            let why = "there is no route: begin with a prefix, such as 192.0.2.0/24";
            return Err(RouteTextError(why.to_owned()));
        };
        let key: RouteKey = read(first)?;
        let mut editor = AttrEditor::new();
        editor.set_origin(Origin::Igp);
        let mut label = None;
        while let Some(word) = tokens.next() {
            if !WORDS.contains(&word) {
                let why = format!(
                    "`{word}` begins no attribute; use {}",
                    super::words::list(&WORDS, "nothing")
                );
                return Err(RouteTextError(why));
            }
            let mut values = Vec::new();
            while let Some(value) = tokens.next_if(|token| !WORDS.contains(token)) {
                values.push(value);
            }
            match word {
                "vni" | "label" => label = Some(label_of(word, &values)?),
                _ => attribute(word, &values, &mut editor)?,
            }
        }
        Ok(Self {
            facts: RouteFacts { key, label },
            attrs: editor.to_set(),
        })
    }
}

fn attribute(word: &str, values: &[&str], editor: &mut AttrEditor) -> Result<(), RouteTextError> {
    match word {
        "next-hop" => {
            let address: IpAddr = one(word, values)?;
            editor.set_next_hop(NextHop::from(address));
        }
        "origin" => editor.set_origin(one(word, values)?),
        "as-path" => {
            let path: AsPath = read(&values.join(" "))?;
            let segments: Vec<(SegmentKind, Vec<Asn>)> = path
                .as_ref()
                .segments()
                .map(|segment| (segment.kind, segment.iter().collect()))
                .collect();
            let segments: Vec<_> = segments.iter().map(|(kind, all)| (*kind, &**all)).collect();
            editor.set_as_path_segments(&segments);
        }
        "med" => editor.set_med(Some(one(word, values)?)),
        "local-pref" => editor.set_local_pref(Some(one(word, values)?)),
        "communities" => editor.set_communities(all::<Community>(values)?),
        "ext-communities" => editor.set_ext_communities(all::<ExtCommunity>(values)?),
        "large-communities" => editor.set_large_communities(all::<LargeCommunity>(values)?),
        _ => {
            let (sid, name) = match values {
                [sid] => (sid, "End.DT46".to_owned()),
                [sid, name @ ..] => (sid, name.join(" ")),
                [] => return Err(missing(word)),
            };
            let Some(behavior) = behavior_number(&name) else {
                let why = format!("`{name}` is not in the registry of SRv6 endpoint behaviors");
                return Err(RouteTextError(why));
            };
            editor.set_srv6_l3(Some(Srv6Sid {
                sid: read(sid)?,
                behavior,
                structure: None,
            }));
        }
    }
    Ok(())
}

/// A label of MPLS or a network identifier of VXLAN, which has 24 bits.
fn label_of(word: &str, values: &[&str]) -> Result<u32, RouteTextError> {
    let number: u32 = one(word, values)?;
    match number {
        0..=0x00ff_ffff => Ok(number),
        _ => Err(RouteTextError(format!(
            "{word} {number} has more than 24 bits"
        ))),
    }
}

fn one<T: FromStr<Err: std::fmt::Display>>(
    word: &str,
    values: &[&str],
) -> Result<T, RouteTextError> {
    match values {
        [] => Err(missing(word)),
        [value] => read(value),
        [_, more, ..] => {
            let why = format!("{word} takes one value, and `{more}` is a second one");
            Err(RouteTextError(why))
        }
    }
}

fn all<T: FromStr<Err: std::fmt::Display>>(values: &[&str]) -> Result<Vec<T>, RouteTextError> {
    let values = values.iter().flat_map(|value| value.split(','));
    values.map(read).collect()
}

fn read<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, RouteTextError> {
    text.parse().map_err(|wrong: T::Err| {
        let why = wrong.to_string();
        // Those of numbers and addresses do not say what they are about.
        RouteTextError(match why.contains(text) && !text.is_empty() {
            true => why,
            false => format!("`{text}`: {why}"),
        })
    })
}

fn missing(word: &str) -> RouteTextError {
    RouteTextError(format!("behind {word} there is no value"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_route_is_read_as_it_is_typed_and_as_it_is_printed() {
        let typed: TypedRoute = "192.0.2.0/24 as-path 65001 {65002,65003} next-hop 198.51.100.1 med 5 local-pref 200 \
             communities no-export,65000:1 ext-communities rt:65000:7 color:9 large-communities 65000:1:2 origin egp"
            .parse()
            .unwrap();
        let printed = typed.attrs.to_string();
        assert_eq!(
            printed,
            "next-hop 198.51.100.1, origin egp, as-path \"65001 {65002,65003}\", med 5, local-pref 200, communities 65000:1 \
             no-export, ext-communities rt:65000:7 color:9, large-communities 65000:1:2"
        );
        let again: TypedRoute = format!("{} {printed}", typed.facts.key).parse().unwrap();
        assert_eq!(again, typed);
    }

    #[test]
    fn routes_of_all_families_are_read() {
        for (text, family, label) in [
            ("192.0.2.1", "ipv4/unicast", None),
            ("2001:db8::/32 origin incomplete", "ipv6/unicast", None),
            ("65000:100:192.0.2.0/24 label 16", "ipv4/vpn", Some(16)),
            (
                "[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55] vni 100",
                "l2vpn/evpn",
                Some(100),
            ),
            (
                "[5]:[65000:100]:[0]:[24]:[192.0.2.0] srv6-sid 2001:db8:1:: End.DT4",
                "l2vpn/evpn",
                None,
            ),
        ] {
            let route: TypedRoute = text
                .parse()
                .unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
            assert_eq!(route.facts.key.family().to_string(), family, "{text}");
            assert_eq!(route.facts.label, label, "{text}");
        }
    }

    #[test]
    fn what_is_no_route_says_why() {
        for (text, why) in [
            ("", "there is no route"),
            ("192.0.2.0/33", "`192.0.2.0/33` is no route"),
            ("192.0.2.0/24 metric 5", "`metric` begins no attribute"),
            ("192.0.2.0/24 med", "behind med there is no value"),
            ("192.0.2.0/24 med x", "`x`: invalid digit"),
            ("192.0.2.0/24 med 1 2", "`2` is a second one"),
            ("192.0.2.0/24 as-path 1 x", "AS path"),
            ("192.0.2.0/24 communities 65536:1", "community"),
            ("192.0.2.0/24 vni 16777216", "more than 24 bits"),
            (
                "192.0.2.0/24 srv6-sid ::1 End.DT7",
                "`End.DT7` is not in the registry",
            ),
        ] {
            let said = text.parse::<TypedRoute>().unwrap_err().to_string();
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = text.parse::<TypedRoute>();
            let _ = format!("192.0.2.0/24 {text}").parse::<TypedRoute>();
        }
    }
}
