//! bgp-wire: attributes are read from the canonical set, NLRI from the message.

use bgp_benches::{LOCAL_AS, PEER_AS};
use bgp_wire::{
    Aggregator, AsPathRef, Asn, AttrCode, AttrRef, AttrScratch, AttrSet, Community, Decoded,
    Encoding, EvpnDetail, EvpnRoute, ExtCommunity, Family, FamilySet, Label, LargeCommunity,
    MessageType, Nlri, NlriBlock, Origin, PathId, PrefixSid, RouterId, SessionContext, Vpn,
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
            match &decode_update(frame.body, &context, &mut self.scratch) {
                Ok(decoded) if decoded.findings.is_empty() => take(decoded),
                Ok(decoded) => return Err(format!("{:?}", decoded.findings)),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }
}

/// The number an attribute holds.
#[inline]
fn number(value: &[u8]) -> Option<u32> {
    value.as_array().map(|four| u32::from_be_bytes(*four))
}

/// Each value is read where the walk has come to: looking it up by its code would walk the set again.
#[inline]
fn visit_attributes(attrs: AttrRef<'_>, seen: &mut Seen) {
    for (code, _, value) in attrs.iter() {
        match code {
            AttrCode::ORIGIN => {
                seen.attribute(value.first().copied().and_then(Origin::from_u8));
            }
            AttrCode::AS_PATH => {
                for segment in AsPathRef::from_canonical(value).segments() {
                    seen.values(segment.iter());
                }
                seen.attributes += 1;
            }
            AttrCode::MED | AttrCode::LOCAL_PREF => seen.attribute(number(value)),
            AttrCode::AGGREGATOR => {
                seen.attribute(
                    value
                        .as_array()
                        .map(|&[a, b, c, d, e, f, g, h]| Aggregator {
                            asn: Asn(u32::from_be_bytes([a, b, c, d])),
                            address: [e, f, g, h].into(),
                        }),
                );
            }
            AttrCode::ORIGINATOR_ID => seen.attribute(number(value).map(RouterId)),
            AttrCode::CLUSTER_LIST => {
                let last = value.as_chunks().0.last();
                seen.attribute(last.map(|four| RouterId(u32::from_be_bytes(*four))));
            }
            AttrCode::COMMUNITIES => {
                let all = value.as_chunks().0.iter();
                seen.list(all.map(|four| Community(u32::from_be_bytes(*four))));
            }
            AttrCode::EXT_COMMUNITIES => {
                seen.list(value.as_chunks().0.iter().map(|eight| ExtCommunity(*eight)));
            }
            AttrCode::LARGE_COMMUNITIES => {
                seen.list(value.as_chunks().0.iter().map(large_community));
            }
            AttrCode::PREFIX_SID => {
                seen.attribute(PrefixSid::from_canonical(value).srv6_l3());
            }
            _ => seen.attribute(value),
        }
    }
}

fn large_community(&[a, b, c, d, e, f, g, h, i, j, k, l]: &[u8; 12]) -> LargeCommunity {
    LargeCommunity {
        global: u32::from_be_bytes([a, b, c, d]),
        data1: u32::from_be_bytes([e, f, g, h]),
        data2: u32::from_be_bytes([i, j, k, l]),
    }
}

/// Calls the walker of a block's family with each of its routes.
#[inline]
fn visit_block<const ANNOUNCED: bool>(block: &NlriBlock<'_>, seen: &mut Seen) {
    #[inline]
    fn all<const ANNOUNCED: bool, N: Nlri>(block: &NlriBlock<'_>, seen: &mut Seen) {
        // Looked at where it was made, as those of the other codecs are in their vectors.
        for ref route in block.iter::<N>() {
            if ANNOUNCED {
                seen.announce(route);
            } else {
                seen.withdraw(route);
            }
        }
    }
    match block.family {
        Family::IPV4_UNICAST => all::<ANNOUNCED, Ipv4Net>(block, seen),
        Family::IPV6_UNICAST => all::<ANNOUNCED, Ipv6Net>(block, seen),
        Family::IPV4_VPN => all::<ANNOUNCED, Vpn<Ipv4Net>>(block, seen),
        Family::IPV6_VPN => all::<ANNOUNCED, Vpn<Ipv6Net>>(block, seen),
        Family::L2VPN_EVPN => all::<ANNOUNCED, EvpnRoute>(block, seen),
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
    withdrawn: Option<Routes>,
    announced: Option<(Routes, AttrSet)>,
    /// Where both the body of the message and its attributes have routes: what the latter say.
    multiprotocol: Option<Box<Self>>,
}

impl Owned {
    fn fill(&mut self, decoded: &Decoded<'_>) {
        let update = &decoded.update;
        if !update.withdrawn.is_empty() {
            self.withdrawn = Some(Routes::of(&update.withdrawn));
        }
        if !update.announced.is_empty() {
            self.announced = Some((Routes::of(&update.announced), update.attrs.to_set()));
        }
        if update.reach.is_none() && update.unreach.is_none() {
            return;
        }
        let both = self.withdrawn.is_some() || self.announced.is_some();
        let multiprotocol = if both {
            &mut **self.multiprotocol.get_or_insert_default()
        } else {
            self
        };
        if let Some(unreach) = &update.unreach {
            multiprotocol.withdrawn = Some(Routes::of(&unreach.nlri));
        }
        if let (Some(reach), Some(attrs)) = (&update.reach, update.mp_attrs) {
            multiprotocol.announced = Some((Routes::of(&reach.nlri), attrs.to_set()));
        }
    }

    fn parts(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.multiprotocol.as_deref())
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
            visit_block::<false>(&update.withdrawn, &mut seen);
            if let Some(unreach) = &update.unreach {
                visit_block::<false>(&unreach.nlri, &mut seen);
            }
            if !update.announced.is_empty() {
                seen.next_hop(update.attrs.next_hop());
                visit_block::<true>(&update.announced, &mut seen);
            }
            if let Some(reach) = &update.reach {
                seen.next_hop(reach.next_hop);
                visit_block::<true>(&reach.nlri, &mut seen);
            }
            visit_attributes(update.attrs, &mut seen);
        })?;
        Ok(seen)
    }

    fn own(&mut self, stream: &Stream) -> Result<Vec<Owned>, Refusal> {
        let mut all = Vec::<Owned>::new();
        self.each(stream, |decoded| {
            all.push(Owned::default());
            if let Some(owned) = all.last_mut() {
                owned.fill(decoded);
            }
        })?;
        Ok(all)
    }

    fn encode(&mut self, updates: &[Owned], stream: &Stream) -> Result<usize, Refusal> {
        let enc = Encoding {
            asn4: stream.asn4,
            ..Encoding::default()
        };
        self.out.clear();
        for update in updates {
            for routes in update.parts().filter_map(|part| part.withdrawn.as_ref()) {
                routes.withdraw(&mut self.out, &enc);
            }
            for (routes, attrs) in update.parts().filter_map(|part| part.announced.as_ref()) {
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
