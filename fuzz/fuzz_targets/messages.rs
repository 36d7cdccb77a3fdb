//! The body of a message that is no UPDATE. The first octet chooses which: OPEN, NOTIFICATION, ROUTE-REFRESH.
#![no_main]

use bgp_fuzz::{Input, are_readable, is_readable, with_bounded_memory};
use bgp_wire::{Notification, Open, RouteRefresh, next_frame};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    match input.octet() % 3 {
        0 => open(input.rest()),
        1 => notification(input.rest()),
        _ => route_refresh(input.rest()),
    }
});

/// The body of the one message that was written.
fn body(out: &BytesMut, max_message: usize) -> &[u8] {
    let (frame, used) = next_frame(out, max_message)
        .expect("a good header")
        .expect("a whole message");
    assert_eq!(used, out.len());
    frame.body
}

fn open(octets: &[u8]) {
    // What is shown of one that cannot be read, and what is wrong in one that can.
    are_readable(&Open::dissect(octets));
    are_readable(&Open::capability_faults(octets));
    are_readable(&Open::role_fault(octets));
    let open = match with_bounded_memory(octets.len(), || Open::decode(octets)) {
        Ok(open) => open,
        Err(error) => {
            assert_eq!(error.notification.code, 2);
            is_readable(&error.to_string());
            is_readable(&error.notification.to_string());
            return;
        }
    };
    is_readable(&open.to_string());
    are_readable(&open.describe());
    for family in open.families() {
        assert!(family.to_string().contains('/'));
        let _ = (open.add_path(family), open.multiple_labels(family));
        let _ = open.extended_next_hop(family, 2);
    }
    for role in open.roles() {
        is_readable(&role.to_string());
        // RFC 9234 §4.2, table 2: what goes with a role has this role to go with.
        let other = role.counterpart();
        assert!(other.is_none_or(|other| other.counterpart() == Some(role)));
    }
    let mut out = BytesMut::new();
    if open.encode(&mut out).is_ok() {
        assert_eq!(Open::decode(body(&out, 4096)).expect("what we write"), open);
    } else {
        assert!(out.is_empty(), "nothing is written on error");
        // A text that is not UTF-8 grows when it is made so, at most to three times its length.
        assert!(octets.len() > 85, "only what is long does not fit");
    }
}

/// Its text comes from a stranger and goes to people.
fn notification(octets: &[u8]) {
    let read = with_bounded_memory(octets.len(), || Notification::decode(octets));
    let Ok(notification) = read else {
        assert!(octets.len() < 2, "code and subcode are all it needs");
        return;
    };
    is_readable(&notification.to_string());
    are_readable(&notification.describe());
    if let Some(fault) = notification.fault() {
        is_readable(&fault.to_string());
        assert!(fault.offset <= octets.len() + 19, "within the message");
    }
    let mut out = BytesMut::new();
    notification.encode(&mut out);
    let again = Notification::decode(body(&out, 65535)).expect("what we write");
    is_readable(&again.to_string());
    if octets.len() <= 4096 - 19 {
        assert_eq!(again, notification);
    }
    // RFC 8538 §3.1: whatever it says can be wrapped into a Hard Reset.
    let hard = notification.into_hard_reset();
    assert_eq!((hard.code, hard.subcode), (6, 9));
    is_readable(&hard.to_string());
}

fn route_refresh(octets: &[u8]) {
    match with_bounded_memory(octets.len(), || RouteRefresh::decode(octets)) {
        Ok(refresh) => {
            is_readable(&refresh.to_string());
            are_readable(&refresh.describe());
            let mut out = BytesMut::new();
            refresh.encode(&mut out);
            assert_eq!(RouteRefresh::decode(body(&out, 4096)), Ok(refresh));
        }
        Err(error) => {
            is_readable(&error.to_string());
            assert!(
                octets.len() != 4,
                "RFC 7313 §5: of four octets all have a meaning, or are ignored"
            );
        }
    }
}
