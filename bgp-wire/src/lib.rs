//! BGP-4 messages to bytes and back.
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
mod error;
mod family;
pub mod frame;
mod input;
mod keepalive;
mod length;
mod message;
mod nlri;
mod notification;
mod open;
mod route_refresh;
mod types;
mod update;

pub use attribute::{
    Aggregator, AsPathRef, AttrCode, AttrEditor, AttrRef, AttrSet, Attributes, Community,
    ExtCommunity, LargeCommunity, NextHop, Origin, ParseCommunityError, ParseOriginError, Segment,
    SegmentKind,
};
pub use capability::{AddPathMode, Capability, Fqdn, GracefulRestart, LongLivedFamily};
pub use context::{PeerKind, SessionContext};
pub use error::{DecodeError, Disposition, EncodeError, Finding, Findings, MessageError, Reason};
pub use family::{AFI_IPV4, AFI_IPV6, Family, FamilySet, ParseFamilyError};
pub use frame::{Frame, MessageType, next_frame};
pub use keepalive::encode_keepalive;
pub use message::Message;
pub use nlri::{Nlri, NlriBlock, NlriIter};
pub use notification::Notification;
pub use open::{Open, VERSION};
pub use route_refresh::{RefreshSubtype, RouteRefresh, encode_route_refresh};
pub use types::{AS_TRANS, Asn, HoldTime, ParseAsnError, PathId, RouterId};
pub use update::{
    AttrScratch, Decoded, Encoding, MpReach, MpUnreach, Update, decode_update, encode_announce,
    encode_end_of_rib, encode_update, encode_withdraw,
};
