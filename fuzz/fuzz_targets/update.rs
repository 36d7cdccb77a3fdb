//! An UPDATE is judged, and all that a reader may ask of it can be asked, whatever the octets are.
#![no_main]

use bgp_wire::{AttrRef, AttrScratch, Disposition, NlriBlock, decode_update};
use libfuzzer_sys::fuzz_target;

fn ask(attrs: AttrRef<'_>) {
    let path = attrs.as_path();
    let _ = (path.to_string(), path.neighbor_as(), attrs.to_string());
    let _ = (
        attrs.next_hop(),
        attrs.origin(),
        attrs.med(),
        attrs.local_pref(),
        attrs.aggregator(),
    );
    let _ = (
        attrs.communities().count(),
        attrs.ext_communities().count(),
        attrs.large_communities().count(),
    );
    let _ = (
        attrs.originator_id(),
        attrs.cluster_list().count(),
        attrs.iter().count(),
    );
}

fn walk(block: &NlriBlock<'_>) {
    let _ = (block.iter_v4().count(), block.iter_v6().count());
}

fuzz_target!(|input: &[u8]| {
    let Some((context, body)) = cosmos_fuzz::context(input) else {
        return;
    };
    let mut scratch = AttrScratch::new();
    match decode_update(body, &context, &mut scratch) {
        Err(error) => {
            let _ = (error.to_string(), error.notification.to_string());
        }
        Ok(decoded) => {
            assert!(decoded.disposition < Disposition::SessionReset);
            let strongest = decoded.findings.iter().map(|f| f.disposition).max();
            assert_eq!(strongest.unwrap_or(Disposition::None), decoded.disposition);
            let update = &decoded.update;
            ask(update.attrs);
            update.mp_attrs.into_iter().for_each(ask);
            walk(&update.announced);
            walk(&update.withdrawn);
            update.reach.iter().for_each(|reach| walk(&reach.nlri));
            update
                .unreach
                .iter()
                .for_each(|unreach| walk(&unreach.nlri));
        }
    }
});
