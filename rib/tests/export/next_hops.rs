//! Which next hop is written.

use bgp_wire::{AttrRef, Family};
use rib::decision::SourceKind::{self, Ebgp, Ibgp, IbgpClient, Local};
use rib::export::{Audience, ExportRules, RejectReason};

use crate::{HOP, ORIGIN, OURS, PATH, next_hop, rules, set, told};

#[test]
fn the_next_hop_is_ours_outside_and_left_alone_inside() {
    struct Row {
        rule: &'static str,
        from: SourceKind,
        to: Audience,
        received: &'static str,
        adapt: fn(&mut ExportRules),
        family: Family,
        expected: Result<&'static str, RejectReason>,
    }
    let row = |rule, from, to, received, expected| Row {
        rule,
        from,
        to,
        received,
        adapt: |_| {},
        family: Family::IPV4_UNICAST,
        expected,
    };
    let rows = [
        row(
            "§5.1.3: outside it is ours",
            Ebgp,
            Audience::Ebgp,
            HOP,
            Ok(OURS),
        ),
        row(
            "§5.1.3: from inside too",
            Ibgp,
            Audience::Ebgp,
            HOP,
            Ok(OURS),
        ),
        row(
            "what we originate is at us",
            Local,
            Audience::Ebgp,
            "",
            Ok(OURS),
        ),
        row("inside too", Local, Audience::Ibgp, "", Ok(OURS)),
        row(
            "whatever next hop the set has",
            Local,
            Audience::Ibgp,
            HOP,
            Ok(OURS),
        ),
        row(
            "§5.1.3: inside it stays",
            Ebgp,
            Audience::Ibgp,
            HOP,
            Ok(HOP),
        ),
        row(
            "RFC 4456 §10: reflected it stays",
            IbgpClient,
            Audience::Ibgp,
            HOP,
            Ok(HOP),
        ),
        Row {
            adapt: |rules| rules.next_hop_self = true,
            ..row("next_hop_self inside", Ebgp, Audience::Ibgp, HOP, Ok(OURS))
        },
        Row {
            adapt: |rules| rules.next_hop_self = true,
            ..row(
                "next_hop_self when reflected",
                Ibgp,
                Audience::IbgpClient,
                HOP,
                Ok(OURS),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "IPv6 outside",
                Ebgp,
                Audience::Ebgp,
                "2001:db8::1",
                Ok("2001:db8::254"),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            adapt: |rules| rules.own_ipv6 = Some(next_hop("2001:db8::254+fe80::254")),
            ..row(
                "RFC 2545 §3: our link-local address goes along on a shared link",
                Ebgp,
                Audience::Ebgp,
                "2001:db8::1+fe80::1",
                Ok("2001:db8::254+fe80::254"),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "RFC 2545 §3: the link-local address of others does not go on",
                Ebgp,
                Audience::Ibgp,
                "2001:db8::1+fe80::1",
                Ok("2001:db8::1"),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "a next hop of link-local scope alone becomes ours",
                Ebgp,
                Audience::Ibgp,
                "fe80::1",
                Ok("2001:db8::254"),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "also in the form with an empty global address",
                Ibgp,
                Audience::IbgpClient,
                "::+fe80::1",
                Ok("2001:db8::254"),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "also in the form with the link-local address twice",
                Ebgp,
                Audience::Ibgp,
                "fe80::1+fe80::1",
                Ok("2001:db8::254"),
            )
        },
        Row {
            adapt: |rules| {
                rules.own_ipv4 = Some(next_hop("2001:db8::254+fe80::254"));
                rules.ipv6_next_hops = bgp_wire::FamilySet::from([Family::IPV4_UNICAST]);
            },
            ..row(
                "RFC 8950 §4: our IPv6 address for IPv4 routes",
                Ebgp,
                Audience::Ebgp,
                HOP,
                Ok("2001:db8::254+fe80::254"),
            )
        },
        Row {
            adapt: |rules| rules.ipv6_next_hops = bgp_wire::FamilySet::from([Family::IPV4_UNICAST]),
            ..row(
                "RFC 8950 §4: the IPv6 next hop of an IPv4 route stays inside",
                Ebgp,
                Audience::Ibgp,
                "2001:db8::1",
                Ok("2001:db8::1"),
            )
        },
        row(
            "RFC 8950 §4: but only where it can be carried",
            Ebgp,
            Audience::Ibgp,
            "2001:db8::1",
            Err(RejectReason::NextHopNotCarried),
        ),
        Row {
            adapt: |rules| rules.next_hop_self = true,
            ..row(
                "our own can be",
                Ebgp,
                Audience::Ibgp,
                "2001:db8::1",
                Ok(OURS),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "an IPv6 route has no IPv4 next hop",
                Ebgp,
                Audience::Ibgp,
                HOP,
                Err(RejectReason::NextHopNotCarried),
            )
        },
        Row {
            adapt: |rules| rules.own_ipv4 = None,
            ..row(
                "a session without an address of the family",
                Ebgp,
                Audience::Ebgp,
                HOP,
                Err(RejectReason::NoOwnNextHop),
            )
        },
        Row {
            adapt: |rules| rules.own_ipv4 = None,
            ..row(
                "which is not needed inside",
                Ebgp,
                Audience::Ibgp,
                HOP,
                Ok(HOP),
            )
        },
    ];
    for Row {
        rule,
        from,
        to,
        received,
        adapt,
        family,
        expected,
    } in rows
    {
        let mut rules = rules(to);
        adapt(&mut rules);
        let said = told(&set(received, &[ORIGIN, PATH]), from, family, &rules);
        let said = said.map(|bytes| AttrRef::from_canonical(&bytes).next_hop());
        assert_eq!(said, expected.map(|hop| Some(next_hop(hop))), "{rule}");
    }
}

#[test]
fn memberships_of_others_are_not_told_beside_one_for_everything() {
    let membership = set(HOP, &[ORIGIN, PATH]);
    for from in [Ibgp, IbgpClient, Ebgp, Local] {
        for (asks_for_everything, family) in [
            (true, Family::RTC),
            (false, Family::RTC),
            (true, Family::IPV4_VPN),
        ] {
            let rules = ExportRules {
                asks_for_everything,
                ..rules(Audience::IbgpClient)
            };
            let expected = (asks_for_everything && family == Family::RTC && from != Local)
                .then_some(RejectReason::EverythingAsked);
            assert_eq!(told(&membership, from, family, &rules).err(), expected);
        }
    }
}

#[test]
fn a_session_lacks_a_next_hop_for_a_family_exactly_where_our_own_routes_are_not_told() {
    let v6 = || Some(next_hop("2001:db8::254"));
    type Adapt = fn(&mut ExportRules);
    let cases: [(&str, Adapt, Family, bool); 5] = [
        ("an address of each", |_| (), Family::IPV4_UNICAST, false),
        (
            "none of IPv4",
            |rules| rules.own_ipv4 = None,
            Family::IPV4_UNICAST,
            true,
        ),
        (
            "RFC 8950",
            |rules| {
                rules.own_ipv4 = None;
                rules.ipv6_next_hops = bgp_wire::FamilySet::from([Family::IPV4_UNICAST]);
            },
            Family::IPV4_UNICAST,
            false,
        ),
        (
            "none of IPv6",
            |rules| rules.own_ipv6 = None,
            Family::IPV6_UNICAST,
            true,
        ),
        // Where routes are only passed on, theirs stays.
        (
            "a VPN",
            |rules| rules.own_ipv6 = None,
            Family::IPV6_VPN,
            false,
        ),
    ];
    for (name, adapt, family, lacks) in cases {
        for to in [Audience::Ebgp, Audience::Ibgp] {
            let mut rules = rules(to);
            rules.own_ipv6 = v6();
            adapt(&mut rules);
            assert_eq!(rules.lacks_next_hop(family), lacks, "{name}");
            if family != Family::IPV6_VPN {
                let said = told(&set(HOP, &[ORIGIN, PATH]), Local, family, &rules);
                let expected = Err(RejectReason::NoOwnNextHop);
                assert_eq!(said.map(|_| ()) == expected, lacks, "{name}");
            }
        }
    }
}
