//! What is well-formed and of no use here is counted by itself, apart from errors.

use bgp_session::{RemoteAs, State};
use bgp_wire::Family;

use crate::messages::Lone;
use crate::pair::{A, config};
use crate::raw::{RawOpen, message};

/// ORIGIN, an empty AS_PATH, NEXT_HOP and LOCAL_PREF, and these attributes behind them; 10.0.0.0/8 of the body.
fn update(more: &[u8]) -> Vec<u8> {
    let first = [
        0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 2, 0x40, 5, 4, 0, 0, 0, 100,
    ];
    let attributes = [&first, more].concat();
    let length = u16::try_from(attributes.len()).unwrap().to_be_bytes();
    message(2, &[&[0, 0], &length[..], &attributes, &[8, 10]].concat())
}

/// TUNNEL_ENCAPSULATION: one VXLAN tunnel to 192.0.2.1 with these sub-TLVs.
fn tunnel(sub_tlvs: &[u8]) -> Vec<u8> {
    let endpoint = [6, 10, 0, 0, 0, 0, 0, 1, 192, 0, 2, 1];
    let value = [&endpoint, sub_tlvs].concat();
    let length = u8::try_from(value.len()).unwrap();
    [&[0xc0, 23, length + 4, 0, 8, 0, length], &value[..]].concat()
}

/// RFC 4760 §6: families that both announced are used, here IPv4 unicast alone. RFC 9012 §13: of sub-TLVs that may be there
/// once the first is used, and the tunnel is not malformed; but one that is malformed is told as an error. Tunnels are for
/// internal neighbours (RFC 9012 §11).
#[test]
fn parts_of_no_use_are_counted_and_are_no_errors() {
    let mut internal = config(A);
    internal.remote_as = RemoteAs::Internal;
    let open = RawOpen {
        my_as: 65001,
        ..RawOpen::with_capabilities(&[1, 4, 0, 1, 0, 1, 65, 4, 0, 0, 0xfd, 0xe9])
    };
    let mut lone = Lone::established(internal, &open);
    let counted = |lone: &Lone| {
        let all = lone.peer.stats().findings;
        let acted = all.attribute_discard + all.treat_as_withdraw + all.afi_safi_disable;
        assert_eq!((acted, all.session_reset), (0, 0));
        (all.not_used, all.none)
    };
    lone.feed(&update(&[]));
    assert_eq!(counted(&lone), (0, 0));
    // VPN-IPv4 routes withdrawn (RFC 4364 §4.3.4): label, RD 0:1, 10.0.0.0/8.
    let unreach = [
        0x80, 15, 16, 0, 1, 128, 96, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 10,
    ];
    lone.feed(&update(&unreach));
    assert_eq!(counted(&lone), (1, 0));
    let (port, no_port) = ([8, 2, 0x12, 0xb5], [8, 2, 0, 0]);
    lone.feed(&update(&tunnel(&[port, port].concat())));
    assert_eq!(counted(&lone), (2, 0));
    lone.feed(&update(&tunnel(&no_port)));
    assert_eq!(counted(&lone), (2, 1));
    assert_eq!(lone.peer.state(), State::Established);
    assert_eq!(lone.sink.announced, [(Family::IPV4_UNICAST, 1); 4]);
}
