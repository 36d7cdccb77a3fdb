//! An OPEN that can be read can be written, and reads as the same one.
#![no_main]

use bgp_wire::Open;
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(open) = Open::decode(input) else {
        return;
    };
    let _ = (open.asn(), open.families(), format!("{open:?}"));
    let mut out = BytesMut::new();
    // Capabilities that were spread over many parameters may not fit when written together.
    if open.encode(&mut out).is_ok() {
        assert_eq!(Open::decode(&out[19..]).expect("our own OPEN"), open);
    }
});
