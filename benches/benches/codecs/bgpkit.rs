//! bgpkit-parser: an UPDATE is parsed into vectors of values, which are visited then. It takes one whole message at a time.

use bgpkit_parser::models::{AsnLength, AttributeValue as Value, BgpMessage, BgpUpdateMessage};
use bgpkit_parser::parser::bgp::parse_bgp_message;
use bytes::Bytes;

use crate::codec::{Codec, Refusal, Seen, Stream, cut};

#[derive(Default)]
pub(crate) struct Bgpkit {
    out: Vec<u8>,
}

fn asn_length(stream: &Stream) -> AsnLength {
    if stream.asn4 {
        AsnLength::Bits32
    } else {
        AsnLength::Bits16
    }
}

fn each(stream: &Stream, mut take: impl FnMut(BgpMessage)) -> Result<(), Refusal> {
    let asn_length = asn_length(stream);
    let mut rest: Bytes = stream.bytes.clone();
    while let Some((message, _)) = cut(&rest) {
        let mut message = rest.split_to(message.len());
        let parsed = parse_bgp_message(&mut message, false, &asn_length)
            .map_err(|error| error.to_string())?;
        if let BgpMessage::Update(update) = &parsed
            && let [warning, ..] = update.attributes.validation_warnings()
        {
            return Err(format!("{warning:?}"));
        }
        take(parsed);
    }
    Ok(())
}

fn visit(update: &BgpUpdateMessage, seen: &mut Seen) {
    seen.messages += 1;
    for prefix in &update.withdrawn_prefixes {
        seen.withdraw(prefix);
    }
    for attribute in &update.attributes {
        match attribute {
            Value::Origin(value) => seen.attribute(value),
            Value::AsPath(path) => {
                seen.list(path.segments.iter().flat_map(|segment| segment.as_ref()));
            }
            Value::NextHop(value) => seen.next_hop(value),
            Value::MultiExitDiscriminator(value) | Value::LocalPreference(value) => {
                seen.attribute(value);
            }
            Value::Communities(all) => seen.list(all),
            Value::ExtendedCommunities(all) => seen.list(all),
            Value::LargeCommunities(all) => seen.list(all),
            Value::OriginatorId(value) => seen.attribute(value),
            Value::Clusters(all) => seen.attribute(all.last()),
            Value::MpReachNlri(nlri) => {
                seen.next_hop(nlri.next_hop);
                nlri.prefixes.iter().for_each(|route| seen.announce(route));
            }
            Value::MpUnreachNlri(nlri) => {
                nlri.prefixes.iter().for_each(|route| seen.withdraw(route));
            }
            other => seen.attribute(other),
        }
    }
    for prefix in &update.announced_prefixes {
        seen.announce(prefix);
    }
}

impl Codec for Bgpkit {
    type Owned = BgpMessage;
    type Sent = BgpMessage;

    const NAME: &'static str = "bgpkit-parser";

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

    fn encode(&mut self, updates: &[BgpMessage], stream: &Stream) -> Result<usize, Refusal> {
        self.out.clear();
        for update in updates {
            let bytes = update
                .encode(asn_length(stream))
                .map_err(|error| error.to_string())?;
            self.out.extend_from_slice(&bytes);
        }
        Ok(self.out.len())
    }

    fn written(&self) -> &[u8] {
        &self.out
    }
}
