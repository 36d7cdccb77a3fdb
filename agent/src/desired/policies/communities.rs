//! Communities as people write them in a policy.

use bgp_wire::{Community, ExtCommunity, LargeCommunity};
use rib::policy::{Change, CommunityList};

use super::fields::Field;
use crate::desired::build::Findings;
use crate::desired::problem::Reason;

/// A community of one of the kinds that routes carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum AnyCommunity {
    Standard(Community),
    Extended(ExtCommunity),
    Large(LargeCommunity),
}

/// `ASN:NN` and names are standard communities, three numbers a large one; what has an IP address in front, or the name of an
/// extended community, is one of those. What is wrong with it, otherwise.
pub(super) fn any(text: &str) -> Result<AnyCommunity, String> {
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let colons = parts.count();
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if colons == 2 && is_number(first) {
        return large(text).map(AnyCommunity::Large);
    }
    // RFC 1997 has no room for an address: it is the administrator of an extended community (RFC 4360 §3.2).
    if colons > 0 && (first.contains('.') || first.starts_with(char::is_alphabetic)) {
        return extended(text).map(AnyCommunity::Extended);
    }
    let standard = text.parse().map(AnyCommunity::Standard);
    standard.map_err(|wrong| {
        format!(
            "{wrong}; use ASN:NN with both at most 65535, or a registered name; what is larger goes into large or extended \
             communities"
        )
    })
}

/// With its name in front, as it is printed; without one it is a route target.
pub(super) fn extended(text: &str) -> Result<ExtCommunity, String> {
    let has_name = text.starts_with("0x") || text.starts_with(|c: char| c.is_ascii_alphabetic());
    let parsed = match has_name {
        true => text.parse(),
        false => format!("rt:{text}").parse(),
    };
    parsed.map_err(|wrong: <ExtCommunity as std::str::FromStr>::Err| {
        format!(
            "{wrong}; use ASN:NN or IP:NN for a route target (an ASN of at most 65535 with a number of 32 bits, a larger one or an \
             IPv4 address with one of 16 bits), or soo: or color: in front"
        )
    })
}

pub(super) fn route_target(text: &str) -> Result<ExtCommunity, String> {
    let community = extended(text)?;
    match community.is_route_target() {
        true => Ok(community),
        false => Err(format!(
            "{text:?} is no route target; use ASN:NN or IP:NN, or put it into extCommunities"
        )),
    }
}

pub(super) fn large(text: &str) -> Result<LargeCommunity, String> {
    text.parse()
        .map_err(|wrong| format!("{wrong}; use three numbers of 32 bits, such as 65000:1:2"))
}

/// What is read of the texts of a list; what cannot be is said, each at its place.
pub(super) fn read<T>(
    field: &Field,
    texts: &Option<Vec<String>>,
    read: impl Fn(&str) -> Result<T, String>,
    findings: &mut Findings<'_>,
) -> Vec<T> {
    let mut all = Vec::new();
    for (index, text) in texts.iter().flatten().enumerate() {
        match read(text) {
            Ok(one) => all.push(one),
            Err(wrong) => {
                findings.reject(&field.item(index), Reason::InvalidCommunity, wrong);
            }
        }
    }
    all
}

/// Those of all kinds that a route is to have one of.
pub(super) fn list(all: Vec<AnyCommunity>) -> CommunityList {
    let mut list = CommunityList::default();
    for one in all {
        match one {
            AnyCommunity::Standard(one) => list.standard.push(one),
            AnyCommunity::Extended(one) => list.extended.push(one),
            AnyCommunity::Large(one) => list.large.push(one),
        }
    }
    list
}

/// The changes of the three kinds.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) standard: Change<Community>,
    pub(super) extended: Change<ExtCommunity>,
    pub(super) large: Change<LargeCommunity>,
}

impl Changes {
    pub(super) fn add(&mut self, one: AnyCommunity) {
        match one {
            AnyCommunity::Standard(one) => self.standard.add.push(one),
            AnyCommunity::Extended(one) => self.extended.add.push(one),
            AnyCommunity::Large(one) => self.large.add.push(one),
        }
    }

    pub(super) fn remove(&mut self, one: AnyCommunity) {
        match one {
            AnyCommunity::Standard(one) => self.standard.remove.push(one),
            AnyCommunity::Extended(one) => self.extended.remove.push(one),
            AnyCommunity::Large(one) => self.large.remove.push(one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_community_is_of_the_kind_that_its_text_says() {
        for (text, expected) in [
            ("65000:100", "65000:100"),
            ("no-export", "no-export"),
            ("NO_EXPORT", "no-export"),
            ("65000:1:2", "65000:1:2"),
            ("4200000000:1:2", "4200000000:1:2"),
            ("192.0.2.1:7", "rt:192.0.2.1:7"),
            ("rt:65000:100", "rt:65000:100"),
            ("soo:65000:100", "soo:65000:100"),
            ("color:7", "color:7"),
        ] {
            let found = match any(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}")) {
                AnyCommunity::Standard(one) => one.to_string(),
                AnyCommunity::Extended(one) => one.to_string(),
                AnyCommunity::Large(one) => one.to_string(),
            };
            assert_eq!(found, expected, "{text}");
        }
        for text in [
            "",
            "65536:1",
            "1:65536",
            "70000",
            "a:b",
            "1:2:3:4",
            "1:2:4294967296",
            "1.2.3:4",
            "1.2.3.4:65536",
            "no-such-name",
            "65000:1 ",
        ] {
            assert!(any(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_extended_community_without_a_name_is_a_route_target() {
        for (text, expected) in [
            ("65000:100", "rt:65000:100"),
            ("65000:4294967295", "rt:65000:4294967295"),
            ("4200000000:9", "rt:4200000000:9"),
            ("192.0.2.1:7", "rt:192.0.2.1:7"),
            ("soo:192.0.2.1:7", "soo:192.0.2.1:7"),
            ("color:100", "color:100"),
            ("encap:vxlan", "encap:vxlan"),
        ] {
            assert_eq!(extended(text).unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "::::",
            "fd00::1:5",
            "65536:65536",
            "192.0.2.1:65536",
            "color:4294967296",
            "rt:",
            "1",
        ] {
            assert!(extended(text).is_err(), "{text}");
        }
        assert!(route_target("rt:65000:1").is_ok());
        assert!(
            route_target("soo:65000:1")
                .unwrap_err()
                .contains("is no route target")
        );
    }
}
