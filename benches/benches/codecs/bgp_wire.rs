//! bgp-wire: attributes are read from the canonical set, NLRI from the message.

use std::any::Any;

use bgp_benches::{LOCAL_AS, PEER_AS};
use bgp_wire::{
    Aggregator, AsPathRef, Asn, AttrCode, AttrRef, AttrScratch, AttrSet, Community, Decoded,
    Encoding, EvpnDetail, EvpnRoute, ExtCommunity, Family, FamilySet, Label, LargeCommunity,
    MessageType, Nlri, NlriBlock, Origin, PathId, PrefixSid, RouterId, SessionContext, Update, Vpn,
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

#[inline]
fn visit(update: &Update<'_>, seen: &mut Seen) {
    seen.messages += 1;
    visit_block::<false>(&update.withdrawn, seen);
    if let Some(unreach) = &update.unreach {
        visit_block::<false>(&unreach.nlri, seen);
    }
    if !update.announced.is_empty() {
        seen.next_hop(update.attrs.next_hop());
        visit_block::<true>(&update.announced, seen);
    }
    if let Some(reach) = &update.reach {
        seen.next_hop(reach.next_hop);
        visit_block::<true>(&reach.nlri, seen);
    }
    visit_attributes(update.attrs, seen);
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

    /// Hands over what each route is, in whatever type.
    fn each(&self, mut take: impl FnMut(&dyn Any)) {
        match self {
            Self::Ipv4(all) => all.iter().for_each(|route| take(route)),
            Self::Ipv6(all) => all.iter().for_each(|route| take(route)),
            Self::Vpnv4(all) => all.iter().for_each(|route| take(route)),
            Self::Vpnv6(all) => all.iter().for_each(|route| take(route)),
            Self::Evpn(all) => all.iter().for_each(|route| take(route)),
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

/// What an UPDATE says, as a speaker has it in its tables: values of routes, and octets of attributes
/// that were judged when they came, one piece of memory for each set.
pub(crate) struct Owned {
    withdrawn: [Option<Routes>; 2],
    announced: Option<Routes>,
    reach: Option<Routes>,
    attrs: AttrSet,
    /// Those of `reach`, where they are others.
    mp_attrs: Option<AttrSet>,
}

impl Owned {
    fn of(update: &Update<'_>) -> Self {
        let routes = |block: &NlriBlock<'_>| (!block.is_empty()).then(|| Routes::of(block));
        let unreach = update.unreach.as_ref();
        let mp_attrs = update.mp_attrs.filter(|other| *other != update.attrs);
        Self {
            withdrawn: [
                routes(&update.withdrawn),
                unreach.and_then(|unreach| routes(&unreach.nlri)),
            ],
            announced: routes(&update.announced),
            reach: update.reach.as_ref().and_then(|reach| routes(&reach.nlri)),
            attrs: update.attrs.to_set(),
            mp_attrs: mp_attrs.map(AttrRef::to_set),
        }
    }

    /// The routes announced, with the attributes of each.
    fn announced(&self) -> impl Iterator<Item = (&Routes, &AttrSet)> {
        let mp_attrs = self.mp_attrs.as_ref().unwrap_or(&self.attrs);
        let body = self.announced.as_ref().map(|routes| (routes, &self.attrs));
        let reach = self.reach.as_ref().map(|routes| (routes, mp_attrs));
        body.into_iter().chain(reach)
    }
}

impl Codec for BgpWire {
    type Owned = Owned;
    type Sent = Owned;

    const NAME: &'static str = "bgp-wire";

    fn visit(&mut self, stream: &Stream) -> Result<Seen, Refusal> {
        let mut seen = Seen::default();
        self.each(stream, |decoded| visit(&decoded.update, &mut seen))?;
        Ok(seen)
    }

    fn own(&mut self, stream: &Stream) -> Result<Vec<Owned>, Refusal> {
        let mut all = Vec::new();
        self.each(stream, |decoded| all.push(Owned::of(&decoded.update)))?;
        Ok(all)
    }

    fn look(&self, owned: &Owned) -> Result<Seen, Refusal> {
        let mut seen = Seen {
            messages: 1,
            ..Seen::default()
        };
        for routes in owned.withdrawn.iter().flatten() {
            routes.each(|route| seen.withdraw(&route));
        }
        for (routes, attrs) in owned.announced() {
            seen.next_hop(attrs.as_ref().next_hop());
            routes.each(|route| seen.announce(&route));
        }
        visit_attributes(owned.attrs.as_ref(), &mut seen);
        Ok(seen)
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
            for (routes, attrs) in update.announced() {
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
