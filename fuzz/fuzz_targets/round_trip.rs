//! decode, encode, decode: an UPDATE that was good says the same after it was written again.
#![no_main]

use bgp_wire::{AttrScratch, Disposition, decode_update, encode_update};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((context, body)) = cosmos_fuzz::context(input) else {
        return;
    };
    let (mut first, mut second) = (AttrScratch::new(), AttrScratch::new());
    let Ok(decoded) = decode_update(body, &context, &mut first) else {
        return;
    };
    if decoded.disposition != Disposition::None {
        return;
    }
    let mut out = BytesMut::new();
    // Attributes in canonical form may be longer (two-octet AS_PATHs get an AS4_PATH): then it may not fit.
    if encode_update(&mut out, &decoded.update, &cosmos_fuzz::encoding(&context)).is_err() {
        return;
    }
    let again = decode_update(&out[19..], &context, &mut second).expect("our own UPDATE");
    assert_eq!(again.disposition, Disposition::None, "{:?}", again.findings);
    let mut wanted = decoded.update;
    if wanted.announced.is_empty() && wanted.reach.is_none() {
        // Attributes of nothing: a NEXT_HOP among them is not written.
        wanted.attrs = again.update.attrs;
    }
    assert_eq!(again.update, wanted);
});
