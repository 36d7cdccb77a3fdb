//! What a neighbour has been told: messages, decoded and replayed into a map.

use super::{LOCAL_AS, family_of};
use bgp_wire::*;
use ipnet::IpNet;
use rib::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a neighbour has been told.
pub(crate) struct Told {
    pub(crate) queue: Arc<MemberQueue>,
    pub(crate) key: GroupKey,
    pub(crate) routes: BTreeMap<(IpNet, u32), AttrSet>,
    pub(crate) ends: BTreeSet<Family>,
    /// Prefixes that came since Beginning-of-RIB, and families in which End-of-RIB of a refresh came.
    pub(crate) refreshed: BTreeSet<(IpNet, u32)>,
    pub(crate) refreshing: BTreeSet<Family>,
    pub(crate) messages: usize,
}

impl Told {
    /// Takes in all that waits, as the peer would.
    pub(crate) fn receive(&mut self) {
        while self.receive_one() {}
    }

    pub(crate) fn clone_routes(&self) -> BTreeMap<(IpNet, u32), AttrSet> {
        self.routes.clone()
    }

    pub(crate) fn receive_one(&mut self) -> bool {
        let Some(chunk) = self.queue.pop() else {
            return false;
        };
        let external = self.key.rules.audience == Audience::Ebgp;
        let them = if external {
            Asn(4_200_000_000)
        } else {
            LOCAL_AS
        };
        let mut ctx = SessionContext::new(them, LOCAL_AS);
        for family in &self.key.families {
            if family.add_path > 0 {
                ctx.add_path_receive.insert(family.family);
            }
        }
        let mut rest = &chunk.bytes[..];
        let mut messages = 0;
        while !rest.is_empty() {
            let (frame, used) = next_frame(rest, 4096)
                .expect("a good header")
                .expect("whole messages");
            rest = &rest[used..];
            messages += 1;
            self.messages += 1;
            match frame.kind {
                MessageType::Update => self.update(frame.body, &ctx),
                MessageType::RouteRefresh => {
                    let refresh = RouteRefresh::decode(frame.body).expect("a good refresh");
                    let family = refresh.family;
                    match refresh.subtype {
                        RefreshSubtype::Begin => {
                            assert!(self.refreshing.insert(family), "one at a time");
                            self.refreshed.retain(|(net, _)| family_of(*net) != family);
                        }
                        RefreshSubtype::End => {
                            // RFC 7313 §4: what was not told again is gone.
                            assert!(self.refreshing.remove(&family), "an end after a beginning");
                            let fresh = &self.refreshed;
                            self.routes
                                .retain(|key, _| family_of(key.0) != family || fresh.contains(key));
                        }
                        other => panic!("unexpected refresh {other:?}"),
                    }
                }
                other => panic!("unexpected message {other:?}"),
            }
        }
        assert_eq!(
            messages, chunk.messages,
            "a chunk says how many messages it holds"
        );
        true
    }

    fn update(&mut self, body: &[u8], ctx: &SessionContext) {
        let mut scratch = AttrScratch::default();
        let decoded = decode_update(body, ctx, &mut scratch).expect("an UPDATE of ours is good");
        assert_eq!(
            decoded.disposition,
            Disposition::None,
            "{:?}",
            decoded.findings
        );
        let update = decoded.update;
        if let Some(family) = update.end_of_rib {
            assert!(self.ends.insert(family), "one End-of-RIB for a family");
        }
        let unreach = update.unreach.map(|unreach| unreach.nlri);
        for block in [Some(update.withdrawn), unreach].into_iter().flatten() {
            for key in nlri(&block) {
                assert!(
                    self.routes.remove(&key).is_some(),
                    "withdrawn without being told: {key:?}"
                );
                self.refreshed.remove(&key);
            }
        }
        let reach = update
            .reach
            .zip(update.mp_attrs)
            .map(|(reach, attrs)| (reach.nlri, attrs));
        for (block, attrs) in [Some((update.announced, update.attrs)), reach]
            .into_iter()
            .flatten()
        {
            for key in nlri(&block) {
                self.routes.insert(key, attrs.to_set());
                self.refreshed.insert(key);
            }
        }
    }
}

fn nlri(block: &NlriBlock<'_>) -> Vec<(IpNet, u32)> {
    if block.family == Family::IPV4_UNICAST {
        block
            .iter_v4()
            .map(|(id, net)| (net.into(), id.0))
            .collect()
    } else {
        block
            .iter_v6()
            .map(|(id, net)| (net.into(), id.0))
            .collect()
    }
}
