//! A ROUTE-REFRESH that can be read reads the same after writing.
#![no_main]

use bgp_wire::RouteRefresh;
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(refresh) = RouteRefresh::decode(input) else {
        return;
    };
    let mut out = BytesMut::new();
    refresh.encode(&mut out);
    assert_eq!(RouteRefresh::decode(&out[19..]).expect("our own"), refresh);
});
