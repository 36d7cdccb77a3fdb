//! The body of a NOTIFICATION, whose text comes from a stranger and goes to people.
#![no_main]

use bgp_fuzz::is_readable;
use bgp_wire::{Notification, next_frame};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(notification) = Notification::decode(body) else {
        assert!(body.len() < 2, "code and subcode are all it needs");
        return;
    };
    is_readable(&notification.to_string());
    let mut out = BytesMut::new();
    notification.encode(&mut out);
    let (frame, used) = next_frame(&out, 65535)
        .expect("a good header")
        .expect("a whole message");
    assert_eq!(used, out.len());
    let again = Notification::decode(frame.body).expect("what we write");
    is_readable(&again.to_string());
    if body.len() <= 4096 - 19 {
        assert_eq!(again, notification);
    }
    // RFC 8538 §3.1: whatever it says can be wrapped into a Hard Reset.
    let hard = notification.into_hard_reset();
    assert_eq!((hard.code, hard.subcode), (6, 9));
    is_readable(&hard.to_string());
});
