//! Any message, read, written and read again, on a session that the first octet chooses. The second octet is its type.
#![no_main]

use bgp_fuzz::{Input, are_readable, encoding, is_readable, message, session};
use bgp_wire::{
    Asn, AttrEditor, AttrRef, AttrScratch, Decoded, Disposition, Encoding, Message, Reason,
    SessionContext, decode_update, encode_update, next_frame,
};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let ctx = session(input.octet());
    let kind = 1 + input.octet() % 5;
    let bytes = message(kind, input.rest());
    let Ok(Some((frame, _))) = next_frame(&bytes, 65535) else {
        return;
    };
    let (mut first, mut second) = (AttrScratch::new(), AttrScratch::new());
    let Ok(read) = Message::decode(frame, &ctx, &mut first) else {
        return;
    };
    assert_eq!(read.kind(), frame.kind);
    is_readable(&read.to_string());
    are_readable(&read.describe());
    if let Message::Update(decoded) = &read {
        return update(decoded, &ctx);
    }
    if matches!(read, Message::Notification(_)) && bytes.len() > 4096 {
        // Its data is cut on writing, so that any session can carry it.
        return;
    }
    let mut out = BytesMut::new();
    if read.encode(&mut out, &encoding(&ctx)).is_err() {
        return;
    }
    let (frame, used) = next_frame(&out, 65535)
        .expect("a good header")
        .expect("a whole message");
    assert_eq!(used, out.len());
    let again = Message::decode(frame, &ctx, &mut second).expect("what we write");
    assert_eq!(again, read);
});

fn update(decoded: &Decoded<'_>, ctx: &SessionContext) {
    if decoded.disposition >= Disposition::TreatAsWithdraw {
        return;
    }
    let update = &decoded.update;
    for attrs in [Some(update.attrs), update.mp_attrs].into_iter().flatten() {
        canonical(attrs);
        path(attrs);
    }
    let wide = Encoding {
        asn4: true,
        ..encoding(ctx)
    };
    again(decoded, ctx, &wide);
    // RFC 6793 §3: AS4_PATH holds no confederation segments, so that those with four-octet numbers are lost.
    let confed = update
        .attrs
        .as_path()
        .segments()
        .any(|segment| segment.kind.is_confed());
    if !confed {
        again(
            decoded,
            ctx,
            &Encoding {
                asn4: false,
                ..wide
            },
        );
    }
}

/// Written like this it is read as it was.
fn again(decoded: &Decoded<'_>, ctx: &SessionContext, enc: &Encoding) {
    let update = &decoded.update;
    let (mut out, mut scratch) = (BytesMut::new(), AttrScratch::new());
    if encode_update(&mut out, update, enc).is_err() {
        assert!(out.is_empty(), "nothing is written on error");
        return;
    }
    let (frame, used) = next_frame(&out, enc.max_message)
        .expect("a good header")
        .expect("a whole message");
    assert_eq!(used, out.len());
    let ctx = SessionContext {
        asn4: enc.asn4,
        ..ctx.clone()
    };
    let read = decode_update(frame.body, &ctx, &mut scratch).expect("what we write");
    assert_eq!(&read.update, update);
    for finding in &read.findings {
        assert!(
            finding.disposition == Disposition::None || finding.error.reason == Reason::Missing,
            "{finding}"
        );
    }
}

/// What is done to a path is seen in it.
fn path(attrs: AttrRef<'_>) {
    let (own, member) = (Asn(64_999), Asn(64_998));
    let before = attrs.as_path();
    let mut editor = AttrEditor::from(attrs);
    editor.map_as_path(Some);
    assert_eq!(editor.get().as_path(), before);
    editor.prepend_as_path(own, 2);
    let after = editor.get().as_path();
    assert_eq!(
        (after.first_as(), after.count(own)),
        (Some(own), before.count(own) + 2)
    );
    editor.prepend_confed_as(member, 1);
    assert_eq!(
        editor.get().as_path().count(member),
        before.count(member) + 1
    );
    editor.remove_confed_segments();
    let after = editor.get().as_path();
    assert!(!after.segments().any(|segment| segment.kind.is_confed()));
    assert_eq!(
        after.has_set(),
        before
            .segments()
            .any(|one| one.kind.is_set() && !one.kind.is_confed())
    );
    editor.map_as_path(|asn| (asn != own).then_some(asn));
    assert!(!editor.get().as_path().contains(own));
    editor.set_as_path(&[own]);
    assert_eq!(editor.get().as_path().to_string(), own.to_string());
}

/// An editor that touches nothing changes nothing, and what it takes away it can put back.
fn canonical(attrs: AttrRef<'_>) {
    let mut editor = AttrEditor::from(attrs);
    assert_eq!(editor.get(), attrs);
    let segments: Vec<(_, Vec<_>)> = attrs
        .as_path()
        .segments()
        .map(|segment| (segment.kind, segment.iter().collect()))
        .collect();
    let has_path = attrs.get(bgp_wire::AttrCode::AS_PATH).is_some();
    let segments: Vec<_> = segments
        .iter()
        .map(|(kind, asns)| (*kind, &asns[..]))
        .collect();
    editor.set_communities(attrs.communities());
    editor.set_large_communities(attrs.large_communities());
    editor.set_ext_communities(attrs.ext_communities());
    editor.set_med(attrs.med());
    editor.set_local_pref(attrs.local_pref());
    editor.set_originator_id(attrs.originator_id());
    editor.set_next_hop(attrs.next_hop());
    if has_path {
        editor.set_as_path_segments(&segments);
    }
    assert_eq!(editor.get().next_hop(), attrs.next_hop());
    assert!(editor.get().communities().eq(attrs.communities()));
    assert_eq!(editor.get().as_path(), attrs.as_path());
    assert_eq!(editor.get().med(), attrs.med());
}
