//! EVPN routes that are not what their type says.

use bgp_wire::EvpnRoute;

use super::*;

/// [3]:[65000:100]:[7]:[32]:[10.0.0.1], as GoBGP 3.10 sends it.
pub(crate) const MULTICAST: [u8; 19] = [
    3, 17, 0, 0, 0xfd, 0xe8, 0, 0, 0, 100, 0, 0, 0, 7, 32, 10, 0, 0, 1,
];

/// [5]:[65000:100]:[7]:[24]:[10.1.2.0], gateway 10.0.0.254, likewise.
pub(crate) const PREFIX: [u8; 36] = [
    5, 34, 0, 0, 0xfd, 0xe8, 0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 24, 10, 1, 2,
    0, 10, 0, 0, 254, 0, 2, 0x58,
];

/// [2]:[65000:100]:[7]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1], likewise.
pub(crate) const MAC_IP: [u8; 39] = [
    2, 37, 0, 0, 0xfd, 0xe8, 0, 0, 0, 100, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
    0, 0, 0, 7, 48, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 32, 10, 0, 0, 1, 0, 3, 0xe8,
];

const MULTICAST_TEXT: &str = "[3]:[65000:100]:[7]:[32]:[10.0.0.1]";
const PREFIX_TEXT: &str = "[5]:[65000:100]:[7]:[24]:[10.1.2.0]";
const MAC_IP_TEXT: &str = "[2]:[65000:100]:[7]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1]";

fn evpn(nlri: &[u8]) -> Vec<u8> {
    reach(25, 70, &[192, 0, 2, 1], nlri)
}

fn session(add_path: bool) -> SessionContext {
    let families = FamilySet::from([Family::L2VPN_EVPN]);
    SessionContext {
        families,
        add_path_receive: if add_path { families } else { FamilySet::EMPTY },
        ..external()
    }
}

fn announce(value: Vec<u8>) -> Parts {
    Parts::good_v6().replaced(14, attribute(0x80, 14, &value))
}

fn withdraw(value: Vec<u8>) -> Parts {
    Parts::default().with(attribute(0x80, 15, &value))
}

#[test]
fn evpn_routes() {
    let ctx = session(false);
    let changed = |route: &[u8], place: usize, octet: u8| {
        let mut route = route.to_vec();
        route[place] = octet;
        route
    };
    let ends = |value: Vec<u8>| Ends(9, attribute(0x80, 14, &value));
    run(vec![
        case(
            "types 2, 3 and 5",
            "RFC 7432 §7, RFC 9136 §3.1",
            &ctx,
            announce(evpn(&[&MAC_IP[..], &MULTICAST, &PREFIX].concat())),
            announces([MAC_IP_TEXT, MULTICAST_TEXT, PREFIX_TEXT].join(" ")),
        ),
        case(
            "next hop of IPv6",
            "RFC 7432 §9.2.1",
            &ctx,
            announce(reach(25, 70, &NEXT_HOP_V6, &MULTICAST)),
            Via(MULTICAST_TEXT, "2001:db8::1"),
        ),
        case(
            "next hop of 12",
            "RFC 7606 §7.11",
            &ctx,
            announce(reach(25, 70, &[1; 12], &MULTICAST)),
            ends(reach(25, 70, &[1; 12], &MULTICAST)),
        ),
        case(
            "no next hop",
            "RFC 7606 §7.11",
            &ctx,
            announce(reach(25, 70, &[], &MULTICAST)),
            ends(reach(25, 70, &[], &MULTICAST)),
        ),
        case(
            "type unknown",
            "RFC 7606 §5.4",
            &ctx,
            announce(evpn(&[&[12, 1, 0], &MULTICAST[..]].concat())),
            announces(MULTICAST_TEXT),
        ),
        case(
            "type unknown and nothing else",
            "RFC 7606 §5.4",
            &ctx,
            announce(evpn(&[0, 1, 0])),
            announces(""),
        ),
        case(
            "type unknown withdrawn",
            "RFC 7606 §5.4",
            &ctx,
            withdraw(unreach(25, 70, &[12, 1, 0])),
            withdraws(""),
        ),
        case(
            "length beyond the attribute",
            "RFC 7606 §5.3, §7.11",
            &ctx,
            announce(evpn(&changed(&MULTICAST, 1, 18))),
            ends(evpn(&changed(&MULTICAST, 1, 18))),
        ),
        case(
            "type without length",
            "RFC 7606 §5.3, §7.11",
            &ctx,
            announce(evpn(&[&MULTICAST[..], &[3]].concat())),
            ends(evpn(&[&MULTICAST[..], &[3]].concat())),
        ),
        case(
            "withdrawn length beyond the attribute",
            "RFC 7606 §5.3, §7.12",
            &ctx,
            withdraw(unreach(25, 70, &MULTICAST[..18])),
            Ends(9, attribute(0x80, 15, &unreach(25, 70, &MULTICAST[..18]))),
        ),
        case(
            "path identifier missing",
            "RFC 7911 §3",
            &session(true),
            announce(evpn(&MULTICAST)),
            ends(evpn(&MULTICAST)),
        ),
        case(
            "path identifier there",
            "RFC 7911 §3",
            &session(true),
            announce(evpn(&[&[0, 0, 0, 1], &MULTICAST[..]].concat())),
            announces("[3]:[65000:100]:[7]:[32]:[10.0.0.1]#1"),
        ),
        case(
            "prefix of multicast, of which there is no rule",
            "RFC 9136 §3.1; FRR's process_type5_route() takes it, too",
            &ctx,
            announce(evpn(&changed(&PREFIX, 25, 224))),
            announces("[5]:[65000:100]:[7]:[24]:[224.1.2.0]"),
        ),
        case(
            "gateway and Ethernet segment",
            "RFC 9136 §3.2",
            &ctx,
            announce(evpn(&changed(&PREFIX, 12, 9))),
            Stays(W),
        ),
        case(
            "gateway and Ethernet segment, withdrawn",
            "RFC 9136 §3.2 speaks of routes",
            &ctx,
            withdraw(unreach(25, 70, &changed(&PREFIX, 12, 9))),
            withdraws(PREFIX_TEXT),
        ),
    ]);
}

/// RFC 9136 §3.1 of a label of zero, and §3.2 with its Table 1: what may be beside it, and what stands
/// in for it.
#[test]
fn ip_prefixes_without_a_label_have_an_overlay_index() {
    const SEGMENT: usize = 12;
    const GATEWAY: usize = 29;
    const LABEL: usize = 33;
    const MAC: [u8; 8] = [6, 3, 0, 0x11, 0x22, 0x33, 0x44, 0x55];
    let route = |esi: u8, gateway: u8, label: [u8; 3]| {
        let mut route = PREFIX;
        (route[SEGMENT], route[GATEWAY]) = (esi, gateway);
        route[GATEWAY + 1..LABEL].fill(0);
        route[LABEL..].copy_from_slice(&label);
        route
    };
    let with = |route: [u8; 36], communities: &[[u8; 8]]| {
        let parts = announce(evpn(&route));
        match communities {
            [] => parts,
            all => parts.with(attribute(0xc0, 16, &all.concat())),
        }
    };
    let encapsulation = |tunnel_type: u8| [3, 0x0c, 0, 0, 0, 0, 0, tunnel_type];
    let (zero, label) = ([0; 3], [0, 2, 0x58]);
    // 2001:db8:1:2:: for End.DT4 (RFC 9252 §2, §3.1).
    let mut service = vec![5, 0, 25, 0, 1, 0, 21, 0];
    service.extend([0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    service.extend([0, 0, 19, 0]);
    let good = || announces(PREFIX_TEXT);
    let (ctx, table) = (session(false), "RFC 9136 §3.2, Table 1");
    let inside = SessionContext {
        same_domain: true,
        ..session(false)
    };
    run(vec![
        case("ESI", table, &ctx, with(route(9, 0, zero), &[]), good()),
        case(
            "ESI and MAC",
            table,
            &ctx,
            with(route(9, 0, zero), &[MAC]),
            good(),
        ),
        case("gateway", table, &ctx, with(route(0, 9, zero), &[]), good()),
        case("MAC", table, &ctx, with(route(0, 0, zero), &[MAC]), good()),
        case("label", table, &ctx, with(route(0, 0, label), &[]), good()),
        case(
            "nothing",
            "RFC 9136 §3.1",
            &ctx,
            with(route(0, 0, zero), &[]),
            Stays(W),
        ),
        case(
            "a MAC address of zero, which stands for none",
            table,
            &ctx,
            with(route(0, 0, zero), &[[6, 3, 0, 0, 0, 0, 0, 0]]),
            Stays(W),
        ),
        case(
            "MAC address of a group",
            table,
            &ctx,
            with(route(0, 0, label), &[[6, 3, 1, 0, 0x5e, 0, 0, 1]]),
            Stays(W),
        ),
        case(
            "MAC address of a group beside a route that has none",
            "RFC 9136 §3.2 speaks of type 5",
            &ctx,
            announce(evpn(&MULTICAST)).with(attribute(0xc0, 16, &[6, 3, 1, 0, 0x5e, 0, 0, 1])),
            announces(MULTICAST_TEXT),
        ),
        case(
            "label 0 of MPLS at the bottom of its stack",
            "RFC 9136 §3.1: the high-order 20 bits",
            &ctx,
            with(route(0, 0, [0, 0, 1]), &[encapsulation(10)]),
            Stays(W),
        ),
        case(
            "VNI 1",
            "RFC 8365 §5.1.3: all 24 bits",
            &ctx,
            with(route(0, 0, [0, 0, 1]), &[encapsulation(8)]),
            good(),
        ),
        case(
            "SID of SRv6 that is whole",
            "RFC 9252 §4, §6.5",
            &inside,
            with(route(0, 0, zero), &[]).with(attribute(0xc0, 40, &service)),
            good(),
        ),
        case(
            "nothing, withdrawn",
            "RFC 9136 §3.1 speaks of routes",
            &ctx,
            withdraw(unreach(25, 70, &route(0, 0, zero))),
            withdraws(PREFIX_TEXT),
        ),
    ]);
}

/// RFC 7432 §7.2, RFC 9136 §3.1 give the lengths. One route whose key has others is passed over; that
/// its neighbours are used is RFC 7606 §5.4, and that the session stays.
#[test]
fn a_malformed_evpn_route_does_not_harm_its_neighbours() {
    let ctx = session(false);
    let with = |route: &[u8], place: usize, octet: u8| {
        let mut route = route.to_vec();
        route[place] = octet;
        route
    };
    for (name, bad, field, reason, place) in [
        (
            "MAC address of 47 bits",
            with(&MAC_IP, 24, 47),
            "MAC Address Length",
            Reason::Value(47),
            24,
        ),
        (
            "IP address of 33 bits",
            with(&MAC_IP, 31, 33),
            "IP Address Length",
            Reason::Value(33),
            31,
        ),
        (
            "originator of 0 bits",
            with(&MULTICAST, 14, 0),
            "IP Address Length",
            Reason::Value(0),
            14,
        ),
        (
            "prefix of 33 bits",
            with(&PREFIX, 24, 33),
            "IP Prefix Length",
            Reason::Value(33),
            24,
        ),
        (
            "type 5 that is no type 3",
            with(&MULTICAST, 0, 5),
            "Length",
            Reason::Length(17),
            2,
        ),
        (
            "type 200",
            with(&MULTICAST, 0, 200),
            "Route Type",
            Reason::Unknown(200),
            0,
        ),
    ] {
        let value = evpn(&[&MULTICAST[..], &bad, &PREFIX].concat());
        let (body, mut scratch) = (announce(value).body(), AttrScratch::new());
        let decoded = decode(&body, &ctx, &mut scratch);
        assert_eq!(decoded.disposition, N, "{name}");
        let reach = decoded.update.reach.unwrap();
        let routes: Vec<String> = reach
            .nlri
            .iter::<EvpnRoute>()
            .map(|(_, route, _)| route.to_string())
            .collect();
        let wanted = [
            "[3]:[65000:100]:[7]:[32]:[10.0.0.1]",
            "[5]:[65000:100]:[7]:[24]:[10.1.2.0]",
        ];
        assert_eq!(routes, wanted, "{name}");
        assert_eq!(reach.nlri.ignored(), 1, "{name}");
        let [finding] = decoded.findings[..] else {
            panic!("{name}: {:?}", decoded.findings);
        };
        let first = body
            .windows(MULTICAST.len())
            .position(|octets| octets == MULTICAST)
            .unwrap();
        let error = finding.error;
        assert_eq!((error.field, error.reason), (field, reason), "{name}");
        let at = 19 + first + MULTICAST.len() + place;
        assert_eq!(error.offset, at, "{name}");
        assert_eq!(finding.attribute, Some(AttrCode::MP_REACH_NLRI), "{name}");
        // RFC 7606 §5.4 makes a type that is not known no error.
        assert_eq!(finding.is_malformed(), bad[0] != 200, "{name}");
    }
}

/// RFC 7432 §7.1 to §7.4, RFC 9251 §9.1 say how long each is. The key is there and what is behind it is
/// not: what the peer said of this route before does not hold any more, so that RFC 7606 §2 is the
/// least that can be done, and the route is among those that are withdrawn.
#[test]
fn a_malformed_evpn_route_whose_key_is_there_is_treated_as_withdrawn() {
    let ctx = session(false);
    let resized = |route: &[u8], change: i8| {
        let mut route = route.to_vec();
        let octets = route.len().checked_add_signed(change.into()).unwrap();
        route.resize(octets, 0);
        route[1] = route[1].checked_add_signed(change).unwrap();
        route
    };
    let segment = [
        4, 23, 0, 0, 0xfd, 0xe8, 0, 0, 0, 100, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 32, 10, 0, 0, 1,
    ];
    let discovery = [
        1, 25, 0, 0, 0xfd, 0xe8, 0, 0, 0, 100, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 7, 0, 3, 0xe8,
    ];
    for (bad, text) in [
        (
            resized(&MAC_IP, -1),
            "[2]:[65000:100]:[7]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1]",
        ),
        (
            resized(&MAC_IP, 4),
            "[2]:[65000:100]:[7]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1]",
        ),
        (
            resized(&MULTICAST, 1),
            "[3]:[65000:100]:[7]:[32]:[10.0.0.1]",
        ),
        (
            resized(&segment, 3),
            "[4]:[65000:100]:[00:01:02:03:04:05:06:07:08:09]:[32]:[10.0.0.1]",
        ),
        (
            resized(&discovery, -3),
            "[1]:[65000:100]:[7]:[00:01:02:03:04:05:06:07:08:09]",
        ),
    ] {
        let routes = |nlri: &bgp_wire::NlriBlock<'_>| {
            let routes = nlri.iter::<EvpnRoute>();
            routes.map(|(_, route, _)| route.to_string()).collect()
        };
        let wanted = [text, "[5]:[65000:100]:[7]:[24]:[10.1.2.0]"];
        let nlri = [&bad[..], &PREFIX].concat();
        let (body, mut scratch) = (announce(evpn(&nlri)).body(), AttrScratch::new());
        let decoded = decode(&body, &ctx, &mut scratch);
        assert_eq!(decoded.disposition, W, "{text}");
        let [finding] = decoded.findings[..] else {
            panic!("{text}: {:?}", decoded.findings);
        };
        assert_eq!(finding.error.field, "Length", "{text}");
        let block = decoded.update.reach.unwrap().nlri;
        let announced: Vec<String> = routes(&block);
        assert_eq!(announced, wanted);
        assert_eq!((block.len(), block.ignored()), (2, 0), "{text}");

        let body = withdraw(unreach(25, 70, &nlri)).body();
        let decoded = decode(&body, &ctx, &mut scratch);
        // To withdraw a route its key is enough; that its end is malformed is said all the same.
        let [finding] = decoded.findings[..] else {
            panic!("{text}: {:?}", decoded.findings);
        };
        assert_eq!((finding.error.field, finding.disposition), ("Length", N));
        assert!(finding.is_malformed(), "{text}");
        let withdrawn: Vec<String> = routes(&decoded.update.unreach.unwrap().nlri);
        assert_eq!(withdrawn, wanted);
    }
}
