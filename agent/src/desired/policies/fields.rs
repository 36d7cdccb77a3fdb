//! Where in an object a fault is: `spec.terms[3].match.prefixList[0]`.

use std::fmt;

/// The path of a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Field(String);

impl Field {
    /// Of the term at this place of the list.
    pub(super) fn term(index: usize) -> Self {
        Self(format!("spec.terms[{index}]"))
    }

    /// The field of this name within.
    pub(super) fn at(&self, name: &str) -> Self {
        Self(format!("{self}.{name}"))
    }

    /// The item at this place of the list.
    pub(super) fn item(&self, index: usize) -> String {
        format!("{self}[{index}]")
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
