//! The body of an OPEN.
#![no_main]

use bgp_fuzz::is_readable;
use bgp_wire::{Open, next_frame};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let open = match Open::decode(body) {
        Ok(open) => open,
        Err(error) => {
            assert_eq!(error.notification.code, 2);
            is_readable(&error.to_string());
            is_readable(&error.notification.to_string());
            return;
        }
    };
    is_readable(&open.to_string());
    for family in open.families() {
        assert!(family.to_string().contains('/'));
    }
    let mut out = BytesMut::new();
    if open.encode(&mut out).is_ok() {
        let (frame, used) = next_frame(&out, 4096)
            .expect("a good header")
            .expect("a whole message");
        assert_eq!(used, out.len());
        let again = Open::decode(frame.body).expect("what we write");
        assert_eq!(again, open);
    } else {
        assert!(out.is_empty(), "nothing is written on error");
        // A text that is not UTF-8 grows when it is made so, at most to three times its length.
        assert!(body.len() > 85, "only what is long does not fit");
    }
});
