//! routecore: an UPDATE stays in its octets; attributes and NLRI are parsed as they are asked for.

use bytes::Bytes;
use routecore::Octets;
use routecore::bgp::ParseError;
use routecore::bgp::aspath::AsPath;
use routecore::bgp::communities::{ExtendedCommunity, StandardCommunity};
use routecore::bgp::message::UpdateMessage;
use routecore::bgp::message::update::SessionConfig;
use routecore::bgp::path_attributes::{EncodedPathAttribute, WireformatPathAttribute as Attribute};

use crate::codec::{Codec, Refusal, Seen, Stream, cut};

#[derive(Default)]
pub(crate) struct Routecore;

fn session(stream: &Stream) -> SessionConfig {
    if stream.asn4 {
        SessionConfig::modern()
    } else {
        SessionConfig::legacy()
    }
}

fn visit<O: Octets>(update: &UpdateMessage<O>, seen: &mut Seen) -> Result<(), ParseError> {
    seen.messages += 1;
    for route in update.withdrawals()? {
        seen.withdraw(&route?);
    }
    for attribute in update.path_attributes()? {
        visit_attribute(&attribute?, seen)?;
    }
    if let Some(next_hop) = update.mp_next_hop()? {
        seen.next_hop(next_hop);
    }
    for route in update.announcements()? {
        seen.announce(&route?);
    }
    Ok(())
}

/// The values of a list of `N` octets each.
fn items<'a, O: Octets, const N: usize>(
    of: &EncodedPathAttribute<'a, O>,
) -> impl Iterator<Item = [u8; N]> + use<'a, O, N> {
    let mut parser = of.value_into_parser();
    std::iter::from_fn(move || {
        let mut item = [0; N];
        parser.parse_buf(&mut item).ok().map(|()| item)
    })
}

fn visit_attribute<O: Octets>(
    attribute: &Attribute<'_, O>,
    seen: &mut Seen,
) -> Result<(), ParseError> {
    match attribute {
        Attribute::Origin(one) => seen.attribute(one.value_into_parser().parse_u8()?),
        Attribute::AsPath(path) => {
            let mut parser = path.value_into_parser();
            let octets = parser.parse_octets(parser.remaining())?;
            let path = AsPath::new(octets, path.pdu_parse_info().four_octet_enabled())?;
            for segment in path.segments() {
                seen.values(segment.asns());
            }
            seen.attributes += 1;
        }
        Attribute::ConventionalNextHop(one) => {
            seen.next_hop(one.value_into_parser().parse_u32_be()?);
        }
        Attribute::MultiExitDisc(one) | Attribute::LocalPref(one) => {
            seen.attribute(one.value_into_parser().parse_u32_be()?);
        }
        Attribute::OriginatorId(one) => seen.attribute(one.value_into_parser().parse_u32_be()?),
        Attribute::ClusterList(all) => seen.attribute(items::<O, 4>(all).last()),
        Attribute::StandardCommunities(all) => {
            seen.list(items(all).map(StandardCommunity::from_raw));
        }
        Attribute::ExtendedCommunities(all) => {
            seen.list(items(all).map(ExtendedCommunity::from_raw));
        }
        Attribute::LargeCommunities(all) => seen.list(items::<O, 12>(all)),
        Attribute::MpReachNlri(_) => {}
        Attribute::Unimplemented(other) if other.type_code() == 15 => {}
        Attribute::Invalid(..) => return Err(ParseError::form_error("invalid attribute")),
        other => seen.attribute(other.as_ref()),
    }
    Ok(())
}

/// Looks for what parsing an UPDATE leaves to those who ask for its parts.
fn check(update: &UpdateMessage<Bytes>) -> Result<(), ParseError> {
    for attribute in update.path_attributes()? {
        if let Attribute::Invalid(..) = attribute? {
            return Err(ParseError::form_error("invalid attribute"));
        }
    }
    update.mp_next_hop()?;
    let routes = update.withdrawals()?.chain(update.announcements()?);
    for route in routes {
        route?;
    }
    Ok(())
}

impl Codec for Routecore {
    type Owned = UpdateMessage<Bytes>;
    type Sent = UpdateMessage<Bytes>;

    const NAME: &'static str = "routecore";

    fn visit(&mut self, stream: &Stream) -> Result<Seen, Refusal> {
        let session = session(stream);
        let mut seen = Seen::default();
        let mut rest = &stream.bytes[..];
        while let Some((message, after)) = cut(rest) {
            rest = after;
            UpdateMessage::from_octets(message, &session)
                .and_then(|update| visit(&update, &mut seen))
                .map_err(|error| error.to_string())?;
        }
        Ok(seen)
    }

    fn own(&mut self, stream: &Stream) -> Result<Vec<UpdateMessage<Bytes>>, Refusal> {
        let session = session(stream);
        let mut all = Vec::new();
        let mut rest = stream.bytes.clone();
        while let Some((message, _)) = cut(&rest) {
            let message = rest.split_to(message.len());
            let update =
                UpdateMessage::from_octets(message, &session).map_err(|error| error.to_string())?;
            check(&update).map_err(|error| error.to_string())?;
            all.push(update);
        }
        Ok(all)
    }

    fn look(&self, owned: &UpdateMessage<Bytes>) -> Result<Seen, Refusal> {
        let mut seen = Seen::default();
        visit(owned, &mut seen).map_err(|error| error.to_string())?;
        Ok(seen)
    }

    fn encode(&mut self, _: &[UpdateMessage<Bytes>], _: &Stream) -> Result<usize, Refusal> {
        Err("writes what a builder of one family was given, which it consumes".into())
    }

    fn written(&self) -> &[u8] {
        &[]
    }
}
