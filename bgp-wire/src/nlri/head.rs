//! What there is to know of a block besides the octets of its NLRI, as octets that can be kept in
//! front of them.

use super::{Form, NlriBlock};
use crate::Family;

/// Octets of a head.
pub(crate) const HEAD: usize = 12;

impl<'a> NlriBlock<'a> {
    /// The head of this block.
    pub(crate) fn head(&self) -> [u8; HEAD] {
        let [high, low] = self.family.afi.to_be_bytes();
        let form = u8::from(self.form.add_path)
            | u8::from(self.form.withdrawn) << 1
            | u8::from(self.form.label_stack) << 2;
        let [a, b, c, d] = self.all.to_be_bytes();
        let [e, f, g, h] = self.ignored.to_be_bytes();
        [high, low, self.family.safi, form, a, b, c, d, e, f, g, h]
    }

    /// The block with this head, and these octets.
    pub(crate) fn with_head(head: [u8; HEAD], bytes: &'a [u8]) -> Self {
        let [high, low, safi, form, a, b, c, d, e, f, g, h] = head;
        Self {
            family: Family {
                afi: u16::from_be_bytes([high, low]),
                safi,
            },
            form: Form {
                add_path: form & 1 != 0,
                withdrawn: form & 2 != 0,
                label_stack: form & 4 != 0,
            },
            all: u32::from_be_bytes([a, b, c, d]),
            ignored: u32::from_be_bytes([e, f, g, h]),
            bytes,
        }
    }
}
