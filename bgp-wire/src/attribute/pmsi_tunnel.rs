//! PMSI_TUNNEL (RFC 6514 §5): the tunnel that carries a VPN's multicast, or the broadcasts of an
//! EVPN.

use std::fmt;
use std::net::IpAddr;

use super::layout::{self, Field};
use crate::SessionContext;
use crate::describe::Fields;
use crate::error::Reason;
use crate::input::{Input, Malformed};

/// A PMSI_TUNNEL attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PmsiTunnel<'a> {
    /// The flags; [`LEAF_INFORMATION_REQUIRED`](Self::LEAF_INFORMATION_REQUIRED) is one.
    pub flags: u8,
    /// The registered tunnel type.
    pub tunnel_type: u8,
    /// The three octets of the label field: a [`label`](Self::label), or a VNI where the
    /// encapsulation has those (RFC 8365 §5.1.3).
    pub vni: u32,
    /// The tunnel identifier, whose form the type decides.
    pub identifier: &'a [u8],
}

/// The bit of the type that says "composite tunnel" (RFC 8317 §5.2).
const COMPOSITE: u8 = 0x80;

impl<'a> PmsiTunnel<'a> {
    /// Leaves are to say that they are there (RFC 6514 §5).
    pub const LEAF_INFORMATION_REQUIRED: u8 = 1;
    /// Ingress replication: the sender makes a copy for each receiver.
    pub const INGRESS_REPLICATION: u8 = 6;
    /// Assisted replication: a replicator makes the copies (RFC 9574 §4).
    pub const ASSISTED_REPLICATION: u8 = 0x0a;

    fn from_bytes(value: &'a [u8]) -> Option<Self> {
        let [flags, tunnel_type, a, b, c, identifier @ ..] = value else {
            return None;
        };
        Some(Self {
            flags: *flags,
            tunnel_type: *tunnel_type,
            vni: u32::from_be_bytes([0, *a, *b, *c]),
            identifier,
        })
    }

    pub(super) fn from_canonical(value: &'a [u8]) -> Option<Self> {
        Self::from_bytes(value)
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        let [_, a, b, c] = self.vni.to_be_bytes();
        out.extend_from_slice(&[self.flags, self.tunnel_type, a, b, c]);
        out.extend_from_slice(self.identifier);
    }

    /// The MPLS label: the first twenty bits of the field.
    pub fn label(self) -> u32 {
        self.vni >> 4
    }

    /// The registered name of the type.
    pub fn type_name(self) -> Option<&'static str> {
        Some(match self.tunnel_type {
            0x00 => "No tunnel information present",
            0x01 => "RSVP-TE P2MP LSP",
            0x02 => "mLDP P2MP LSP",
            0x03 => "PIM-SSM Tree",
            0x04 => "PIM-SM Tree",
            0x05 => "BIDIR-PIM Tree",
            0x06 => "Ingress Replication",
            0x07 => "mLDP MP2MP LSP",
            0x08 => "Transport Tunnel",
            0x0a => "Assisted Replication Tunnel",
            0x0b => "BIER",
            0x0c => "SR-MPLS P2MP Tree",
            0x0d => "SRv6 P2MP Tree",
            0x7b..=0x7e => "Experimental",
            0x81..=0xfa => "Composite tunnel",
            0xfb..=0xfe => "Composite tunnel, experimental",
            _ => return None,
        })
    }

    /// The address of the one who makes the copies, or of the endpoint of ingress replication.
    pub fn endpoint(self) -> Option<IpAddr> {
        if !matches!(
            self.tunnel_type,
            Self::INGRESS_REPLICATION | Self::ASSISTED_REPLICATION
        ) {
            return None;
        }
        let four = self
            .identifier
            .as_array::<4>()
            .map(|four| IpAddr::from(*four));
        four.or_else(|| {
            self.identifier
                .as_array::<16>()
                .map(|all| IpAddr::from(*all))
        })
    }

    /// RFC 6514 §5: malformed if "the router cannot parse the Tunnel Identifier field of the
    /// attribute as a tunnel identifier of the tunnel types specified in the Tunnel Type field".
    fn has_its_identifier(self) -> bool {
        let length = self.identifier.len();
        match self.tunnel_type {
            0x00 => length == 0,
            // RFC 6514 §5, RFC 4875 §19.1: extended tunnel ID (an address), two reserved octets,
            // tunnel ID, P2MP ID.
            0x01 => matches!(length, 12 | 24),
            0x02 | 0x07 => mldp(self.identifier).is_some(),
            0x03..=0x05 => matches!(length, 8 | 32),
            // RFC 9574 §4: the identifier of assisted replication is an address too.
            0x06 | 0x0a => matches!(length, 4 | 16),
            // RFC 8317 §5.2: in front of the identifier there is a label.
            COMPOSITE.. => length >= 3,
            _ => true,
        }
    }
}

/// The parts of an mLDP FEC element (RFC 6388 §2.2): type, root and opaque value.
fn mldp(identifier: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [kind, 0, family, length, rest @ ..] = identifier else {
        return None;
    };
    let wanted = match family {
        1 => 4,
        2 => 16,
        _ => return None,
    };
    let (root, rest) = rest.split_at_checked(usize::from(*length))?;
    let (size, opaque) = rest.split_first_chunk::<2>()?;
    let whole = usize::from(u16::from_be_bytes(*size)) == opaque.len() && root.len() == wanted;
    whole.then_some((*kind, root, opaque))
}

fn fec_name(kind: u64) -> Option<&'static str> {
    Some(match kind {
        6 => "P2MP",
        7 => "MP2MP-up",
        8 => "MP2MP-down",
        _ => return None,
    })
}

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    let Some(tunnel) = PmsiTunnel::from_bytes(value) else {
        let length = Reason::Length(value.len());
        return Err(Malformed::new(value, "PMSI_TUNNEL", length));
    };
    // RFC 6514 §5: malformed if "it contains an undefined tunnel type".
    if tunnel.type_name().is_none() {
        let kind = Reason::Value(u32::from(tunnel.tunnel_type));
        return Err(Malformed::new(value, "PMSI Tunnel Type", kind));
    }
    if !tunnel.has_its_identifier() {
        return Err(Malformed::new(
            tunnel.identifier,
            "PMSI Tunnel Identifier",
            Reason::Text("is not one of its tunnel type"),
        ));
    }
    out.extend_from_slice(value);
    Ok(())
}

impl fmt::Display for PmsiTunnel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.type_name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "type {}", self.tunnel_type)?,
        }
        write!(f, " label {} (vni {})", self.label(), self.vni)?;
        if let Some(endpoint) = self.endpoint() {
            write!(f, " to {endpoint}")?;
        }
        Ok(())
    }
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match PmsiTunnel::from_bytes(value) {
        Some(tunnel) => write!(f, "pmsi-tunnel {tunnel}"),
        None => Ok(()),
    }
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    let Some(tunnel) = PmsiTunnel::from_bytes(value) else {
        return;
    };
    let leaf = tunnel.flags & PmsiTunnel::LEAF_INFORMATION_REQUIRED != 0;
    fields.number("tunnel_flags", tunnel.flags);
    fields.flag("leaf_information_required", leaf);
    fields.named("tunnel_type", tunnel.tunnel_type, tunnel.type_name());
    fields.number("label", tunnel.label());
    fields.number("vni", tunnel.vni);
    let identifier = tunnel.identifier;
    match tunnel.tunnel_type {
        0x00 => {}
        0x01 => {
            let address = identifier.len().saturating_sub(8);
            let (address, rest) = identifier.split_at_checked(address).unwrap_or((&[], &[]));
            layout::put_address("extended_tunnel_id", address, fields);
            const REST: &[Field] = &[
                Field::Reserved(2),
                Field::Number("tunnel_id", 2),
                Field::Ipv4("p2mp_id"),
            ];
            layout::describe_all(REST, rest, fields);
        }
        0x02 | 0x07 => {
            if let Some((kind, root, opaque)) = mldp(identifier) {
                fields.named("fec_type", kind, fec_name(u64::from(kind)));
                layout::put_address("root", root, fields);
                fields.octets("opaque_value", opaque);
            }
        }
        kind @ 0x03..=0x05 => {
            let half = identifier.len() / 2;
            let (from, group) = identifier.split_at_checked(half).unwrap_or((&[], &[]));
            let name = if kind == 3 { "source" } else { "sender" };
            layout::put_address(name, from, fields);
            layout::put_address("group", group, fields);
        }
        0x06 | 0x0a => layout::put_address("endpoint", identifier, fields),
        _ => fields.octets("identifier", identifier),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Asn;
    use crate::describe::Node;

    /// RFC 6514 §5: the types and the lengths of their identifiers.
    #[test]
    fn identifiers_are_those_of_their_type() {
        let mldp = [6, 0, 1, 4, 192, 0, 2, 1, 0, 2, 9, 9];
        for (kind, identifier, good) in [
            (0, &[][..], true),
            (0, &[1], false),
            (1, &[1; 12], true),
            (1, &[1; 24], true),
            (1, &[1; 13], false),
            (2, &mldp, true),
            (2, &mldp[..11], false),
            (2, &[6, 0, 2, 4, 192, 0, 2, 1, 0, 0], false),
            (2, &[6, 0, 1, 16, 192, 0, 2, 1, 0, 0], false),
            (3, &[1; 8], true),
            (4, &[1; 32], true),
            (5, &[1; 16], false),
            (6, &[192, 0, 2, 1], true),
            (6, &[1; 16], true),
            (6, &[1; 5], false),
            (6, &[], false),
            (7, &mldp, true),
            (0x0a, &[192, 0, 2, 1], true),
            (0x0a, &[192, 0, 2], false),
            (0x0b, &[1; 9], true),
            (0x86, &[0, 0, 0x10, 192, 0, 2, 1], true),
            (0x86, &[0, 0], false),
            // Not in the registry.
            (0x09, &[], false),
            (0x7f, &[], false),
            (0xff, &[1; 4], false),
        ] {
            let mut value = vec![0, kind, 0, 1, 0];
            value.extend(identifier);
            let (ctx, mut out) = (SessionContext::new(Asn(1), Asn(1)), Vec::new());
            let read = read(&value, &ctx, &mut out).is_ok();
            assert_eq!(read, good, "{kind} {identifier:?}");
            assert_eq!(out, if good { &value[..] } else { &[] });
        }
    }

    #[test]
    fn a_tunnel_is_written_as_it_is_read() {
        let value = [1, 6, 0, 0x27, 0x10, 192, 0, 2, 1];
        let tunnel = PmsiTunnel::from_canonical(&value).unwrap();
        assert_eq!((tunnel.label(), tunnel.vni), (625, 10000));
        assert_eq!(tunnel.endpoint(), Some("192.0.2.1".parse().unwrap()));
        assert_eq!(
            tunnel.to_string(),
            "Ingress Replication label 625 (vni 10000) to 192.0.2.1"
        );
        let mut out = Vec::new();
        tunnel.write(&mut out);
        assert_eq!(out, value);
        let mut fields = Fields::new();
        describe(&value, &mut fields);
        let ingress = Node::Named(6, Some("Ingress Replication"));
        assert_eq!(fields.get("tunnel_type"), Some(&ingress));
        assert_eq!(fields.get("endpoint"), Some(&Node::text("192.0.2.1")));
        assert_eq!(
            fields.get("leaf_information_required"),
            Some(&Node::Flag(true))
        );
    }
}
