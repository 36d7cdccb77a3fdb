//! netgauze-bgp-pkt: an UPDATE is parsed into boxed slices of values, which are visited then.

use netgauze_bgp_pkt::BgpMessage;
use netgauze_bgp_pkt::path_attribute::{AsPath, MpReach, MpUnreach, PathAttributeValue as Value};
use netgauze_bgp_pkt::update::BgpUpdateMessage;
use netgauze_bgp_pkt::wire::deserializer::BgpParsingContext;
use netgauze_parse_utils::WritablePdu;
use netgauze_parse_utils::reader::SliceReader;
use netgauze_parse_utils::traits::ParseFromWithOneInput;

use crate::codec::{Codec, Refusal, Seen, Stream};

#[derive(Default)]
pub(crate) struct NetGauze {
    out: Vec<u8>,
}

fn each(stream: &Stream, mut take: impl FnMut(BgpMessage)) -> Result<(), Refusal> {
    let mut context = BgpParsingContext::default();
    context.set_asn4(stream.asn4);
    let mut reader = SliceReader::new(&stream.bytes);
    while !reader.is_empty() {
        take(BgpMessage::parse(&mut reader, &mut context).map_err(|error| error.to_string())?);
    }
    Ok(())
}

fn visit(update: &BgpUpdateMessage, seen: &mut Seen) {
    seen.messages += 1;
    for prefix in update.withdraw_routes() {
        seen.withdraw(prefix);
    }
    for attribute in update.path_attributes() {
        match attribute.value() {
            Value::Origin(value) => seen.attribute(value),
            Value::AsPath(AsPath::As4PathSegments(all)) => {
                seen.list(all.iter().flat_map(|segment| segment.as_numbers()));
            }
            Value::AsPath(AsPath::As2PathSegments(all)) => {
                seen.list(all.iter().flat_map(|segment| segment.as_numbers()));
            }
            Value::NextHop(value) => seen.next_hop(value.next_hop()),
            Value::MultiExitDiscriminator(value) => seen.attribute(value.metric()),
            Value::LocalPreference(value) => seen.attribute(value.metric()),
            Value::Aggregator(value) => seen.attribute(value),
            Value::Communities(value) => seen.list(value.communities()),
            Value::ExtendedCommunities(value) => seen.list(value.communities()),
            Value::LargeCommunities(value) => seen.list(value.communities()),
            Value::Originator(value) => seen.attribute(value.id()),
            Value::ClusterList(value) => seen.attribute(value.cluster_list().last()),
            Value::PrefixSegmentIdentifier(value) => seen.attribute(value.tlvs().first()),
            Value::MpReach(reach) => visit_reach(reach, seen),
            Value::MpUnreach(unreach) => visit_unreach(unreach, seen),
            other => seen.attribute(other),
        }
    }
    for prefix in update.nlri() {
        seen.announce(prefix);
    }
}

fn visit_reach(reach: &MpReach, seen: &mut Seen) {
    fn all<T>(routes: &[T], seen: &mut Seen) {
        routes.iter().for_each(|route| seen.announce(route));
    }
    match reach {
        MpReach::Ipv6Unicast {
            next_hop_global,
            nlri,
            ..
        } => {
            seen.next_hop(next_hop_global);
            all(nlri, seen);
        }
        MpReach::Ipv4MplsVpnUnicast { next_hop, nlri } => {
            seen.next_hop(next_hop);
            all(nlri, seen);
        }
        MpReach::Ipv6MplsVpnUnicast { next_hop, nlri } => {
            seen.next_hop(next_hop);
            all(nlri, seen);
        }
        MpReach::L2Evpn { next_hop, nlri } => {
            seen.next_hop(next_hop);
            all(nlri, seen);
        }
        _ => {}
    }
}

fn visit_unreach(unreach: &MpUnreach, seen: &mut Seen) {
    fn all<T>(routes: &[T], seen: &mut Seen) {
        routes.iter().for_each(|route| seen.withdraw(route));
    }
    match unreach {
        MpUnreach::Ipv6Unicast { nlri } => all(nlri, seen),
        MpUnreach::Ipv4MplsVpnUnicast { nlri } => all(nlri, seen),
        MpUnreach::Ipv6MplsVpnUnicast { nlri } => all(nlri, seen),
        MpUnreach::L2Evpn { nlri } => all(nlri, seen),
        _ => {}
    }
}

impl Codec for NetGauze {
    type Owned = BgpMessage;
    type Sent = BgpMessage;

    const NAME: &'static str = "netgauze-bgp-pkt";

    fn visit(&mut self, stream: &Stream) -> Result<Seen, Refusal> {
        let mut seen = Seen::default();
        each(stream, |message| {
            if let BgpMessage::Update(update) = &message {
                visit(update, &mut seen);
            }
        })?;
        Ok(seen)
    }

    fn own(&mut self, stream: &Stream) -> Result<Vec<BgpMessage>, Refusal> {
        let mut all = Vec::new();
        each(stream, |message| all.push(message))?;
        Ok(all)
    }

    fn look(&self, owned: &BgpMessage) -> Result<Seen, Refusal> {
        let mut seen = Seen::default();
        if let BgpMessage::Update(update) = owned {
            visit(update, &mut seen);
        }
        Ok(seen)
    }

    fn encode(&mut self, updates: &[BgpMessage], _: &Stream) -> Result<usize, Refusal> {
        self.out.clear();
        for update in updates {
            update
                .write(&mut self.out)
                .map_err(|error| error.to_string())?;
        }
        Ok(self.out.len())
    }

    fn written(&self) -> &[u8] {
        &self.out
    }
}
