//! Adj-RIB-In, Loc-RIB and Adj-RIB-Out of one router, in lock shards.
//!
//! This crate opens nothing, reads no clock, starts no thread and awaits nothing. Routes come in as decoded UPDATEs and
//! go out as encoded ones, and as changes for a forwarding table.
//!
//! Three sentences hold the design:
//!
//! - **Tasks own peers.** Everything one peer says or is told is handled by that peer's task, in order. Only it calls
//!   [`Inbound`] and the walks of that peer.
//! - **Locks own prefixes.** A destination and all that depends on it live in one shard, under one short lock, in
//!   which only pure code runs.
//! - **Readers are rung, not fed.** A change marks the destination dirty for each interested reader and rings its
//!   [`Doorbell`] once. The reader comes back, in its own time, for the newest state. A reader is the kernel or an
//!   *export group*: all peers that are told the same things.
//!
//! # The life of an UPDATE
//!
//! ```text
//! task of peer A
//!  1  Inbound::update      loop checks and import policy, once for a set             no lock       inbound.rs
//!                          prefixes hashed, sorted into shards                       no lock       shard_key.rs
//!  2  Inbound::flush       next hops of new sets resolved                            no lock       nexthop.rs
//!                          sets interned                                             pin           attrs.rs
//!                          shard by shard: paths in, best path elected,              pin, shard    family_table.rs
//!                          readers marked dirty                                                    dirty.rs
//!                          readers rung                                              no lock
//! -- doorbell -------------------------------------------------------------------------------------------------
//! the exporter, for each group                                 the kernel's task
//!  3a Exporter::drain      newest state against what      3b   Rib::drain_fib   newest state:      pin, shard
//!                          was told: records                                    best and multipath
//!                          pin, shard       adj_out.rs                                             reader.rs
//!  4a                      export each set once           4b   diff with what is installed
//!                          pin              export.rs
//!  5a                      pack, encode each UPDATE once
//!                                           pack.rs
//!  6a                      the same bytes in the queue
//!                          of every member  queue.rs
//! ```
//!
//! Locks are taken in one order: pin (the interner and the list of peers, both shared), then one shard. Nothing is
//! locked under a shard.
//!
//! # Example
//!
//! Two external peers of one router: what one announces, the other is told.
//!
//! ```
//! use bgp_wire::*;
//! use rib::*;
//! use std::sync::Arc;
//!
//! let rib = Rib::new(RibConfig {
//!     shards: 2,
//!     local_as: Asn(65000),
//!     router_id: RouterId(1),
//!     cluster_id: None,
//!     selection: Selection { decision: DecisionConfig::default(), max_paths: 1, require_reachable: false },
//!     next_hops: Arc::new(AllReachable),
//! });
//! let peer = |name: &str, host: u8| PeerInfo {
//!     name: name.into(),
//!     address: [10, 0, 0, host].into(),
//!     kind: SourceKind::Ebgp,
//!     asn: Asn(65000 + u32::from(host)),
//!     router_id: RouterId(u32::from(host)),
//!     link: 0,
//!     one_hop: false,
//!     long_lived: false,
//!     allow_as_in: 0,
//!     rules: ImportRules::default(),
//!     import: RoutePolicy::AcceptAll,
//! };
//! let left = rib.add_peer(peer("left", 1))?;
//! let right = rib.add_peer(peer("right", 2))?;
//!
//! // The right peer's session is up: it joins, and is told that there is nothing yet.
//! let encoding = Encoding { asn4: true, add_path: false, max_message: 4096, mp_ipv4: false };
//! let key = GroupKey {
//!     rules: ExportRules {
//!         audience: Audience::Ebgp,
//!         local_as: Asn(65000),
//!         router_id: RouterId(1),
//!         cluster_id: RouterId(1),
//!         own_ipv4: Some(NextHop::V4([10, 0, 0, 9].into())),
//!         own_ipv6: None,
//!         ipv6_next_hops: FamilySet::EMPTY,
//!         wanted: None,
//!         asks_for_everything: false,
//!         next_hop_self: false,
//!         long_lived: true,
//!         graceful_shutdown: false,
//!         role: None,
//!         as_path: AsPathRules::default(),
//!         policy: RoutePolicy::AcceptAll,
//!     },
//!     families: [FamilyExport { family: Family::IPV4_UNICAST, encoding: encoding.clone(), add_path: 0 }]
//!         .into_iter()
//!         .collect(),
//! };
//! let mut exporter = Exporter::new(&rib, Arc::new(()));
//! let queue = Arc::new(MemberQueue::new(Arc::new(())));
//! exporter.join(&rib, right, key, Arc::clone(&queue));
//! exporter.drain(&rib, 1000);
//! let ctx = SessionContext::new(Asn(65000), Asn(65001));
//! let mut scratch = AttrScratch::default();
//! let end = queue.pop().unwrap();
//! let decoded = decode_update(&end.bytes[19..], &ctx, &mut scratch)?;
//! assert_eq!(decoded.update.end_of_rib, Some(Family::IPV4_UNICAST));
//!
//! // The left peer announces a prefix.
//! let mut editor = AttrEditor::new();
//! editor.set_origin(Origin::Igp);
//! editor.prepend_as_path(Asn(65001), 1);
//! editor.set_next_hop(Some(NextHop::V4([10, 0, 0, 1].into())));
//! let mut message = bytes::BytesMut::new();
//! let nlri = [(PathId(0), "192.0.2.0/24".parse::<ipnet::Ipv4Net>()?)];
//! encode_announce(&mut message, Family::IPV4_UNICAST, &encoding, editor.finish(), &nlri)?;
//! let mut inbound = Inbound::new(left);
//! inbound.update(&rib, &decode_update(&message[19..], &ctx, &mut scratch)?, &ctx);
//! inbound.flush(&rib);
//!
//! // The right peer is told, with our AS in front.
//! exporter.drain(&rib, 1000);
//! let told = queue.pop().unwrap();
//! let decoded = decode_update(&told.bytes[19..], &ctx, &mut scratch)?;
//! assert_eq!(decoded.update.attrs.as_path().to_string(), "65000 65001");
//! assert_eq!(rib.advertised(right, Family::IPV4_UNICAST), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adj_out;
mod arena;
mod as_path_rules;
mod attrs;
mod by_route;
mod ceiling;
mod chunks;
pub mod decision;
mod destination;
mod dirty;
pub mod export;
mod exporter;
mod family_table;
mod feed;
mod fib_marks;
mod group;
mod import;
mod inbound;
mod index;
mod judge;
mod long_lived;
mod lookup;
mod nexthop;
mod only_to_customer;
mod pack;
mod path;
mod peers;
mod pending_sets;
pub mod policy;
mod policy_steps;
mod queue;
mod reader;
mod reimport;
mod rekey;
mod route_key;
mod route_targets;
mod row_query;
mod shard;
mod shard_key;
mod snapshot;
mod table;
mod tables;
mod told;
mod walk;

pub use as_path_rules::{AsPathRules, PrivateAs};
pub use attrs::AttrId;
pub use ceiling::Ceiling;
pub use decision::{DecisionConfig, Ineligible, Reason, SourceKind, Step};
pub use dirty::Doorbell;
pub use export::{Audience, ExportRules, RejectReason};
pub use exporter::{Exporter, ExporterStats, Progress};
pub use fib_marks::FibInterest;
pub use group::{FamilyExport, GroupKey};
pub use import::{ImportRules, LocalAs};
pub use inbound::{Flushed, Inbound};
pub use lookup::Match;
pub use nexthop::{AllReachable, NextHopId, NextHopKey, NextHopResolver, NextHopScope, Resolution};
pub use path::{PeerIdx, PeerInfo};
pub use peers::{PeerCounts, Selection};
pub use policy::{PolicyReject, RoutePolicy};
pub use policy_steps::PolicyStep;
pub use queue::{Chunk, MemberQueue};
pub use reader::{FibChange, FibPath};
pub use route_key::{ParseRouteError, RouteKey};
pub use route_targets::RouteTargets;
pub use row_query::RowQuery;
pub use snapshot::{
    Cursor, ExplainedPath, Explanation, GroupInfo, Page, Row, SORTED_ROWS, ToldGroup, ToldRoute,
};
pub use table::{Counts, FamilyCounts, Rib, RibConfig, TooManyPeers};
pub use told::OutRow;
pub use walk::Walk;
