//! The same UPDATE read by two other codecs: where neither they nor we have anything to object, NLRI and attributes agree. The
//! first octet chooses the session.
//!
//! - bgpkit-parser: unicast, multicast and labelled NLRI, and most attributes.
//! - netgauze-bgp-pkt: VPN, EVPN and route target membership besides.
#![no_main]

#[path = "differential/bgpkit.rs"]
mod bgpkit;
#[path = "differential/netgauze.rs"]
mod netgauze;

use bgp_fuzz::{Input, LOCAL_AS, PEER_AS};
use bgp_wire::{AttrScratch, FamilySet, PeerKind, SessionContext, decode_update};
use libfuzzer_sys::fuzz_target;

/// What two speakers agreed on, as far as each codec can be told.
#[derive(Clone, Copy)]
struct Session {
    asn4: bool,
    internal: bool,
    add_path: bool,
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let choice = input.octet();
    let session = Session {
        asn4: choice & 1 == 0,
        internal: choice & 2 != 0,
        add_path: choice & 4 != 0,
    };
    let (kind, remote) = match session.internal {
        true => (PeerKind::Internal, LOCAL_AS),
        false => (PeerKind::External, PEER_AS),
    };
    let all = FamilySet::supported();
    let ctx = SessionContext {
        asn4: session.asn4,
        peer_kind: kind,
        accept_as_set: true,
        families: all,
        same_domain: true,
        add_path_receive: match session.add_path {
            true => all,
            false => FamilySet::EMPTY,
        },
        ..SessionContext::new(LOCAL_AS, remote)
    };
    let body = input.rest();
    let mut scratch = AttrScratch::new();
    let Ok(ours) = decode_update(body, &ctx, &mut scratch) else {
        return;
    };
    if ours.findings.is_empty() {
        bgpkit::agrees(body, &ours.update, session);
        netgauze::agrees(body, &ours.update, session);
    }
});
