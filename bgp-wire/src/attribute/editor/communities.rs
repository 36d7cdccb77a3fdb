//! Changes of communities of all kinds: sets of items of one size, kept sorted. Where the order is that of the sender
//! ([`SessionContext::keep_order`](crate::SessionContext::keep_order)) it stays, and what is added comes last.

use super::AttrEditor;
use crate::attribute::{
    AttrCode, Community, ExtCommunity, Ipv6ExtCommunity, LargeCommunity, sorted,
};

impl AttrEditor {
    /// Sets COMMUNITIES; none removes the attribute.
    pub fn set_communities(&mut self, communities: impl IntoIterator<Item = Community>) {
        self.put_items(
            AttrCode::COMMUNITIES,
            communities.into_iter().map(|one| one.0.to_be_bytes()),
        );
    }

    /// Adds a community.
    pub fn add_community(&mut self, community: Community) {
        self.add_item(AttrCode::COMMUNITIES, community.0.to_be_bytes());
    }

    /// Keeps the communities for which `keep` says so.
    pub fn retain_communities(&mut self, keep: impl Fn(Community) -> bool) {
        self.retain_items(AttrCode::COMMUNITIES, |four| {
            keep(Community(u32::from_be_bytes(four)))
        });
    }

    /// Sets EXTENDED_COMMUNITIES; none removes the attribute.
    pub fn set_ext_communities(&mut self, communities: impl IntoIterator<Item = ExtCommunity>) {
        self.put_items(
            AttrCode::EXT_COMMUNITIES,
            communities.into_iter().map(|one| one.0),
        );
    }

    /// Adds an extended community.
    pub fn add_ext_community(&mut self, community: ExtCommunity) {
        self.add_item(AttrCode::EXT_COMMUNITIES, community.0);
    }

    /// Keeps the extended communities for which `keep` says so.
    pub fn retain_ext_communities(&mut self, keep: impl Fn(ExtCommunity) -> bool) {
        self.retain_items(AttrCode::EXT_COMMUNITIES, |eight| keep(ExtCommunity(eight)));
    }

    /// Sets LARGE_COMMUNITIES; none removes the attribute.
    pub fn set_large_communities(&mut self, communities: impl IntoIterator<Item = LargeCommunity>) {
        self.put_items(
            AttrCode::LARGE_COMMUNITIES,
            communities.into_iter().map(LargeCommunity::to_bytes),
        );
    }

    /// Adds a large community.
    pub fn add_large_community(&mut self, community: LargeCommunity) {
        self.add_item(AttrCode::LARGE_COMMUNITIES, community.to_bytes());
    }

    /// Keeps the large communities for which `keep` says so.
    pub fn retain_large_communities(&mut self, keep: impl Fn(LargeCommunity) -> bool) {
        self.retain_items(AttrCode::LARGE_COMMUNITIES, |twelve| {
            keep(LargeCommunity::from_bytes(twelve))
        });
    }

    /// Sets IPv6 Address Specific Extended Community; none removes the attribute.
    pub fn set_ipv6_ext_communities(
        &mut self,
        communities: impl IntoIterator<Item = Ipv6ExtCommunity>,
    ) {
        self.put_items(
            AttrCode::IPV6_EXT_COMMUNITIES,
            communities.into_iter().map(Ipv6ExtCommunity::to_bytes),
        );
    }

    /// Keeps the IPv6 extended communities for which `keep` says so.
    pub fn retain_ipv6_ext_communities(&mut self, keep: impl Fn(Ipv6ExtCommunity) -> bool) {
        self.retain_items(AttrCode::IPV6_EXT_COMMUNITIES, |twenty| {
            keep(Ipv6ExtCommunity::from_bytes(twenty))
        });
    }

    fn put_items<const N: usize>(&mut self, code: AttrCode, items: impl Iterator<Item = [u8; N]>) {
        self.build(code, |_, value| {
            let items: Vec<[u8; N]> = items.collect();
            sorted::put(&items, value);
        });
        self.remove_if_empty(code);
    }

    fn add_item<const N: usize>(&mut self, code: AttrCode, item: [u8; N]) {
        self.build(code, |old, value| {
            let items = old.as_chunks::<N>().0;
            let place = match items.is_sorted() {
                true => items.partition_point(|one| *one < item),
                false => items
                    .iter()
                    .position(|one| *one == item)
                    .unwrap_or(items.len()),
            };
            let (before, after) = items.split_at_checked(place).unwrap_or((items, &[]));
            value.extend_from_slice(before.as_flattened());
            if after.first() != Some(&item) {
                value.extend_from_slice(&item);
            }
            value.extend_from_slice(after.as_flattened());
        });
    }

    fn retain_items<const N: usize>(&mut self, code: AttrCode, keep: impl Fn([u8; N]) -> bool) {
        if self
            .get()
            .get(code)
            .is_none_or(|value| value.as_chunks::<N>().0.iter().all(|item| keep(*item)))
        {
            return;
        }
        self.build(code, |old, value| {
            for item in old.as_chunks::<N>().0.iter().filter(|item| keep(**item)) {
                value.extend_from_slice(item);
            }
        });
        self.remove_if_empty(code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list in the order of its sender keeps it, whatever is added and taken away.
    #[test]
    fn the_order_of_the_sender_stays() {
        let ctx = crate::SessionContext {
            keep_order: true,
            ..crate::SessionContext::new(crate::Asn(1), crate::Asn(1))
        };
        // ORIGIN; the communities 3, 1, 2 and 1 again.
        let list = [0u32, 3, 1, 2, 1].map(u32::to_be_bytes);
        let head = [0, 0, 0, 23, 0x40, 1, 1, 0, 0xc0, 8, 16];
        let body = [&head[..], list[1..].as_flattened()].concat();
        let mut scratch = crate::AttrScratch::new();
        let decoded = crate::decode_update(&body, &ctx, &mut scratch).unwrap();
        let mut editor = AttrEditor::new();
        editor.load(decoded.update.attrs);
        let numbers = |editor: &AttrEditor| -> Vec<u32> {
            editor.get().communities().map(|one| one.0).collect()
        };
        assert_eq!(numbers(&editor), [3, 1, 2, 1]);
        editor.add_community(Community(2));
        assert_eq!(numbers(&editor), [3, 1, 2, 1]);
        editor.add_community(Community(0));
        assert_eq!(numbers(&editor), [3, 1, 2, 1, 0]);
        editor.retain_communities(|one| one.0 != 1);
        assert_eq!(numbers(&editor), [3, 2, 0]);
    }

    #[test]
    fn ipv6_communities_are_sorted_and_the_last_one_takes_the_attribute_along() {
        let one = Ipv6ExtCommunity::route_target("2001:db8::1".parse().unwrap(), 1);
        let two = Ipv6ExtCommunity { number: 2, ..one };
        let mut editor = AttrEditor::new();
        editor.set_ipv6_ext_communities([two, one, two]);
        assert!(editor.get().ipv6_ext_communities().eq([one, two]));
        editor.retain_ipv6_ext_communities(|community| community == one);
        assert!(editor.get().ipv6_ext_communities().eq([one]));
        editor.retain_ipv6_ext_communities(|_| false);
        assert_eq!(editor.get(), AttrEditor::new().get());
    }
}
