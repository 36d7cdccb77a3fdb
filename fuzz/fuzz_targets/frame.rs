//! A stream splits into frames that lie one behind the other, whatever the stream is.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for most in [4096, 65_535] {
        let mut rest = input;
        while let Ok(Some((frame, consumed))) = bgp_wire::next_frame(rest, most) {
            assert!((19..=most).contains(&consumed) && consumed <= rest.len());
            assert_eq!(frame.bytes, &rest[..consumed]);
            assert_eq!(frame.body, &rest[19..consumed]);
            rest = &rest[consumed..];
        }
    }
});
