//! The value of one attribute beside the mandatory ones. The first octet chooses the session, the next two are the flags and the
//! code.
#![no_main]

use bgp_fuzz::{Input, are_readable, encoding, is_readable, session, with_bounded_memory};
use bgp_wire::{
    AttrCode, AttrEditor, AttrRef, AttrScratch, Community, Disposition, ExtCommunity,
    LargeCommunity, SessionContext, decode_update, encode_update, next_frame,
};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let ctx = SessionContext {
        // Without the order of the sender, what is written is canonical.
        keep_order: false,
        ..session(input.octet())
    };
    let (flags, code) = (input.octet(), input.octet());
    let value = input.rest();
    let value = &value[..value.len().min(60_000)];
    let body = update(&ctx, flags, code, value);
    let mut scratch = AttrScratch::new();
    let decoded = with_bounded_memory(body.len(), || decode_update(&body, &ctx, &mut scratch));
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(error) => {
            is_readable(&error.to_string());
            // RFC 7606 §3 c to j: what is malformed in one attribute resets the session only if it carries routes, or is
            // well-known by its flags and not known.
            assert!(matches!(code, 14 | 15) || flags & 0x80 == 0, "{error}");
            return;
        }
    };
    for finding in &decoded.findings {
        is_readable(&finding.to_string());
    }
    if decoded.disposition >= Disposition::TreatAsWithdraw {
        return;
    }
    let attrs = decoded.update.attrs;
    is_readable(&attrs.to_string());
    for node in attrs.describe() {
        are_readable(&node);
    }
    look_at(attrs);
    edited(attrs);
    let mut out = BytesMut::new();
    encode_update(&mut out, &decoded.update, &encoding(&ctx)).expect("it was read");
    let (frame, _) = next_frame(&out, 65535)
        .expect("a good header")
        .expect("a whole message");
    let mut scratch = AttrScratch::new();
    let again = decode_update(frame.body, &ctx, &mut scratch).expect("what we write");
    assert_eq!(again.update.attrs, attrs);
});

/// What the rest of the house asks of overlay attributes. A SID with a label put back is as long as it was.
fn look_at(attrs: AttrRef<'_>) {
    if let Some(tunnel) = attrs.pmsi_tunnel() {
        let _ = (tunnel.label(), tunnel.type_name(), tunnel.endpoint());
    }
    if let Some(prefix_sid) = attrs.prefix_sid() {
        let _ = prefix_sid.label_index();
        assert!(prefix_sid.originator_srgb().count() < 11_000);
        for sid in [prefix_sid.srv6_l3(), prefix_sid.srv6_l2()]
            .into_iter()
            .flatten()
        {
            for bits in [20, 24] {
                let _ = sid.with_label(0xf_ffff, bits);
            }
        }
    }
    let _ = (attrs.aigp(), attrs.only_to_customer());
    assert!(attrs.ipv6_ext_communities().count() < 3300);
    for community in attrs.ext_communities() {
        let again = community
            .mac_mobility()
            .map(ExtCommunity::from_mac_mobility);
        assert!(again.is_none_or(|again| again.mac_mobility() == community.mac_mobility()));
        assert_eq!(
            community.router_mac().map(ExtCommunity::from_router_mac),
            community.router_mac().map(|_| community)
        );
        let _ = (
            community.administrator(),
            community.is_route_target(),
            community.es_import(),
        );
        let _ = (
            community.encapsulation(),
            community.color(),
            community.link_bandwidth(),
        );
        let _ = community.is_transitive();
    }
}

/// What is set is there, and what is set to what it was is as it was.
fn edited(attrs: AttrRef<'_>) {
    let mut editor = AttrEditor::from(attrs);
    editor.set_pmsi_tunnel(attrs.pmsi_tunnel());
    editor.set_only_to_customer(attrs.only_to_customer());
    editor.set_ipv6_ext_communities(attrs.ipv6_ext_communities());
    editor.set_aggregator(attrs.aggregator());
    editor.set_atomic_aggregate(attrs.atomic_aggregate());
    // But for the Partial bit: what is set by us, we know.
    let values = |attrs: AttrRef<'_>| -> Vec<(AttrCode, Vec<u8>)> {
        let each = attrs.iter().map(|(code, _, value)| (code, value.to_vec()));
        each.collect()
    };
    assert_eq!(values(editor.get()), values(attrs));
    editor.set_aigp(attrs.aigp());
    assert_eq!(editor.get().aigp(), attrs.aigp());
    let sids = |attrs: AttrRef<'_>| {
        let all = attrs.prefix_sid();
        (
            all.and_then(|all| all.srv6_l3()),
            all.and_then(|all| all.srv6_l2()),
        )
    };
    let (l3, l2) = sids(attrs);
    editor.set_srv6_l3(l2);
    editor.set_srv6_l2(l3);
    assert_eq!(sids(editor.get()), (l2, l3));
    // As an internal peer could have sent it, each is taken as it is.
    let mut editor = AttrEditor::new();
    for (code, flags, value) in attrs.iter() {
        let taken = editor.set_value(code, value).is_ok() || editor.set_unknown(code, flags, value);
        // Where it is told differently, or an AS_SET is in it (RFC 9774).
        let other = code == AttrCode::NEXT_HOP
            || code == AttrCode::AS_PATH && attrs.as_path().has_set()
            || code == AttrCode::ATTR_SET;
        assert!(taken || other, "{code:?}");
        if taken {
            assert_eq!(editor.get().get(code), Some(value), "{code:?}");
        }
    }
    editor.retain(|code, _| code == AttrCode::ORIGIN);
    assert_eq!(editor.get().iter().count(), 1);
    let mut editor = AttrEditor::from(attrs);
    editor.retain_communities(|_| false);
    editor.retain_ext_communities(|_| false);
    editor.retain_large_communities(|_| false);
    editor.retain_ipv6_ext_communities(|_| false);
    let left = editor.get();
    assert!(left.communities().next().is_none() && left.ext_communities().next().is_none());
    assert!(left.large_communities().next().is_none());
    assert!(left.ipv6_ext_communities().next().is_none());
    editor.add_community(Community::NO_EXPORT);
    editor.add_ext_community(ExtCommunity::from_color(7));
    editor.add_ext_community(ExtCommunity::from_encapsulation(8));
    editor.add_large_community(LargeCommunity {
        global: 1,
        data1: 2,
        data2: 3,
    });
    assert!(editor.get().has_community(Community::NO_EXPORT));
    assert_eq!(editor.get().ext_communities().count(), 2);
    editor.clear();
    assert_eq!(editor.get().iter().count(), 0);
}

/// An UPDATE that announces a prefix with what is mandatory and this attribute, which comes first.
fn update(ctx: &SessionContext, flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or(0).to_be_bytes();
    let mut block = vec![flags | 0x10, code, length[0], length[1]];
    block.extend_from_slice(value);
    let path: &[u8] = if ctx.asn4 {
        &[2, 1, 0, 0, 0xfd, 0xe9]
    } else {
        &[2, 1, 0xfd, 0xe9]
    };
    for (flags, code, value) in [
        (0x40, 1, &[0][..]),
        (0x40, 2, path),
        (0x40, 3, &[192, 0, 2, 1]),
        (0x40, 5, &[0, 0, 0, 100]),
    ] {
        block.extend_from_slice(&[flags, code, u8::try_from(value.len()).unwrap_or(0)]);
        block.extend_from_slice(value);
    }
    let length = u16::try_from(block.len()).unwrap_or(0).to_be_bytes();
    let id: &[u8] = if ctx.add_path_receive.is_empty() {
        &[]
    } else {
        &[0, 0, 0, 1]
    };
    [&[0, 0, length[0], length[1]], &block[..], id, &[8, 10]].concat()
}
