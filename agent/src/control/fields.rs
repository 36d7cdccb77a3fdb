//! PURE: named fields of NLRI as JSON.

use bgp_wire::{Fields, Nlri, Node, RouteTargetMembership};
use rib::RouteKey;
use serde_json::{Map, Value};

/// What the NLRI of a path says beside what the row says anyway: its route distinguisher and its prefix.
pub(super) fn of_nlri(route: &RouteKey, detail: &Fields) -> Map<String, Value> {
    let own;
    let fields = match route {
        RouteKey::RouteTarget(membership) => {
            own = describe(membership);
            &own
        }
        _ => detail,
    };
    fields
        .iter()
        .filter(|(name, _)| !matches!(*name, "rd" | "prefix"))
        .map(|(name, node)| (name.to_owned(), value(node)))
        .collect()
}

fn describe(membership: &RouteTargetMembership) -> Fields {
    let mut fields = Fields::new();
    membership.describe(&(), &mut fields);
    fields
}

/// Numbers stay numbers, whether or not a registry has a name for them: who reads this compares.
fn value(node: &Node) -> Value {
    match node {
        Node::Flag(flag) => Value::from(*flag),
        Node::Number(number) | Node::Named(number, _) => Value::from(*number),
        Node::Float(bits) => Value::from(f32::from_bits(*bits)),
        Node::Text(text) => Value::from(text.as_str()),
        Node::Octets(octets) => {
            let digits = octets.iter().map(|octet| format!("{octet:02x}"));
            Value::from(digits.collect::<String>())
        }
        Node::List(items) => items.iter().map(value).collect(),
        Node::Fields(fields) => {
            let named = fields
                .iter()
                .map(|(name, node)| (name.to_owned(), value(node)));
            Value::Object(named.collect())
        }
    }
}
