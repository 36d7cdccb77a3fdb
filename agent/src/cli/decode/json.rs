//! A judged message as one line of JSON. The keys are documented in docs/reference/decode.md and stable.

use std::io::{self, Write};

use bgp_wire::{Capability, Fields, Node, codes};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::judgement::Fault;
use super::print::{Session, Told, time};

pub(super) fn write(out: &mut dyn Write, told: &Told<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, told).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let judgement = self.judgement;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &judgement.kind)?;
        map.serialize_entry("length", &judgement.length)?;
        map.serialize_entry("offset", &self.offset)?;
        map.serialize_entry("time", &self.time.map(time))?;
        map.serialize_entry("session", &self.session)?;
        map.serialize_entry("error", &judgement.error)?;
        map.serialize_entry("findings", &judgement.findings)?;
        map.serialize_entry("fields", &Named(&judgement.fields))?;
        map.end()
    }
}

impl Serialize for Session {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("from", &self.from)?;
        map.serialize_entry("to", &self.to)?;
        for (name, value) in self.details.iter() {
            map.serialize_entry(name, &Value(value))?;
        }
        map.end()
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (code, subcode) = self.code.unzip();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("disposition", self.disposition.name())?;
        map.serialize_entry("code", &code)?;
        map.serialize_entry("code_name", &code.and_then(codes::code_name))?;
        map.serialize_entry("subcode", &subcode)?;
        let name = self
            .code
            .and_then(|(code, subcode)| codes::subcode_name(code, subcode));
        map.serialize_entry("subcode_name", &name)?;
        map.serialize_entry("attribute", &self.attribute.map(|code| code.0))?;
        let name = self.attribute.and_then(|code| code.name());
        map.serialize_entry("attribute_name", &name)?;
        map.serialize_entry("capability", &self.capability)?;
        let name = self.capability.and_then(Capability::name_of);
        map.serialize_entry("capability_name", &name)?;
        map.serialize_entry("offset", &self.offset)?;
        map.serialize_entry("field", self.field)?;
        map.serialize_entry("reason", &self.reason)?;
        map.end()
    }
}

struct Named<'a>(&'a Fields);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Value(value))))
    }
}

struct Value<'a>(&'a Node);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Node::Flag(flag) => serializer.serialize_bool(*flag),
            Node::Number(number) => serializer.serialize_u64(*number),
            Node::Named(number, name) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("value", number)?;
                map.serialize_entry("name", name)?;
                map.end()
            }
            // What is infinite or no number becomes null, as JSON has none.
            Node::Float(bits) => serializer.serialize_f32(f32::from_bits(*bits)),
            Node::Text(text) => serializer.serialize_str(text),
            Node::Octets(octets) => serializer.serialize_str(&hex(octets)),
            Node::List(items) => serializer.collect_seq(items.iter().map(Value)),
            Node::Fields(fields) => Named(fields).serialize(serializer),
        }
    }
}

/// Octets as hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('?');
    let halves = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]);
    let mut text = String::with_capacity(octets.len() * 2);
    text.extend(halves.map(digit));
    text
}
