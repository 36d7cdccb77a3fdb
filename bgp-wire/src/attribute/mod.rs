//! Path attributes.
/// A path attribute's type code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttrCode(pub u8);
impl std::fmt::Display for AttrCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AS_PATH")
    }
}
