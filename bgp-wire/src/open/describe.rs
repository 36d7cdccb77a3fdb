//! An OPEN as named fields.

use super::parameters::each_capability;
use super::{Open, asn4};
use crate::capability::Capability;
use crate::describe::Fields;
use crate::{Asn, RouterId};

impl Open {
    /// Its fields, by name.
    pub fn describe(&self) -> Fields {
        let mut fields = Fields::new();
        fields.number("version", self.version);
        fields.number("my_as", self.my_as);
        fields.number("as", self.asn().0);
        fields.number("hold_time", self.hold_time.secs());
        fields.text("bgp_identifier", self.router_id);
        let capabilities = self.capabilities.iter().map(Capability::describe);
        fields.list("capabilities", capabilities);
        fields
    }

    /// What can be read of the body of an OPEN, whatever is wrong with it: for tools.
    pub fn dissect(body: &[u8]) -> Fields {
        let mut fields = Fields::new();
        let Some((version, rest)) = body.split_first() else {
            return fields;
        };
        fields.number("version", *version);
        let Some((my_as, rest)) = number_of(rest) else {
            return fields;
        };
        fields.number("my_as", my_as);
        let mut capabilities = Vec::new();
        // As far as they can be cut.
        let _ = each_capability(rest.get(6..).unwrap_or(&[]), |code, value| {
            capabilities.push(Capability::from_value(code, value));
        });
        let own = asn4(&capabilities).unwrap_or_else(|| Asn(my_as.into()));
        fields.number("as", own.0);
        let Some((hold_time, rest)) = number_of(rest) else {
            return fields;
        };
        fields.number("hold_time", hold_time);
        let Some((id, _)) = rest.split_first_chunk() else {
            return fields;
        };
        fields.text("bgp_identifier", RouterId(u32::from_be_bytes(*id)));
        let capabilities = capabilities.iter().map(Capability::describe);
        fields.list("capabilities", capabilities);
        fields
    }
}

fn number_of(octets: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = octets.split_first_chunk()?;
    Some((u16::from_be_bytes(*number), rest))
}
