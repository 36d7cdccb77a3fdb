//! Length fields that are filled in when what they measure has been written.

use bytes::{BufMut, BytesMut};

use crate::error::EncodeError;

/// A place for a length, and where counting starts.
#[must_use = "a length that is not closed stays zero"]
pub(crate) struct Length {
    at: usize,
    octets: usize,
    field: &'static str,
}

impl Length {
    /// Leaves room for a length of one octet.
    pub(crate) fn u8(out: &mut BytesMut, field: &'static str) -> Self {
        let at = out.len();
        out.put_u8(0);
        Self {
            at,
            octets: 1,
            field,
        }
    }

    /// Leaves room for a length of two octets.
    pub(crate) fn u16(out: &mut BytesMut, field: &'static str) -> Self {
        let at = out.len();
        out.put_u16(0);
        Self {
            at,
            octets: 2,
            field,
        }
    }

    /// Writes how much has come since.
    pub(crate) fn close(self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let length = out
            .len()
            .saturating_sub(self.at.saturating_add(self.octets));
        let too_long = EncodeError::TooLong { field: self.field };
        let slot = out
            .get_mut(self.at..self.at.saturating_add(self.octets))
            .ok_or(too_long)?;
        match slot {
            [one] => *one = u8::try_from(length).map_err(|_| too_long)?,
            _ => slot.copy_from_slice(&u16::try_from(length).map_err(|_| too_long)?.to_be_bytes()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_what_follows_them_and_refuse_to_overflow() {
        let mut out = BytesMut::new();
        let outer = Length::u16(&mut out, "outer");
        let inner = Length::u8(&mut out, "inner");
        out.put_slice(&[1, 2, 3]);
        inner.close(&mut out).unwrap();
        outer.close(&mut out).unwrap();
        assert_eq!(&out[..], [0, 4, 3, 1, 2, 3]);

        let inner = Length::u8(&mut out, "inner");
        out.put_bytes(0, 256);
        assert_eq!(
            inner.close(&mut out),
            Err(EncodeError::TooLong { field: "inner" })
        );
    }
}
