//! A byte stream cut into messages.
#![no_main]

use bgp_wire::next_frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| {
    for max_len in [4096, 65535] {
        let mut rest = stream;
        while let Ok(Some((frame, used))) = next_frame(rest, max_len) {
            assert_eq!(frame.bytes, &rest[..used]);
            assert_eq!(frame.body, &rest[19..used]);
            assert_eq!(frame.kind.code(), rest[18]);
            assert!(used <= max_len);
            // Neither more nor less of the stream makes it another message.
            assert_eq!(next_frame(&rest[..used], max_len), Ok(Some((frame, used))));
            for cut in [0, 18, used / 2, used - 1] {
                assert_eq!(next_frame(&rest[..cut.min(used - 1)], max_len), Ok(None));
            }
            rest = &rest[used..];
        }
        if let Err(error) = next_frame(rest, max_len) {
            assert_eq!(error.notification.code, 1);
            assert_eq!(
                next_frame(&rest[..19], max_len),
                Err(error),
                "the header alone is judged"
            );
        }
    }
});
