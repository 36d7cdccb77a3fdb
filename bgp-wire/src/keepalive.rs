//! KEEPALIVE (RFC 4271 §4.4): a header and nothing else.

use bytes::BytesMut;

use crate::frame::{HEADER_LEN, MessageType, OpenFrame};

/// Appends a KEEPALIVE.
pub fn encode_keepalive(out: &mut BytesMut) {
    // Cannot fail: a header is never too long.
    let _ = OpenFrame::begin(out, MessageType::Keepalive).finish(out, HEADER_LEN);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{MAX_LEN, next_frame};

    #[test]
    fn a_keepalive_is_nineteen_octets() {
        let mut out = BytesMut::new();
        encode_keepalive(&mut out);
        let (frame, used) = next_frame(&out, MAX_LEN).unwrap().unwrap();
        assert_eq!((frame.kind, used), (MessageType::Keepalive, 19));
    }
}
