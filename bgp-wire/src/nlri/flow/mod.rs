//! Flow specifications (RFC 8955 for IPv4, RFC 8956 for IPv6): what packets a rule is for.
//!
//! A rule is a list of components, each of a type of its own, in ascending order; a packet has to
//! match all. For VPNs a route distinguisher is in front (RFC 8955 §8).
//!
//! RFC 8955 §10 leaves errors to RFC 7606. A rule that is malformed and has a length is passed over
//! by itself: its octets are its key, so none that was accepted before is meant by it, and to
//! withdraw it and to ignore it are the same.

mod component;

use std::fmt;

use smallvec::SmallVec;

use super::listed::Listed;
use super::rd::RouteDistinguisher;
use crate::error::Reason;
use crate::input::{Input, Malformed};
use crate::{Fields, Node};

use component::Component;

/// Flow specifications for IPv4 or IPv6, within a VPN or not.
pub(super) struct Flow<const V6: bool, const VPN: bool>;

pub(super) type FlowV4 = Flow<false, false>;
pub(super) type FlowV6 = Flow<true, false>;
pub(super) type FlowVpnV4 = Flow<false, true>;
pub(super) type FlowVpnV6 = Flow<true, true>;

/// A rule.
pub(super) struct Rule<'a> {
    rd: Option<RouteDistinguisher>,
    components: SmallVec<[Component<'a>; 13]>,
}

/// A length of one octet, or of twelve bits behind 0xf (RFC 8955 §4.1), and what is behind it.
fn length(input: Input<'_>) -> Option<(usize, Input<'_>)> {
    match *input {
        [high @ 0xf0..=0xff, low, ref rest @ ..] => {
            Some((usize::from(u16::from_be_bytes([high & 0x0f, low])), rest))
        }
        [short @ 0..=0xef, ref rest @ ..] => Some((usize::from(short), rest)),
        _ => None,
    }
}

impl<const V6: bool, const VPN: bool> Listed for Flow<V6, VPN> {
    type One<'a> = Rule<'a>;

    fn split(input: Input<'_>) -> Result<(Input<'_>, Input<'_>), Malformed<'_>> {
        let cut = Malformed::new(input, "Flow Specification", Reason::Truncated);
        let (length, rest) = length(input).ok_or(cut)?;
        let head = input.len().saturating_sub(rest.len());
        input.split_at_checked(head + length).ok_or(cut)
    }

    fn read(one: Input<'_>) -> Result<Rule<'_>, Malformed<'_>> {
        let cut = Malformed::new(one, "Flow Specification", Reason::Truncated);
        let (_, mut rest) = length(one).ok_or(cut)?;
        let mut rd = None;
        if VPN {
            let (octets, after) = rest.split_first_chunk().ok_or(cut)?;
            (rd, rest) = (Some(RouteDistinguisher(*octets)), after);
        }
        if rest.is_empty() {
            let none = Reason::Text("has no component");
            return Err(Malformed::new(one, "Flow Specification", none));
        }
        let mut components = SmallVec::<[Component<'_>; 13]>::new();
        while !rest.is_empty() {
            let (component, after) = Component::read(rest, V6)?;
            // RFC 8955 §4.2: "Components MUST follow strict type ordering by increasing numerical
            // order. A given component type MAY (exactly once) be present".
            if components
                .last()
                .is_some_and(|last| last.kind >= component.kind)
            {
                let order = Reason::Text("is not in ascending order");
                return Err(Malformed::new(rest, "Component Type", order));
            }
            components.push(component);
            rest = after;
        }
        Ok(Rule { rd, components })
    }

    fn describe(rule: &Rule<'_>, fields: &mut Fields) {
        if let Some(rd) = rule.rd {
            fields.text("rd", rd);
        }
        let components = rule.components.iter();
        fields.list(
            "components",
            components.map(|one| Node::fields(|fields| one.describe(fields))),
        );
    }
}

/// `{dst 192.0.2.0/24, proto =tcp, port >=137&<=139|=8080}`, behind a route distinguisher and a
/// colon in a VPN.
impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rd) = self.rd {
            write!(f, "{rd}:")?;
        }
        f.write_str("{")?;
        for (place, component) in self.components.iter().enumerate() {
            let between = if place == 0 { "" } else { ", " };
            write!(f, "{between}{component}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests;
