//! Values that are sets of items of one size: sorted, each once. Most senders sort already, so that
//! is looked at first.

use std::collections::BTreeSet;

use crate::SessionContext;
use crate::error::Reason;
use crate::input::{Input, Malformed};

/// Appends the items of `value` in order, if they are not. Fails if there is none or part of one.
#[inline]
pub(super) fn read<'a, const N: usize>(
    field: &'static str,
    value: Input<'a>,
    ctx: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    let (items, rest) = value.as_chunks::<N>();
    if items.is_empty() || !rest.is_empty() {
        return Err(Malformed::new(value, field, Reason::Length(value.len())));
    }
    if !ctx.keep_order && !is_sorted(items) {
        put(items, out);
    }
    Ok(())
}

#[inline]
fn is_sorted<const N: usize>(items: &[[u8; N]]) -> bool {
    items.is_sorted_by(|a, b| a < b)
}

/// Appends items in order, each once.
pub(super) fn put<const N: usize>(items: &[[u8; N]], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(items.as_flattened());
    if is_sorted(items) {
        return;
    }
    let Some(copy) = out.get_mut(start..) else {
        return;
    };
    let copy = copy.as_chunks_mut::<N>().0;
    copy.sort_unstable();
    let mut kept = 0usize;
    for place in 0..copy.len() {
        let item = copy.get(place).copied();
        let last = kept.checked_sub(1).and_then(|last| copy.get(last)).copied();
        if let (Some(item), true) = (item, item != last) {
            if let Some(slot) = copy.get_mut(kept) {
                *slot = item;
            }
            kept += 1;
        }
    }
    out.truncate(start + kept * N);
}

/// Appends the items of `value` without those that were there before, if there are such. The time does
/// not grow with the square of their number.
pub(super) fn drop_repeated<const N: usize>(value: &[u8], out: &mut Vec<u8>) {
    let items = value.as_chunks::<N>().0;
    if is_sorted(items) {
        return;
    }
    let start = out.len();
    let mut seen = BTreeSet::new();
    for item in items {
        if seen.insert(item) {
            out.extend_from_slice(item);
        }
    }
    if seen.len() == items.len() {
        out.truncate(start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Asn;

    #[test]
    fn what_is_in_order_or_to_keep_the_order_of_the_sender_is_left_where_it_is() {
        let mut ctx = SessionContext::new(Asn(1), Asn(2));
        for (keep_order, value, wanted) in [
            (false, [2, 0, 1, 3, 2, 0], &[1, 3, 2, 0][..]),
            (false, [1, 3, 2, 0, 2, 1], &[]),
            (true, [2, 0, 1, 3, 2, 0], &[]),
        ] {
            ctx.keep_order = keep_order;
            let mut out = Vec::new();
            read::<2>("items", &value, &ctx, &mut out).unwrap();
            assert_eq!(out, wanted);
        }
    }

    #[test]
    fn items_are_sorted_and_kept_once() {
        for (items, sorted) in [
            (&[][..], &[][..]),
            (&[[1, 2]], &[1, 2]),
            (&[[1, 2], [1, 3], [2, 0]], &[1, 2, 1, 3, 2, 0]),
            (
                &[[2, 0], [1, 3], [2, 0], [1, 2], [1, 3]],
                &[1, 2, 1, 3, 2, 0],
            ),
            (&[[5, 5], [5, 5]], &[5, 5]),
        ] {
            let mut out = vec![9];
            put(items, &mut out);
            assert_eq!(out[1..], *sorted);
        }
    }
}
