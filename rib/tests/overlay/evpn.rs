//! Routes of EVPN.

use bgp_wire::{AttrEditor, Esi, EvpnDetail, EvpnKind, Label, PathId, RouteDistinguisher};
use rib::{ExplainedPath, RouteKey, RowQuery, Step};

use super::reflector::*;

/// RFC 7432 §15: a MAC that moved is where its sequence number is highest; §15.2: a static one does not move. Both come before
/// everything that makes one path of a prefix better than another.
#[test]
fn a_mac_is_where_its_sequence_number_is_highest() {
    let moved = |sequence: u8| format!("0x06000000000000{sequence:02x}");
    let mut rr = Reflector::with(&[CLIENT, CLIENT, CLIENT, CLIENT]);
    let detail = EvpnDetail::default();
    let hop = |rr: &Reflector| {
        let row = rr.rib.rows(&RowQuery::default(), None, 10).rows[0].clone();
        assert!(row.best);
        row.attrs.as_ref().next_hop().unwrap().to_string()
    };
    let mut first = AttrEditor::new();
    first.load(attrs("198.51.100.1", &[]).as_ref());
    first.set_local_pref(Some(500));
    rr.announce(0, first.finish(), &[(PathId(0), mac_ip(1), detail)]);
    assert_eq!(hop(&rr), "198.51.100.1");
    rr.announce(
        1,
        attrs("198.51.100.2", &[&moved(1)]).as_ref(),
        &[(PathId(0), mac_ip(1), detail)],
    );
    assert_eq!(hop(&rr), "198.51.100.2");
    rr.announce(
        2,
        attrs("198.51.100.3", &["0x0600010000000000"]).as_ref(),
        &[(PathId(0), mac_ip(1), detail)],
    );
    assert_eq!(hop(&rr), "198.51.100.3", "static");
    rr.announce(
        1,
        attrs("198.51.100.2", &[&moved(9)]).as_ref(),
        &[(PathId(0), mac_ip(1), detail)],
    );
    assert_eq!(hop(&rr), "198.51.100.3", "static still");
    let explained = rr.rib.explain(RouteKey::Evpn(mac_ip(1))).unwrap();
    let by: Vec<_> = explained
        .paths
        .iter()
        .map(|path| path.reason.loss().map(|loss| loss.step))
        .collect();
    assert_eq!(by, [None, Some(Step::MacMobility), Some(Step::MacMobility)]);
}

/// RFC 7432 §15: "If two (or more) PEs advertise the same MAC address with the same sequence number but different Ethernet
/// segment identifiers, a PE that receives these routes selects the route advertised by the PE with the lowest IP address as
/// the best route." LOCAL_PREF has no say: like the sequence number this is chosen before
/// all else, as FRR does too.
#[test]
fn of_two_segments_with_a_mac_that_of_the_lowest_pe_is_taken() {
    let segment = |number: u8| Esi([0, 1, 2, 3, 4, 5, 6, 7, 8, number]);
    let (one, two, single) = (segment(1), segment(2), Esi::default());
    // PE, segment, sequence number, local preference; which is the best; by what the others lose.
    type Path = (u8, Esi, u8, u32);
    let pe = Step::AdvertisingPe;
    let cases: [(&str, &[Path], usize, &[Step]); 8] = [
        (
            "the lowest PE",
            &[(9, one, 3, 900), (2, two, 3, 100)],
            1,
            &[pe],
        ),
        (
            "no sequence number is 0",
            &[(9, one, 0, 900), (2, two, 0, 100)],
            1,
            &[pe],
        ),
        (
            "9 is below 10",
            &[(10, one, 1, 900), (9, two, 1, 100)],
            1,
            &[pe],
        ),
        (
            "the highest sequence number first",
            &[(9, one, 4, 100), (2, two, 3, 900)],
            0,
            &[Step::MacMobility],
        ),
        (
            "between PEs of one segment nothing of the kind is said",
            &[(9, one, 3, 900), (2, one, 3, 100)],
            0,
            &[Step::LocalPref],
        ),
        (
            "single-homed sites are segments of their own (section 5)",
            &[(9, single, 3, 900), (2, single, 3, 100)],
            1,
            &[pe],
        ),
        (
            "the segment of the lowest PE, and of it the preferred path",
            &[(9, one, 3, 900), (5, two, 3, 500), (2, one, 3, 100)],
            0,
            &[pe, Step::LocalPref],
        ),
        (
            "a PE that moved away earlier has no say",
            &[(9, one, 3, 900), (5, two, 3, 500), (2, one, 2, 100)],
            1,
            &[pe, Step::MacMobility],
        ),
    ];
    for (name, paths, best, lost) in cases {
        // In whatever order they come, and whatever was there before.
        for turn in 0..paths.len() {
            let mut rr = Reflector::with(&[CLIENT; 3]);
            for at in (0..paths.len()).map(|at| (at + turn) % paths.len()) {
                let (host, esi, sequence, local_pref) = paths[at];
                let moved = format!("0x06000000000000{sequence:02x}");
                let moved = [moved.as_str()];
                let hop = format!("198.51.100.{host}");
                let mut editor = AttrEditor::new();
                let communities = if sequence == 0 { &[][..] } else { &moved };
                editor.load(attrs(&hop, communities).as_ref());
                editor.set_local_pref(Some(local_pref));
                let detail = EvpnDetail::Mac {
                    esi,
                    label: Label::from_raw(10_000),
                    second: None,
                };
                rr.announce(at, editor.finish(), &[(PathId(0), mac_ip(1), detail)]);
            }
            let explained = rr.rib.explain(RouteKey::Evpn(mac_ip(1))).unwrap();
            let ExplainedPath { row, reason, .. } = &explained.paths[0];
            assert!(reason.loss().is_none(), "{name}");
            let hop = row.attrs.as_ref().next_hop().unwrap().to_string();
            assert_eq!(
                hop,
                format!("198.51.100.{}", paths[best].0),
                "{name}, {turn}"
            );
            let mut by: Vec<_> = explained
                .paths
                .iter()
                .filter_map(|path| path.reason.loss().map(|loss| loss.step))
                .collect();
            let mut lost = lost.to_vec();
            by.sort();
            lost.sort();
            assert_eq!(by, lost, "{name}, {turn}");
        }
    }
}

/// RFC 7432 §7.2: labels and the Ethernet segment are "not part of the prefix", so they change in place.
#[test]
fn an_evpn_route_changes_its_labels_in_place() {
    let mut rr = Reflector::with(&[CLIENT, CLIENT]);
    let set = attrs("198.51.100.1", &["rt:65000:1"]);
    let esi: Esi = "00:01:02:03:04:05:06:07:08:09".parse().unwrap();
    for label in [Label::from_raw(10_000), Label::from_raw(10_001)] {
        let detail = EvpnDetail::Mac {
            esi,
            label,
            second: None,
        };
        rr.announce(0, set.as_ref(), &[(PathId(0), mac_ip(1), detail)]);
        let (told, _) = &rr.clients[1].holds[&mac_ip(1).to_string()];
        assert_eq!(*told, format!("{detail:?}"));
    }
    assert_eq!((rr.holds(1).len(), rr.rib.counts().paths()), (1, 1));
    let rows = |query: &RowQuery| rr.rib.rows(query, None, 10).rows.len();
    let kind = |kind| RowQuery {
        kind: Some(kind),
        ..RowQuery::default()
    };
    assert_eq!(
        (
            rows(&kind(EvpnKind::MacIp)),
            rows(&kind(EvpnKind::IpPrefix))
        ),
        (1, 0)
    );
    let rd = |number| RowQuery {
        rd: RouteDistinguisher::from_as(US, number),
        ..RowQuery::default()
    };
    assert_eq!((rows(&rd(1)), rows(&rd(2))), (1, 0));
    rr.withdraw(0, &[(PathId(0), mac_ip(1))]);
    assert!(rr.holds(1).is_empty());
}
