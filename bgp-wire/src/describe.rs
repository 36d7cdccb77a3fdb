//! What a message holds, as named fields: for tools that print it, as a tree or as JSON.
//!
//! Built only when somebody asks; nothing on the way of a route goes through here.

use std::fmt;

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A bit.
    Flag(bool),
    /// A number that is only a number.
    Number(u64),
    /// A number, and the name that its registry gives it; `None` for one that the registry does not
    /// know.
    Named(u64, Option<&'static str>),
    /// A number with a fraction, by its bits ([`f32::from_bits`]).
    Float(u32),
    /// An address, a prefix, a community: what has a text of its own.
    Text(String),
    /// Octets without a meaning known here.
    Octets(Vec<u8>),
    /// Several of a kind, in the order of the message.
    List(Vec<Self>),
    /// Fields with names.
    Fields(Fields),
}

/// Named fields, in the order of the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(&'static str, Node)>);

impl Fields {
    /// No fields yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    pub fn put(&mut self, name: &'static str, value: Node) {
        self.0.push((name, value));
    }

    /// Adds a bit.
    pub fn flag(&mut self, name: &'static str, value: bool) {
        self.put(name, Node::Flag(value));
    }

    /// Adds a number.
    pub fn number(&mut self, name: &'static str, value: impl Into<u64>) {
        self.put(name, Node::Number(value.into()));
    }

    /// Adds a number that a registry may have a name for.
    pub fn named(
        &mut self,
        name: &'static str,
        value: impl Into<u64>,
        registered: Option<&'static str>,
    ) {
        self.put(name, Node::Named(value.into(), registered));
    }

    /// Adds a number with a fraction.
    pub fn float(&mut self, name: &'static str, value: f32) {
        self.put(name, Node::Float(value.to_bits()));
    }

    /// Adds what has a text of its own.
    pub fn text(&mut self, name: &'static str, value: impl fmt::Display) {
        self.put(name, Node::Text(value.to_string()));
    }

    /// Adds octets.
    pub fn octets(&mut self, name: &'static str, value: &[u8]) {
        self.put(name, Node::Octets(value.to_vec()));
    }

    /// Adds several of a kind.
    pub fn list(&mut self, name: &'static str, items: impl IntoIterator<Item = Node>) {
        self.put(name, Node::List(items.into_iter().collect()));
    }

    /// Adds fields within a field.
    pub fn fields(&mut self, name: &'static str, fill: impl FnOnce(&mut Self)) {
        self.put(name, Node::fields(fill));
    }

    /// The fields by name, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Node)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Node {
    /// What has a text of its own.
    pub fn text(value: impl fmt::Display) -> Self {
        Self::Text(value.to_string())
    }

    /// Named fields.
    pub fn fields(fill: impl FnOnce(&mut Fields)) -> Self {
        let mut fields = Fields::new();
        fill(&mut fields);
        Self::Fields(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_are_found_by_name() {
        let mut fields = Fields::new();
        fields.named("type", 2u8, Some("MAC/IP Advertisement"));
        fields.fields("inner", |inner| {
            inner.number("length", 33u8);
            inner.octets("rest", &[1, 2]);
        });
        fields.text("prefix", "10.0.0.0/8");
        fields.flag("sticky", true);
        fields.list("labels", [Node::Number(16)]);
        let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["type", "inner", "prefix", "sticky", "labels"]);
        assert_eq!(fields.get("prefix"), Some(&Node::text("10.0.0.0/8")));
        assert_eq!(fields.get("nothing"), None);
        assert!(!fields.is_empty() && Fields::new().is_empty());
    }
}
