//! zettabgp: an UPDATE is parsed into vectors and ordered sets of values, which are visited then.

use std::net::Ipv4Addr;

use zettabgp::prelude::*;

use crate::codec::{Codec, Refusal, Seen, Stream};

pub(crate) struct Zettabgp {
    out: Vec<u8>,
    length: usize,
}

impl Default for Zettabgp {
    fn default() -> Self {
        Self {
            out: vec![0; 8 << 20],
            length: 0,
        }
    }
}

fn session(stream: &Stream) -> BgpSessionParams {
    let address = Ipv4Addr::new(10, 0, 0, 1);
    let mut session =
        BgpSessionParams::new(64600, 180, BgpTransportMode::IPv4, address, Vec::new());
    session.has_as32bit = stream.asn4;
    // ADD-PATH was not negotiated: nothing is to be guessed.
    session.fuzzy_pathid = false;
    session
}

fn each(stream: &Stream, mut take: impl FnMut(BgpUpdateMessage)) -> Result<(), Refusal> {
    let session = session(stream);
    let mut rest = &stream.bytes[..];
    while !rest.is_empty() {
        let (kind, length) = session
            .decode_message_head(rest)
            .map_err(|error| error.to_string())?;
        let body = rest.get(19..19 + length).ok_or("cut")?;
        rest = &rest[19 + length..];
        if matches!(kind, BgpMessageType::Update) {
            let mut update = BgpUpdateMessage::new();
            update
                .decode_from(&session, body)
                .map_err(|error| error.to_string())?;
            take(update);
        }
    }
    Ok(())
}

fn visit(update: &BgpUpdateMessage, seen: &mut Seen) {
    seen.messages += 1;
    visit_routes(&update.withdraws, |route| seen.withdraw(&route));
    for attribute in &update.attrs {
        match attribute {
            BgpAttrItem::Origin(value) => seen.attribute(value),
            BgpAttrItem::ASPath(path) => visit_path(path, seen),
            BgpAttrItem::NextHop(value) => seen.next_hop(value.value),
            BgpAttrItem::MED(value) => seen.attribute(value.value),
            BgpAttrItem::LocalPref(value) => seen.attribute(value.value),
            BgpAttrItem::CommunityList(all) => seen.list(&all.value),
            BgpAttrItem::ExtCommunityList(all) => seen.list(&all.value),
            BgpAttrItem::LargeCommunityList(all) => seen.list(&all.value),
            BgpAttrItem::OriginatorID(value) => seen.attribute(value),
            BgpAttrItem::ClusterList(all) => seen.attribute(all.value.last()),
            BgpAttrItem::MPUpdates(reach) => {
                seen.next_hop(&reach.nexthop);
                visit_routes(&reach.addrs, |route| seen.announce(&route));
            }
            BgpAttrItem::MPWithdraws(unreach) => {
                visit_routes(&unreach.addrs, |route| seen.withdraw(&route));
            }
            other => seen.attribute(other),
        }
    }
    visit_routes(&update.updates, |route| seen.announce(&route));
}

fn visit_path(path: &BgpASpath, seen: &mut Seen) {
    seen.list(path.value.iter().flat_map(|segment| {
        let (sequence, set) = match segment {
            BgpASitem::Seq(all) => (Some(&all.value), None),
            BgpASitem::Set(all) => (None, Some(&all.value)),
        };
        sequence
            .into_iter()
            .flatten()
            .chain(set.into_iter().flatten())
    }));
}

/// A route of any family.
#[allow(dead_code, reason = "goes into a black box")]
enum Route<'a> {
    Ipv4(&'a BgpAddrV4),
    Ipv6(&'a BgpAddrV6),
    Vpnv4(&'a Labeled<WithRd<BgpAddrV4>>),
    Vpnv6(&'a Labeled<WithRd<BgpAddrV6>>),
    Evpn(&'a BgpEVPN),
}

fn visit_routes<'a>(routes: &'a BgpAddrs, take: impl FnMut(Route<'a>)) {
    match routes {
        BgpAddrs::IPV4U(all) => all.iter().map(Route::Ipv4).for_each(take),
        BgpAddrs::IPV6U(all) => all.iter().map(Route::Ipv6).for_each(take),
        BgpAddrs::VPNV4U(all) => all.iter().map(Route::Vpnv4).for_each(take),
        BgpAddrs::VPNV6U(all) => all.iter().map(Route::Vpnv6).for_each(take),
        BgpAddrs::EVPN(all) => all.iter().map(Route::Evpn).for_each(take),
        _ => {}
    }
}

impl Codec for Zettabgp {
    type Owned = BgpUpdateMessage;
    type Sent = BgpUpdateMessage;

    const NAME: &'static str = "zettabgp";

    fn visit(&mut self, stream: &Stream) -> Result<Seen, Refusal> {
        let mut seen = Seen::default();
        each(stream, |update| visit(&update, &mut seen))?;
        Ok(seen)
    }

    fn own(&mut self, stream: &Stream) -> Result<Vec<BgpUpdateMessage>, Refusal> {
        let mut all = Vec::new();
        each(stream, |update| all.push(update))?;
        Ok(all)
    }

    fn look(&self, owned: &BgpUpdateMessage) -> Result<Seen, Refusal> {
        let mut seen = Seen::default();
        visit(owned, &mut seen);
        Ok(seen)
    }

    fn encode(&mut self, updates: &[BgpUpdateMessage], stream: &Stream) -> Result<usize, Refusal> {
        let session = session(stream);
        self.length = 0;
        for update in updates {
            let at = &mut self.out[self.length..];
            let body = update
                .encode_to(&session, &mut at[19..])
                .map_err(|error| error.to_string())?;
            self.length += session
                .prepare_message_buf(at, BgpMessageType::Update, body)
                .map_err(|error| error.to_string())?;
        }
        Ok(self.length)
    }

    fn written(&self) -> &[u8] {
        &self.out[..self.length]
    }
}
