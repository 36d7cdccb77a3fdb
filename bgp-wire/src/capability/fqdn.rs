//! The host name (draft-walton-bgp-hostname-capability, as FRR and others send it).

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::Capability;
use crate::error::EncodeError;
use crate::input::{self, Input, Malformed, malformed};
use crate::length::Length;
use crate::notification::printable;

pub(super) const CODE: u8 = 73;

/// The name of the sender's machine. Texts from a peer are made safe to print.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fqdn {
    /// The host part.
    pub hostname: String,
    /// The domain part; often empty.
    pub domain: String,
}

pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    let (rest, hostname) = input::sized_u8("Hostname")(value).map_err(malformed)?;
    let (rest, domain) = input::sized_u8("Domain Name")(rest).map_err(malformed)?;
    input::end("Domain Name", rest)?;
    Ok(Capability::Fqdn(Fqdn {
        hostname: printable(hostname),
        domain: printable(domain),
    }))
}

impl Fqdn {
    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        for (field, text) in [("Hostname", &self.hostname), ("Domain Name", &self.domain)] {
            let length = Length::u8(out, field);
            out.put_slice(text.as_bytes());
            length.close(out)?;
        }
        Ok(())
    }
}

impl fmt::Display for Fqdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hostname)?;
        if self.domain.is_empty() {
            Ok(())
        } else {
            write!(f, ".{}", self.domain)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    #[test]
    fn names_round_trip() {
        for (hostname, domain, text) in [
            ("a", "", "fqdn a"),
            ("a", "b.example", "fqdn a.b.example"),
            ("", "", "fqdn "),
        ] {
            let capability = Capability::Fqdn(Fqdn {
                hostname: hostname.into(),
                domain: domain.into(),
            });
            assert_eq!(round_trip(&capability), capability);
            assert_eq!(capability.to_string(), text);
        }
    }

    #[test]
    fn a_name_that_does_not_fit_is_an_encode_error() {
        let long = Capability::Fqdn(Fqdn {
            hostname: "x".repeat(256),
            domain: String::new(),
        });
        assert!(long.encode(&mut BytesMut::new()).is_err());
    }
}
