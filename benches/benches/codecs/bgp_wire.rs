//! bgp-wire: attributes are read from the canonical set, NLRI from the message.

use bgp_benches::{LOCAL_AS, PEER_AS};
use bgp_wire::{
    AsPathRef, AttrCode, AttrRef, AttrScratch, AttrSet, Decoded, Encoding, EvpnDetail, EvpnRoute,
    Family, FamilySet, Label, MessageType, Nlri, NlriBlock, PathId, SessionContext, Vpn,
    decode_update, encode_announce, encode_withdraw, next_frame,
};
use bytes::BytesMut;
use ipnet::{Ipv4Net, Ipv6Net};

use crate::codec::{Codec, Refusal, Seen, Stream};

#[derive(Default)]
pub(crate) struct BgpWire {
    scratch: AttrScratch,
    out: BytesMut,
}

fn context(stream: &Stream) -> SessionContext {
    let sender = if stream.internal { LOCAL_AS } else { PEER_AS };
    SessionContext {
        asn4: stream.asn4,
        families: FamilySet::supported(),
        // As the other codecs do; AS_SET was still sent when the collector listened.
        accept_as_set: true,
        ..SessionContext::new(LOCAL_AS, sender)
    }
}

impl BgpWire {
    fn each(&mut self, stream: &Stream, mut take: impl FnMut(&Decoded<'_>)) -> Result<(), Refusal> {
        let context = context(stream);
        let mut rest = &stream.bytes[..];
        while let Some((frame, length)) =
            next_frame(rest, context.max_message).map_err(|error| error.to_string())?
        {
            rest = &rest[length..];
            if frame.kind != MessageType::Update {
                continue;
            }
            let decoded = decode_update(frame.body, &context, &mut self.scratch)
                .map_err(|error| error.to_string())?;
            if !decoded.findings.is_empty() {
                return Err(format!("{:?}", decoded.findings));
            }
            take(&decoded);
        }
        Ok(())
    }
}

#[inline]
fn visit_attributes(attrs: AttrRef<'_>, seen: &mut Seen) {
    for (code, _, value) in attrs.iter() {
        match code {
            AttrCode::ORIGIN => seen.attribute(attrs.origin()),
            AttrCode::AS_PATH => {
                for segment in AsPathRef::from_canonical(value).segments() {
                    seen.values(segment.iter());
                }
                seen.attributes += 1;
            }
            AttrCode::MED => seen.attribute(attrs.med()),
            AttrCode::LOCAL_PREF => seen.attribute(attrs.local_pref()),
            AttrCode::AGGREGATOR => seen.attribute(attrs.aggregator()),
            AttrCode::COMMUNITIES => seen.list(attrs.communities()),
            AttrCode::ORIGINATOR_ID => seen.attribute(attrs.originator_id()),
            AttrCode::CLUSTER_LIST => seen.attribute(attrs.cluster_list().last()),
            AttrCode::EXT_COMMUNITIES => seen.list(attrs.ext_communities()),
            AttrCode::LARGE_COMMUNITIES => seen.list(attrs.large_communities()),
            AttrCode::PREFIX_SID => {
                seen.attribute(attrs.prefix_sid().and_then(|sid| sid.srv6_l3()))
            }
            _ => seen.attribute(value),
        }
    }
}

/// Calls the walker of a block's family with each of its routes.
#[inline]
fn visit_block(block: &NlriBlock<'_>, seen: &mut Seen, announced: bool) {
    #[inline]
    fn all<N: Nlri>(block: &NlriBlock<'_>, seen: &mut Seen, announced: bool) {
        for route in block.iter::<N>() {
            if announced {
                seen.announce(&route);
            } else {
                seen.withdraw(&route);
            }
        }
    }
    match block.family {
        Family::IPV4_UNICAST => all::<Ipv4Net>(block, seen, announced),
        Family::IPV6_UNICAST => all::<Ipv6Net>(block, seen, announced),
        Family::IPV4_VPN => all::<Vpn<Ipv4Net>>(block, seen, announced),
        Family::IPV6_VPN => all::<Vpn<Ipv6Net>>(block, seen, announced),
        Family::L2VPN_EVPN => all::<EvpnRoute>(block, seen, announced),
        _ => {}
    }
}

/// Routes of one family.
pub(crate) enum Routes {
    Ipv4(Vec<(PathId, Ipv4Net, ())>),
    Ipv6(Vec<(PathId, Ipv6Net, ())>),
    Vpnv4(Vec<(PathId, Vpn<Ipv4Net>, Label)>),
    Vpnv6(Vec<(PathId, Vpn<Ipv6Net>, Label)>),
    Evpn(Vec<(PathId, EvpnRoute, EvpnDetail)>),
}

impl Routes {
    fn of(block: &NlriBlock<'_>) -> Self {
        fn all<N: Nlri>(block: &NlriBlock<'_>) -> Vec<(PathId, N, N::Detail)> {
            let mut routes = Vec::with_capacity(block.len());
            routes.extend(block.iter::<N>());
            routes
        }
        match block.family {
            Family::IPV6_UNICAST => Self::Ipv6(all(block)),
            Family::IPV4_VPN => Self::Vpnv4(all(block)),
            Family::IPV6_VPN => Self::Vpnv6(all(block)),
            Family::L2VPN_EVPN => Self::Evpn(all(block)),
            _ => Self::Ipv4(all(block)),
        }
    }

    fn announce(&self, out: &mut BytesMut, enc: &Encoding, attrs: &AttrSet) -> Option<usize> {
        let attrs = attrs.as_ref();
        match self {
            Self::Ipv4(all) => encode_announce(out, Family::IPV4_UNICAST, enc, attrs, all),
            Self::Ipv6(all) => encode_announce(out, Family::IPV6_UNICAST, enc, attrs, all),
            Self::Vpnv4(all) => encode_announce(out, Family::IPV4_VPN, enc, attrs, all),
            Self::Vpnv6(all) => encode_announce(out, Family::IPV6_VPN, enc, attrs, all),
            Self::Evpn(all) => encode_announce(out, Family::L2VPN_EVPN, enc, attrs, all),
        }
        .ok()
    }

    fn withdraw(&self, out: &mut BytesMut, enc: &Encoding) {
        fn keys<N: Nlri>(all: &[(PathId, N, N::Detail)]) -> Vec<(PathId, N)> {
            all.iter().map(|(id, nlri, _)| (*id, *nlri)).collect()
        }
        match self {
            Self::Ipv4(all) => encode_withdraw(out, Family::IPV4_UNICAST, enc, &keys(all)),
            Self::Ipv6(all) => encode_withdraw(out, Family::IPV6_UNICAST, enc, &keys(all)),
            Self::Vpnv4(all) => encode_withdraw(out, Family::IPV4_VPN, enc, &keys(all)),
            Self::Vpnv6(all) => encode_withdraw(out, Family::IPV6_VPN, enc, &keys(all)),
            Self::Evpn(all) => encode_withdraw(out, Family::L2VPN_EVPN, enc, &keys(all)),
        };
    }
}

/// What an UPDATE says: routes withdrawn, and routes announced with their set of attributes.
#[derive(Default)]
pub(crate) struct Owned {
    withdrawn: [Option<Routes>; 2],
    announced: [Option<(Routes, AttrSet)>; 2],
}

impl Owned {
    fn of(decoded: &Decoded<'_>) -> Self {
        let update = &decoded.update;
        let body = |block: &NlriBlock<'_>| (!block.is_empty()).then(|| Routes::of(block));
        Self {
            withdrawn: [
                body(&update.withdrawn),
                update.unreach.map(|unreach| Routes::of(&unreach.nlri)),
            ],
            announced: [
                body(&update.announced).map(|routes| (routes, update.attrs.to_set())),
                update
                    .reach
                    .zip(update.mp_attrs)
                    .map(|(reach, attrs)| (Routes::of(&reach.nlri), attrs.to_set())),
            ],
        }
    }
}

impl Codec for BgpWire {
    type Owned = Owned;

    const NAME: &'static str = "bgp-wire";

    fn visit(&mut self, stream: &Stream) -> Result<Seen, Refusal> {
        let mut seen = Seen::default();
        self.each(stream, |decoded| {
            let update = &decoded.update;
            seen.messages += 1;
            visit_block(&update.withdrawn, &mut seen, false);
            if let Some(unreach) = &update.unreach {
                visit_block(&unreach.nlri, &mut seen, false);
            }
            if !update.announced.is_empty() {
                seen.next_hop(update.attrs.next_hop());
                visit_block(&update.announced, &mut seen, true);
            }
            if let Some(reach) = &update.reach {
                seen.next_hop(reach.next_hop);
                visit_block(&reach.nlri, &mut seen, true);
            }
            visit_attributes(update.attrs, &mut seen);
        })?;
        Ok(seen)
    }

    fn own(&mut self, stream: &Stream) -> Result<Vec<Owned>, Refusal> {
        let mut all = Vec::new();
        self.each(stream, |decoded| all.push(Owned::of(decoded)))?;
        Ok(all)
    }

    fn encode(&mut self, updates: &[Owned], stream: &Stream) -> Result<usize, Refusal> {
        let enc = Encoding {
            asn4: stream.asn4,
            ..Encoding::default()
        };
        self.out.clear();
        for update in updates {
            for routes in update.withdrawn.iter().flatten() {
                routes.withdraw(&mut self.out, &enc);
            }
            for (routes, attrs) in update.announced.iter().flatten() {
                routes
                    .announce(&mut self.out, &enc, attrs)
                    .ok_or("does not fit a message")?;
            }
        }
        Ok(self.out.len())
    }

    fn written(&self) -> &[u8] {
        &self.out
    }
}
