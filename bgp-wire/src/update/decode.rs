//! Decodes an UPDATE.
//!
//! Frame first, interpret second, decide third. The body is cut by its two lengths, the attributes
//! by theirs ([`cut`](super::cut)); each attribute's reader sees its own value only
//! ([`canonical`](super::canonical)). Whatever is wrong becomes a finding
//! ([`judge`](super::judge)); only when one of them asks for a session reset does decoding fail.

use super::canonical::Canonical;
use super::cut::Cut;
use super::judge::{Judge, WITHDRAWN};
use super::{AttrScratch, Decoded, Update, end_of_rib, overlay_index, sr_policy};
use crate::attribute::{AttrRef, tunnel_encap};
use crate::error::{Disposition, Findings, MessageError};
use crate::{Family, FamilySet, SessionContext};

/// Decodes the body of an UPDATE.
///
/// Fails when the session has to end. Errors that leave the session up are in
/// [`Decoded::findings`].
pub fn decode_update<'a>(
    body: &'a [u8],
    ctx: &SessionContext,
    scratch: &'a mut AttrScratch,
) -> Result<Decoded<'a>, MessageError> {
    let mut decoded = Decoded {
        update: Update::empty(),
        findings: Findings::new(),
        disposition: Disposition::None,
        disabled: FamilySet::EMPTY,
    };
    decode_into(&mut decoded, body, ctx, scratch)?;
    Ok(decoded)
}

/// Puts each part where it is to be as soon as it is there: to copy all of them at the end, as they
/// have just been written, takes as long as to check a dozen prefixes.
#[inline(never)]
fn decode_into<'a>(
    decoded: &mut Decoded<'a>,
    body: &'a [u8],
    ctx: &SessionContext,
    scratch: &'a mut AttrScratch,
) -> Result<(), MessageError> {
    let mut judge = Judge::new(body);
    let Some((withdrawn, block, announced)) = split(body) else {
        return Err(judge.bad_lengths());
    };
    let update = &mut decoded.update;

    judge.body_nlri(withdrawn, ctx, WITHDRAWN, &mut update.withdrawn);
    let has_announced = !announced.is_empty();
    judge.body_nlri(announced, ctx, "NLRI", &mut update.announced);

    let mut cut = Cut::new(block);
    cut.fill(&mut judge);
    let reach_octets = judge.reach(cut.reach, ctx, &mut update.reach);
    judge.unreach(cut.unreach, ctx, &mut update.unreach);
    let (announced, reach) = (&update.announced, update.reach.as_ref());

    let canonical = Canonical {
        ctx,
        judge: &mut judge,
        sets: &mut scratch.sets,
        same: 0..0,
        block,
        value: &mut scratch.value,
        as4: &mut scratch.as4,
        needs_endpoints: !announced.is_empty()
            || reach.is_some_and(|reach| tunnel_encap::needs_endpoints(reach.family)),
    };
    let split = canonical.write(&cut, announced.is_empty(), reach);

    update.end_of_rib = end_of_rib::family(body, block, update.unreach.as_ref(), cut.count())
        .filter(|family| ctx.takes(*family));
    judge.missing(
        &cut,
        ctx,
        !announced.is_empty(),
        reach.is_some_and(|reach| !reach.nlri.is_empty()),
    );
    if let Some(reach) = reach.filter(|reach| !reach.nlri.is_empty()) {
        match reach.family {
            Family::L2VPN_EVPN => overlay_index::check(&mut judge, &cut, &reach.nlri),
            family if sr_policy::is_one(family) => sr_policy::check(&mut judge, &cut, &reach.nlri),
            _ => {}
        }
    }
    judge.no_reachable_nlri(has_announced || reach_octets, &cut)?;

    judge.sort();
    let sets: &'a [u8] = &scratch.sets;
    let (attrs, mp_attrs) = sets.split_at_checked(split).unwrap_or((sets, &[]));
    update.attrs = AttrRef::from_canonical(attrs);
    update.mp_attrs = reach.map(|_| {
        if mp_attrs.is_empty() {
            update.attrs
        } else {
            AttrRef::from_canonical(mp_attrs)
        }
    });
    decoded.findings = judge.findings;
    decoded.disposition = judge.worst;
    decoded.disabled = judge.disabled;
    Ok(())
}

/// Withdrawn Routes, Path Attributes and NLRI by their two lengths.
#[inline]
pub(super) fn split(body: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = body.split_first_chunk()?;
    let (withdrawn, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (length, rest) = rest.split_first_chunk()?;
    let (block, announced) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((withdrawn, block, announced))
}
