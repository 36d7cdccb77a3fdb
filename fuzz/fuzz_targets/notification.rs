//! A NOTIFICATION is read, told and written, whatever its data is.
#![no_main]

use bgp_wire::Notification;
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(notification) = Notification::decode(input) else {
        return;
    };
    let told = notification.to_string();
    // What a peer says goes to terminals and logs.
    assert!(!told.chars().any(char::is_control), "{told:?}");
    let _ = (
        notification.communication(),
        notification.hard_reset(),
        notification.name(),
    );
    let mut out = BytesMut::new();
    notification.encode(&mut out);
    assert_eq!(
        Notification::decode(&out[19..]).expect("our own"),
        notification
    );
});
