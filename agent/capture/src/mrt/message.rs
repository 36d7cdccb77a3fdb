//! BGP4MP and BGP4MP_ET (RFC 6396 §4.4, RFC 8050 §3): messages and changes of state.

use std::net::IpAddr;

use bgp_wire::Asn;

use super::{Content, Fields, Wrong};

/// A message of a session, as the collector saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The AS of the collector's peer.
    pub peer_as: Asn,
    /// The AS of the collector.
    pub local_as: Asn,
    /// The interface, if it has a number.
    pub interface: u16,
    /// The address of the peer.
    pub peer: IpAddr,
    /// The address of the collector.
    pub local: IpAddr,
    /// AS numbers in the message have four octets.
    pub asn4: bool,
    /// NLRI in the message have path identifiers.
    pub add_path: bool,
    /// The collector sent it.
    pub sent: bool,
    /// The message, marker included.
    pub octets: &'a [u8],
}

/// A session changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The AS of the collector's peer.
    pub peer_as: Asn,
    /// The AS of the collector.
    pub local_as: Asn,
    /// The interface, if it has a number.
    pub interface: u16,
    /// The address of the peer.
    pub peer: IpAddr,
    /// The address of the collector.
    pub local: IpAddr,
    /// The state before.
    pub old: u16,
    /// The state after.
    pub new: u16,
}

/// The name of a state of RFC 4271 §8.2.2 by its number in RFC 6396 §4.4.1.
pub fn state_name(state: u16) -> Option<&'static str> {
    Some(match state {
        1 => "Idle",
        2 => "Connect",
        3 => "Active",
        4 => "OpenSent",
        5 => "OpenConfirm",
        6 => "Established",
        _ => return None,
    })
}

pub(super) fn subtype_name(subtype: u16) -> Option<&'static str> {
    Some(match subtype {
        0 => "BGP4MP_STATE_CHANGE",
        1 => "BGP4MP_MESSAGE",
        4 => "BGP4MP_MESSAGE_AS4",
        5 => "BGP4MP_STATE_CHANGE_AS4",
        6 => "BGP4MP_MESSAGE_LOCAL",
        7 => "BGP4MP_MESSAGE_AS4_LOCAL",
        8 => "BGP4MP_MESSAGE_ADDPATH",
        9 => "BGP4MP_MESSAGE_AS4_ADDPATH",
        10 => "BGP4MP_MESSAGE_LOCAL_ADDPATH",
        11 => "BGP4MP_MESSAGE_AS4_LOCAL_ADDPATH",
        _ => return None,
    })
}

pub(super) fn read(subtype: u16, body: &[u8]) -> Result<Content<'_>, Wrong> {
    if !matches!(subtype, 0 | 1 | 4..=11) {
        return Ok(Content::Unknown);
    }
    let asn4 = matches!(subtype, 4 | 5 | 7 | 9 | 11);
    let mut fields = Fields(body);
    let peer_as = Asn(fields.asn(asn4, "Peer AS Number")?);
    let local_as = Asn(fields.asn(asn4, "Local AS Number")?);
    let interface = fields.u16("Interface Index")?;
    let afi = fields.u16("Address Family")?;
    let peer = fields.address(afi, "Peer IP Address")?;
    let local = fields.address(afi, "Local IP Address")?;
    if matches!(subtype, 0 | 5) {
        return Ok(Content::StateChange(StateChange {
            peer_as,
            local_as,
            interface,
            peer,
            local,
            old: fields.u16("Old State")?,
            new: fields.u16("New State")?,
        }));
    }
    Ok(Content::Message(Message {
        peer_as,
        local_as,
        interface,
        peer,
        local,
        asn4,
        add_path: subtype >= 8,
        sent: matches!(subtype, 6 | 7 | 10 | 11),
        octets: fields.0,
    }))
}
