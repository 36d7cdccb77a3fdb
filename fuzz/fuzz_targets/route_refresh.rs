//! The body of a ROUTE-REFRESH.
#![no_main]

use bgp_fuzz::is_readable;
use bgp_wire::{RouteRefresh, next_frame};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    match RouteRefresh::decode(body) {
        Ok(refresh) => {
            is_readable(&refresh.to_string());
            let mut out = BytesMut::new();
            refresh.encode(&mut out);
            let (frame, used) = next_frame(&out, 4096)
                .expect("a good header")
                .expect("a whole message");
            assert_eq!(used, out.len());
            assert_eq!(RouteRefresh::decode(frame.body), Ok(refresh));
        }
        Err(error) => {
            is_readable(&error.to_string());
            assert!(
                body.len() != 4,
                "RFC 7313 §5: of four octets all have a meaning, or are ignored"
            );
        }
    }
});
