//! A capability as named fields.

use crate::describe::{Fields, Node};
use crate::family::{AFI_IPV4, AFI_IPV6};

use super::{Capability, TABLE, outbound_filter};

impl Capability {
    /// Its code and what it says.
    pub fn describe(&self) -> Node {
        Node::fields(|fields| {
            fields.named("code", self.code(), self.name());
            self.describe_value(fields);
        })
    }

    fn describe_value(&self, fields: &mut Fields) {
        match self {
            Self::Multiprotocol(family) => fields.text("family", family),
            Self::RouteRefresh | Self::EnhancedRouteRefresh | Self::ExtendedMessage => {}
            Self::OutboundRouteFilter(families) => {
                each(fields, families, outbound_filter::describe);
            }
            Self::PathsLimit(families) => each(fields, families, |(family, limit), fields| {
                fields.text("family", family);
                fields.number("paths", *limit);
            }),
            Self::ExtendedNextHop(families) => each(fields, families, |(family, afi), fields| {
                fields.text("family", family);
                fields.named("next_hop_afi", *afi, afi_name(*afi));
            }),
            Self::MultipleLabels(families) => each(fields, families, |(family, count), fields| {
                fields.text("family", family);
                fields.number("labels", *count);
            }),
            Self::Role(role) => fields.named("role", role.0, role.name()),
            Self::GracefulRestart(restart) => {
                fields.flag("restarting", restart.restarting);
                fields.flag("notification", restart.notification);
                fields.number("restart_time", restart.restart_time);
                each(fields, &restart.families, |(family, forwarding), fields| {
                    fields.text("family", family);
                    fields.flag("forwarding", *forwarding);
                });
            }
            Self::Asn4(asn) => fields.number("as", asn.0),
            Self::AddPath(families) => each(fields, families, |(family, mode), fields| {
                fields.text("family", family);
                fields.named("send_receive", mode.code(), Some(mode.name()));
            }),
            Self::LongLivedGracefulRestart(families) => each(fields, families, |one, fields| {
                fields.text("family", one.family);
                fields.flag("forwarding", one.forwarding);
                fields.number("stale_time", one.stale_time);
            }),
            Self::Fqdn(fqdn) => {
                fields.text("hostname", &fqdn.hostname);
                fields.text("domain", &fqdn.domain);
            }
            Self::SoftwareVersion(version) => fields.text("version", version),
            Self::Unknown { code, value } => describe_unknown(*code, value, fields),
        }
    }
}

/// What has no reader, or whose reader refused it.
fn describe_unknown(code: u8, value: &[u8], fields: &mut Fields) {
    if !value.is_empty() {
        fields.octets("value", value);
    }
    let read = |line: &super::Line| line.code == code && line.read.is_some();
    if TABLE.iter().any(read) {
        fields.flag("malformed", true);
    }
}

fn each<T>(fields: &mut Fields, all: &[T], fill: impl Fn(&T, &mut Fields)) {
    let nodes = all
        .iter()
        .map(|one| Node::fields(|fields| fill(one, fields)));
    fields.list("families", nodes);
}

fn afi_name(afi: u16) -> Option<&'static str> {
    match afi {
        AFI_IPV4 => Some("IPv4"),
        AFI_IPV6 => Some("IPv6"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(code: u8, value: &[u8]) -> Fields {
        match Capability::from_value(code, value).describe() {
            Node::Fields(fields) => fields,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_capability_has_its_code_and_name() {
        for line in TABLE {
            let fields = described(line.code, &[]);
            let code = Node::Named(line.code.into(), Some(line.name));
            assert_eq!(fields.get("code"), Some(&code));
        }
        let fields = described(222, &[1, 2]);
        assert_eq!(fields.get("code"), Some(&Node::Named(222, None)));
        assert_eq!(fields.get("value"), Some(&Node::Octets(vec![1, 2])));
        assert_eq!(fields.get("malformed"), None);
    }

    /// RFC 7911 §4, RFC 9234 §4.1, RFC 8277 §2.1.
    #[test]
    fn values_have_names() {
        let Some(Node::List(families)) = described(69, &[0, 1, 1, 3]).get("families").cloned()
        else {
            panic!("no list")
        };
        let Some(Node::Fields(first)) = families.first() else {
            panic!("no fields")
        };
        assert_eq!(first.get("family"), Some(&Node::text("ipv4/unicast")));
        assert_eq!(
            first.get("send_receive"),
            Some(&Node::Named(3, Some("both")))
        );
        let role = described(9, &[3]);
        assert_eq!(role.get("role"), Some(&Node::Named(3, Some("Customer"))));
        let Some(Node::List(families)) = described(8, &[0, 1, 4, 2]).get("families").cloned()
        else {
            panic!("no list")
        };
        let Some(Node::Fields(first)) = families.first() else {
            panic!("no fields")
        };
        assert_eq!(
            first.get("family"),
            Some(&Node::text(crate::Family::IPV4_LABELED))
        );
        assert_eq!(first.get("labels"), Some(&Node::Number(2)));
    }

    #[test]
    fn a_malformed_one_says_so() {
        for (code, value) in [
            (65, &[0, 1][..]),
            (1, &[0]),
            (69, &[0, 1, 1, 9]),
            (9, &[1, 2]),
            (8, &[0, 1, 4]),
        ] {
            let fields = described(code, value);
            assert_eq!(fields.get("malformed"), Some(&Node::Flag(true)), "{code}");
            assert_eq!(fields.get("value"), Some(&Node::Octets(value.to_vec())));
        }
    }
}
