//! The body of an UPDATE, on a session that the first octet chooses.
#![no_main]

use bgp_fuzz::{Input, are_readable, encoding, is_readable, session, with_bounded_memory};
use bgp_wire::{
    AttrRef, AttrScratch, Disposition, Encoding, Family, NlriBlock, RoutesOf, Update,
    decode_update, dissect_update, encode_sent, next_frame,
};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let ctx = session(input.octet());
    let mut scratch = AttrScratch::new();
    let body = input.rest();
    // What is shown of a body that cannot be read.
    are_readable(&dissect_update(body));
    is_readable(&RoutesOf::new(body, &ctx).to_string());
    let decoded = with_bounded_memory(body.len(), || decode_update(body, &ctx, &mut scratch));
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(error) => {
            assert_eq!(error.notification.code, 3);
            is_readable(&error.to_string());
            return;
        }
    };
    assert!(decoded.disposition < Disposition::SessionReset);
    let strongest = decoded.findings.iter().map(|one| one.disposition).max();
    assert_eq!(strongest.unwrap_or(Disposition::None), decoded.disposition);
    for finding in &decoded.findings {
        is_readable(&finding.to_string());
    }
    let update = &decoded.update;
    assert_eq!(update.reach.is_some(), update.mp_attrs.is_some());
    let blocks = [
        Some(update.withdrawn),
        Some(update.announced),
        update.reach.map(|reach| reach.nlri),
        update.unreach.map(|unreach| unreach.nlri),
    ];
    for block in blocks.into_iter().flatten() {
        assert!(ctx.families.contains(block.family));
        let ids = ctx.add_path_receive.contains(block.family);
        assert!(block.form.add_path == ids || block.bytes().is_empty());
        prefixes(&block);
    }
    if let Some(family) = update.end_of_rib {
        assert!(ctx.families.contains(family));
        assert!(update.withdrawn.is_empty() && update.announced.is_empty());
    }
    // What is treated as withdrawn has attributes nobody may look at.
    if decoded.disposition < Disposition::TreatAsWithdraw {
        look_at(update.attrs);
        update.mp_attrs.map(look_at);
    }
    is_readable(&update.to_string());
    are_readable(&update.describe());
    send(update, &encoding(&ctx));
});

/// What is sent on for it is one whole message, or nothing.
fn send(update: &Update<'_>, enc: &Encoding) {
    let mut out = BytesMut::new();
    match encode_sent(&mut out, update, enc) {
        Ok(()) => {
            let frame = next_frame(&out, enc.max_message).expect("a good header");
            assert_eq!(frame.map(|(_, used)| used), Some(out.len()));
        }
        Err(error) => {
            assert!(out.is_empty(), "nothing is written on error");
            is_readable(&error.to_string());
        }
    }
}

fn prefixes(block: &NlriBlock<'_>) {
    let count = match block.family {
        Family::IPV4_UNICAST => block
            .iter_v4()
            .inspect(|(_, net)| assert_eq!(net.trunc(), *net))
            .count(),
        Family::IPV6_UNICAST => block
            .iter_v6()
            .inspect(|(_, net)| assert_eq!(net.trunc(), *net))
            .count(),
        // The target `nlri` looks at them.
        _ => return,
    };
    assert_eq!(count, block.len());
    assert!(count > 0 || block.is_empty());
}

/// Everything the rest of the house asks of a set.
fn look_at(attrs: AttrRef<'_>) {
    let codes: Vec<_> = attrs.iter().map(|(code, _, _)| code).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "ascending: {codes:?}");
    for (code, flags, value) in attrs.iter() {
        assert_eq!(attrs.get(code), Some(value));
        is_readable(&code.text(flags, value).to_string());
        assert!(!code.is_known() || code.name().is_some());
        let _ = (code.stays_inside(), code.reference());
    }
    let path = attrs.as_path();
    assert!(path.len() <= path.iter().count());
    assert!(path.first_as().is_none_or(|asn| path.contains(asn)));
    assert!(path.origin_as().is_none_or(|asn| path.count(asn) > 0));
    let communities: Vec<_> = attrs.communities().collect();
    assert!(communities.is_sorted_by(|a, b| a < b));
    assert!(communities.iter().all(|one| attrs.has_community(*one)));
    assert!(attrs.ext_communities().is_sorted());
    assert!(attrs.large_communities().is_sorted_by(|a, b| a < b));
    let _ = (attrs.origin(), attrs.med(), attrs.local_pref());
    let _ = (
        attrs.aggregator(),
        attrs.originator_id(),
        attrs.neighbor_as(),
    );
    let _ = (attrs.cluster_list().count(), attrs.unknown().count());
    is_readable(&attrs.to_string());
    assert_eq!(attrs.to_set().as_ref(), attrs);
}
