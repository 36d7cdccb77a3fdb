//! BGP-4 messages to bytes and back.
//!
//! This crate never opens a socket, never reads a clock, never spawns a thread and never panics on
//! what it is given. It knows what octets mean and how bad they are; what to do with a route is for
//! others.
//!
//! # Map
//!
//! - [`next_frame`] cuts a stream into messages. [`Open`], [`Notification`], [`RouteRefresh`] and
//!   [`encode_keepalive`] are the small ones; [`Message`] is any of them, for tools.
//! - [`decode_update`] reads an UPDATE without copying NLRI: an [`Update`] borrows them from the
//!   message, and the attributes, in canonical form, from an [`AttrScratch`] that is reused. What
//!   is wrong is a value, [`Finding`], with the [`Disposition`] that RFC 7606 gives it.
//! - [`AttrRef`] reads a set of attributes, [`AttrSet`] owns one, [`AttrEditor`] changes one. Equal
//!   sets have equal octets.
//! - [`encode_announce`] and [`encode_withdraw`] fill one message and say how many NLRI it holds.
//! - [`SessionContext`] is what two speakers agreed on and octets depend on.
//! - [`text`] lists the texts that people know, all of them read and printed.
//!
//! A new attribute is a file in `attribute/` and a line in its table; a new family is a file in
//! `nlri/` and a line in its table; a new capability likewise.
//!
//! # Example
//!
//! ```
//! use bgp_wire::{
//!       Asn, AttrEditor, AttrScratch, Disposition, Encoding, Family, NextHop, Origin, PathId,
//!   SessionContext,
//!     decode_update, encode_announce, next_frame,
//! };
//! use bytes::BytesMut;
//! use ipnet::Ipv6Net;
//!
//! let mut attrs = AttrEditor::new();
//! attrs.set_next_hop(NextHop::V6("2001:db8::1".parse()?));
//! attrs.set_origin(Origin::Igp);
//! attrs.set_as_path(&[Asn(65001)]);
//! attrs.add_community("65001:7".parse()?);
//!
//! let prefixes: [(PathId, Ipv6Net); 2] =
//!     [(PathId(0), "2001:db8:1::/48".parse()?), (PathId(0), "2001:db8:2::/48".parse()?)];
//! let mut out = BytesMut::new();
//! let sent = encode_announce(&mut out, Family::IPV6_UNICAST, &Encoding::default(), attrs.finish(),
//! &prefixes)?; assert_eq!(sent, 2);
//!
//! let session = SessionContext::new(Asn(65000), Asn(65001));
//! let mut scratch = AttrScratch::new();
//! let (frame, _) = next_frame(&out, session.max_message)?.expect("the message is whole");
//! let decoded = decode_update(frame.body, &session, &mut scratch)?;
//! assert_eq!(decoded.disposition, Disposition::None);
//! let reach = decoded.update.reach.expect("there is an MP_REACH_NLRI");
//! assert!(reach.nlri.iter_v6().eq(prefixes));
//! assert_eq!(decoded.update.mp_attrs, Some(attrs.get()));
//! assert_eq!(attrs.get().as_path().to_string(), "65001");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # RFCs
//!
//! | | |
//! |---|---|
//! | 1997 | Communities |
//! | 2545 | IPv6 next hops |
//! | 2918, 7313 | ROUTE-REFRESH and its enhanced form |
//! | 4271 | BGP-4 |
//! | 4360, 5668, 5701 | Extended communities |
//! | 4364, 4659 | VPN routes |
//! | 4456 | ORIGINATOR_ID, CLUSTER_LIST |
//! | 4486, 8203, 9003, 8538, 9384 | Cease subcodes and texts |
//! | 4684 | Route target membership |
//! | 4724, 9494 | Graceful restart capabilities, End-of-RIB |
//! | 4760 | Multiprotocol extensions |
//! | 4761, 6074 | VPLS |
//! | 5065 | Confederations |
//! | 5396 | AS numbers as texts |
//! | 5492, 9072 | Capabilities, extended optional parameters |
//! | 5543 | Traffic engineering |
//! | 6286 | BGP identifiers |
//! | 6368 | ATTR_SET |
//! | 6514 | Multicast VPNs |
//! | 6514, 8317, 9574 | PMSI tunnels |
//! | 6608 | FSM error subcodes |
//! | 6793 | Four-octet AS numbers |
//! | 7311 | AIGP |
//! | 7432, 9136, 9251, 9572 | EVPN routes |
//! | 7606 | Revised error handling |
//! | 7607 | AS 0 |
//! | 7911 | ADD-PATH |
//! | 8092 | Large communities |
//! | 8277 | Labels in front of prefixes |
//! | 8571, 8814, 9085, 9086, 9351, 9514, 9552 | Link state |
//! | 8654 | Extended messages |
//! | 8950 | IPv6 next hops for IPv4 |
//! | 8955, 8956 | Flow specifications |
//! | 8669, 9252 | Prefix-SIDs, SRv6 services |
//! | 9012, 9830, 9831 | Tunnel encapsulation, SR policies |
//! | 9026 | BFD discriminator |
//! | 9234 | BGP Role, ONLY_TO_CUSTOMER |
//! | 9687 | Send hold timer expired |
//! | 9774 | No more AS_SET |
//!
//! Where the text leaves a choice or experience says otherwise, the choice is at the code: AFI/SAFI
//! disable (RFC 7606 §2) is chosen over a session reset where [`SessionContext::disable_families`]
//! says so and another family is left; a second next hop that is not link-local is a finding and left out; the Partial bit on an optional non-transitive attribute is cleared and no
//! error, while AIGP with the Transitive bit is discarded; an AS_CONFED_SET in AS4_PATH counts as RFC 9774 says, not as RFC 6793; a malformed NLRI
//! that has a length of its own is passed over by itself, unless its key can be read.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::cast_possible_truncation
    )
)]

pub mod attribute;
pub mod capability;
pub mod codes;
mod context;
mod describe;
mod error;
mod esi;
mod family;
mod faults;
pub mod frame;
mod input;
mod keepalive;
mod length;
mod mac;
mod message;
mod nlri;
mod notification;
mod open;
mod route_refresh;
pub mod text;
mod types;
mod update;

pub use attribute::{
    Administrator, Aggregator, AsPath, AsPathRef, AttrCode, AttrEditor, AttrRef, AttrSet,
    Attributes, Community, ExtCommunity, Ipv6ExtCommunity, LabelField, LabelFields, LargeCommunity,
    MacMobility, NextHop, Origin, ParseOriginError, PmsiTunnel, PrefixSid, Segment, SegmentKind,
    SidStructure, Srv6Sid, behavior_name, behavior_number,
};
pub use capability::{
    AddPathMode, Capability, FilterFamily, Fqdn, GracefulRestart, LongLivedFamily, Role,
};
pub use context::{PeerKind, SessionContext};
pub use describe::{Fields, Node};
pub use error::{DecodeError, Disposition, EncodeError, Finding, Findings, MessageError, Reason};
pub use esi::{Esi, EsiParts};
pub use family::{AFI_IPV4, AFI_IPV6, Family, FamilySet, ParseFamilyError};
pub use frame::{Frame, MessageType, next_frame};
pub use keepalive::encode_keepalive;
pub use mac::MacAddr;
pub use message::Message;
pub use nlri::{
    Announcement, EvpnDetail, EvpnKind, EvpnRoute, Form, IpPrefix, Label, Labeled, Nlri, NlriBlock,
    NlriIter, RouteDistinguisher, RouteTargetMembership, Vpn,
};
pub use notification::Notification;
pub use open::{CapabilityFault, CapabilityFaults, Open, VERSION};
pub use route_refresh::{RefreshSubtype, RouteRefresh, encode_route_refresh};
pub use text::ParseTextError;
pub use types::{AS_TRANS, Asn, HoldTime, PathId, RouterId};
pub use update::{
    AttrScratch, Decoded, Encoding, MpReach, MpUnreach, RoutesOf, Update, decode_update,
    dissect_update, encode_announce, encode_end_of_rib, encode_sent, encode_update,
    encode_withdraw,
};
