//! Decodes an UPDATE and judges it as RFC 7606 asks.
//!
//! Frame first, interpret second, decide third. The body is cut by its two lengths, the attributes by theirs; each attribute's reader
//! sees its own value only. Whatever is wrong becomes a finding with what it asks for by itself; the strongest decides (RFC 7606 §3 h). Only
//! when that is a session reset does decoding fail.

use bytes::Bytes;
use smallvec::SmallVec;

use super::{AttrScratch, Decoded, MpReach, MpUnreach, Update, end_of_rib};
use crate::attribute::set::head;
use crate::attribute::table::{self, AttrSpec, Keep};
use crate::attribute::{
    AsPathRef, AttrCode, AttrRef, as_path, flags, mp_reach, mp_unreach, next_hop,
};
use crate::codes::{self, update as subcode};
use crate::error::{DecodeError, Disposition, Finding, Findings, MessageError, Reason};
use crate::frame::HEADER_LEN;
use crate::input::Malformed;
use crate::nlri::{self, NlriBlock};
use crate::{Family, NextHop, PeerKind, SessionContext};

/// An attribute as it is in the message.
#[derive(Clone, Copy)]
struct Raw<'a> {
    flags: u8,
    code: u8,
    value: &'a [u8],
    /// Flags, code, length and value: the data of a NOTIFICATION about it.
    whole: &'a [u8],
}

/// The attributes of one message, ORIGIN and its like first; more than these spill to the heap.
type Attributes<'a> = SmallVec<[Raw<'a>; 12]>;

/// Decodes the body of an UPDATE.
///
/// Fails when the session has to end. Errors that leave the session up are in [`Decoded::findings`].
pub fn decode_update<'a>(
    body: &'a [u8],
    ctx: &SessionContext,
    scratch: &'a mut AttrScratch,
) -> Result<Decoded<'a>, MessageError> {
    let mut judge = Judge {
        body,
        findings: Findings::new(),
        worst: Disposition::None,
        cause: None,
    };
    let Some((withdrawn, block, announced)) = split(body) else {
        return Err(judge.bad_lengths());
    };

    let withdrawn = judge.body_nlri(withdrawn, ctx, "Withdrawn Routes");
    let has_announced = !announced.is_empty();
    let announced = judge.body_nlri(announced, ctx, "NLRI");

    let cut = Cut::new(block, &mut judge);
    let (reach, reach_octets) = judge.reach(cut.reach, ctx);
    let unreach = judge.unreach(cut.unreach, ctx);

    let canonical = Canonical {
        ctx,
        judge: &mut judge,
        sets: &mut scratch.sets,
        as4: &mut scratch.as4,
    };
    let split = canonical.write(&cut, announced.is_empty(), reach.as_ref());

    let end_of_rib = end_of_rib::family(body, unreach.as_ref(), cut.count())
        .filter(|family| ctx.families.contains(*family));
    judge.missing(
        &cut,
        ctx,
        !announced.is_empty(),
        reach.as_ref().is_some_and(|reach| !reach.nlri.is_empty()),
    );
    judge.no_reachable_nlri(has_announced || reach_octets, &cut)?;

    let sets: &'a [u8] = &scratch.sets;
    let (attrs, mp_attrs) = sets.split_at_checked(split).unwrap_or((sets, &[]));
    let attrs = AttrRef::from_canonical(attrs);
    let mp_attrs = reach.as_ref().map(|_| {
        if mp_attrs.is_empty() {
            attrs
        } else {
            AttrRef::from_canonical(mp_attrs)
        }
    });
    Ok(Decoded {
        update: Update {
            withdrawn,
            announced,
            reach,
            unreach,
            attrs,
            mp_attrs,
            end_of_rib,
        },
        findings: judge.findings,
        disposition: judge.worst,
    })
}

/// Withdrawn Routes, Path Attributes and NLRI by their two lengths.
#[inline]
fn split(body: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = body.split_first_chunk()?;
    let (withdrawn, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (length, rest) = rest.split_first_chunk()?;
    let (block, announced) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((withdrawn, block, announced))
}

/// The attribute block, cut into attributes.
struct Cut<'a> {
    /// All but MP_REACH_NLRI and MP_UNREACH_NLRI, in ascending order, each once.
    others: Attributes<'a>,
    reach: Option<Raw<'a>>,
    unreach: Option<Raw<'a>>,
    /// The codes seen, below 128 and from there on.
    seen: [u128; 2],
    /// Some octets could not be cut.
    lost: bool,
}

impl<'a> Cut<'a> {
    #[inline]
    fn new(block: &'a [u8], judge: &mut Judge<'a>) -> Self {
        let mut cut = Self {
            others: SmallVec::new(),
            reach: None,
            unreach: None,
            seen: [0; 2],
            lost: false,
        };
        let mut rest = block;
        let mut last = 0;
        let mut ascending = true;
        while !rest.is_empty() {
            let Some((raw, after)) = one(rest) else {
                judge.attribute_overrun(rest);
                cut.lost = true;
                break;
            };
            rest = after;
            // The code counts as seen before its value is looked at, so that a bad first copy does not let a second one in.
            if cut.mark(raw.code) {
                judge.duplicate(raw);
                continue;
            }
            match AttrCode(raw.code) {
                AttrCode::MP_REACH_NLRI => cut.reach = Some(raw),
                AttrCode::MP_UNREACH_NLRI => cut.unreach = Some(raw),
                AttrCode(code) => {
                    ascending &= code > last;
                    last = code;
                    cut.others.push(raw);
                }
            }
        }
        if !ascending {
            cut.others.sort_unstable_by_key(|raw| raw.code);
        }
        cut
    }

    /// Marks a code as seen; whether it was before.
    #[inline]
    fn mark(&mut self, code: u8) -> bool {
        let [low, high] = &mut self.seen;
        let half = if code < 128 { low } else { high };
        let bit = 1 << (code & 127);
        let before = *half & bit != 0;
        *half |= bit;
        before
    }

    #[inline]
    fn has(&self, code: AttrCode) -> bool {
        let [low, high] = self.seen;
        let half = if code.0 < 128 { low } else { high };
        half & (1 << (code.0 & 127)) != 0
    }

    fn find(&self, code: AttrCode) -> Option<Raw<'a>> {
        self.others.iter().find(|raw| raw.code == code.0).copied()
    }

    fn count(&self) -> usize {
        self.others.len() + usize::from(self.reach.is_some()) + usize::from(self.unreach.is_some())
    }
}

/// The first attribute, cut by its length.
#[inline]
fn one(block: &[u8]) -> Option<(Raw<'_>, &[u8])> {
    let (flags, code, length, head) = match block {
        [flags, code, high, low, ..] if flags & flags::EXTENDED_LENGTH != 0 => (
            *flags,
            *code,
            usize::from(u16::from_be_bytes([*high, *low])),
            4,
        ),
        [flags, code, length, ..] if flags & flags::EXTENDED_LENGTH == 0 => {
            (*flags, *code, usize::from(*length), 3)
        }
        _ => return None,
    };
    let (whole, rest) = block.split_at_checked(head + length)?;
    Some((
        Raw {
            flags,
            code,
            value: whole.get(head..)?,
            whole,
        },
        rest,
    ))
}

/// Collects what is wrong and knows what is worst.
struct Judge<'a> {
    body: &'a [u8],
    findings: Findings,
    worst: Disposition,
    /// The first of the worst findings, and the data of its NOTIFICATION.
    cause: Option<(Finding, &'a [u8])>,
}

impl<'a> Judge<'a> {
    #[cold]
    fn add(
        &mut self,
        attribute: Option<AttrCode>,
        disposition: Disposition,
        subcode: u8,
        error: Malformed<'a>,
        data: &'a [u8],
    ) {
        let error = error.within(self.body, HEADER_LEN);
        let finding = Finding {
            attribute,
            disposition,
            subcode,
            error,
        };
        if disposition > self.worst {
            self.worst = disposition;
            self.cause = Some((finding, data));
        }
        self.findings.push(finding);
    }

    /// The error of the worst finding.
    #[cold]
    fn error(self) -> MessageError {
        let (finding, data) = self.cause.unwrap_or((
            Finding {
                attribute: None,
                disposition: Disposition::SessionReset,
                subcode: subcode::UNSPECIFIC,
                error: DecodeError {
                    field: "UPDATE",
                    offset: HEADER_LEN,
                    reason: Reason::Truncated,
                },
            },
            &[],
        ));
        let mut error = MessageError::new(
            finding.error,
            codes::UPDATE,
            finding.subcode,
            Bytes::copy_from_slice(data),
        );
        error.attribute = finding.attribute;
        error.findings = self.findings.into_vec();
        error
    }

    /// RFC 4271 §6.3: "If the Withdrawn Routes Length or Total Attribute Length is too large (i.e., if Withdrawn Routes Length + Total
    /// Attribute Length + 23 exceeds the message Length), then the Error Subcode MUST be set to Malformed Attribute List."
    #[cold]
    fn bad_lengths(mut self) -> MessageError {
        let after = |body: &'a [u8]| {
            let (length, rest) = body.split_first_chunk()?;
            rest.get(usize::from(u16::from_be_bytes(*length))..)
        };
        let error = match after(self.body) {
            Some(rest) => Malformed::new(rest, "Total Path Attribute Length", Reason::Truncated),
            None => Malformed::new(self.body, "Withdrawn Routes Length", Reason::Truncated),
        };
        self.add(
            None,
            Disposition::SessionReset,
            subcode::MALFORMED_ATTRIBUTE_LIST,
            error,
            &[],
        );
        self.error()
    }

    /// RFC 7606 §4: too few octets for a head, or a length beyond the block: treat-as-withdraw, and the NLRI are still found by the Total
    /// Path Attribute Length. If the attribute is one that carries NLRI itself, those are lost (RFC 7606 §3 j).
    #[cold]
    fn attribute_overrun(&mut self, rest: &'a [u8]) {
        let code = rest.get(1).map(|code| AttrCode(*code));
        let carries = matches!(
            code,
            Some(AttrCode::MP_REACH_NLRI | AttrCode::MP_UNREACH_NLRI)
        );
        let disposition = if carries {
            Disposition::SessionReset
        } else {
            Disposition::TreatAsWithdraw
        };
        let error = Malformed::new(rest, "Attribute Length", Reason::Truncated);
        self.add(code, disposition, subcode::ATTRIBUTE_LENGTH, error, rest);
    }

    /// RFC 7606 §3 g.
    #[cold]
    fn duplicate(&mut self, raw: Raw<'a>) {
        let code = AttrCode(raw.code);
        let carries = matches!(code, AttrCode::MP_REACH_NLRI | AttrCode::MP_UNREACH_NLRI);
        let disposition = if carries {
            Disposition::SessionReset
        } else {
            Disposition::AttributeDiscard
        };
        let error = Malformed::new(raw.whole, "Path Attributes", Reason::Duplicate);
        self.add(
            Some(code),
            disposition,
            subcode::MALFORMED_ATTRIBUTE_LIST,
            error,
            &[],
        );
    }

    /// Withdrawn Routes or NLRI of the message body. RFC 7606 §5.3, RFC 4271 §6.3: what cannot be cut into prefixes ends the session with "Invalid
    /// Network Field".
    #[inline]
    fn body_nlri(
        &mut self,
        bytes: &'a [u8],
        ctx: &SessionContext,
        field: &'static str,
    ) -> NlriBlock<'a> {
        let family = Family::IPV4_UNICAST;
        let nothing = NlriBlock::empty(family);
        if bytes.is_empty() {
            return nothing;
        }
        if !ctx.families.contains(family) {
            self.not_negotiated(None, bytes, field);
            return nothing;
        }
        let Some(spec) = nlri::spec(family) else {
            return nothing;
        };
        match NlriBlock::check(spec, ctx.add_path_receive.contains(family), bytes) {
            Ok(block) => {
                self.ignored(None, &block);
                block
            }
            Err(error) => {
                self.add(
                    None,
                    Disposition::SessionReset,
                    subcode::INVALID_NETWORK,
                    error,
                    &[],
                );
                nothing
            }
        }
    }

    /// Says that prefixes were passed over.
    #[inline]
    fn ignored(&mut self, attribute: Option<AttrCode>, block: &NlriBlock<'a>) {
        if block.ignored() > 0 {
            let error = Malformed::new(
                block.bytes(),
                "Prefix",
                Reason::Text("is multicast or reserved"),
            );
            self.add(
                attribute,
                Disposition::None,
                subcode::INVALID_NETWORK,
                error,
                &[],
            );
        }
    }

    #[cold]
    fn not_negotiated(&mut self, attribute: Option<AttrCode>, at: &'a [u8], field: &'static str) {
        let error = Malformed::new(
            at,
            field,
            Reason::Text("is of a family that was not negotiated"),
        );
        self.add(
            attribute,
            Disposition::None,
            subcode::OPTIONAL_ATTRIBUTE,
            error,
            &[],
        );
    }

    /// MP_REACH_NLRI, and whether it has octets where NLRI are.
    #[inline]
    fn reach(&mut self, raw: Option<Raw<'a>>, ctx: &SessionContext) -> (Option<MpReach<'a>>, bool) {
        let Some(raw) = raw else { return (None, false) };
        self.flags(raw, flags::OPTIONAL);
        match self.read_reach(raw, ctx) {
            Ok(found) => found,
            // RFC 7606 §7.11, §3 j, RFC 4760 §7: the routes are not known, so neither is what to withdraw.
            Err(error) => {
                self.add(
                    Some(AttrCode(raw.code)),
                    Disposition::SessionReset,
                    subcode::OPTIONAL_ATTRIBUTE,
                    error,
                    raw.whole,
                );
                (None, true)
            }
        }
    }

    fn read_reach(
        &mut self,
        raw: Raw<'a>,
        ctx: &SessionContext,
    ) -> Result<(Option<MpReach<'a>>, bool), Malformed<'a>> {
        let code = Some(AttrCode(raw.code));
        let parts = mp_reach::split(raw.value)?;
        let family = parts.family;
        let Some(spec) = nlri::spec(family).filter(|_| ctx.families.contains(family)) else {
            self.not_negotiated(code, raw.value, "MP_REACH_NLRI");
            return Ok((None, !parts.nlri.is_empty()));
        };
        let next_hop = (spec.next_hop)(parts.next_hop, ctx)?;
        let nlri = NlriBlock::check(spec, ctx.add_path_receive.contains(family), parts.nlri)?;
        self.ignored(code, &nlri);
        if let Err(error) = next_hop::check(next_hop, parts.next_hop) {
            self.add(
                code,
                Disposition::TreatAsWithdraw,
                subcode::OPTIONAL_ATTRIBUTE,
                error,
                raw.whole,
            );
        }
        Ok((
            Some(MpReach {
                family,
                next_hop,
                nlri,
            }),
            !parts.nlri.is_empty(),
        ))
    }

    #[inline]
    fn unreach(&mut self, raw: Option<Raw<'a>>, ctx: &SessionContext) -> Option<MpUnreach<'a>> {
        let raw = raw?;
        self.flags(raw, flags::OPTIONAL);
        match self.read_unreach(raw, ctx) {
            Ok(unreach) => unreach,
            // RFC 7606 §7.12, RFC 4760 §7.
            Err(error) => {
                self.add(
                    Some(AttrCode(raw.code)),
                    Disposition::SessionReset,
                    subcode::OPTIONAL_ATTRIBUTE,
                    error,
                    raw.whole,
                );
                None
            }
        }
    }

    fn read_unreach(
        &mut self,
        raw: Raw<'a>,
        ctx: &SessionContext,
    ) -> Result<Option<MpUnreach<'a>>, Malformed<'a>> {
        let code = Some(AttrCode(raw.code));
        let (family, bytes) = mp_unreach::split(raw.value)?;
        let Some(spec) = nlri::spec(family).filter(|_| ctx.families.contains(family)) else {
            self.not_negotiated(code, raw.value, "MP_UNREACH_NLRI");
            return Ok(None);
        };
        let nlri = NlriBlock::check(spec, ctx.add_path_receive.contains(family), bytes)?;
        self.ignored(code, &nlri);
        Ok(Some(MpUnreach { family, nlri }))
    }

    /// RFC 7606 §3 c: "If the value of either the Optional or Transitive bits in the Attribute Flags is in conflict with their specified
    /// values, then the attribute MUST be treated as malformed and the treat-as-withdraw approach used". The Partial bit "MUST be set to 0"
    /// for well-known and optional non-transitive attributes (RFC 4271 §4.3); RFC 7606 does not name it, so on an optional
    /// one it is cleared and no more, while on a well-known one, which nobody can have failed to understand, it is a conflict.
    #[inline]
    fn flags(&mut self, raw: Raw<'a>, wanted: u8) -> bool {
        let class = flags::OPTIONAL | flags::TRANSITIVE;
        let partial = raw.flags & flags::PARTIAL != 0 && wanted & flags::OPTIONAL == 0;
        if raw.flags & class == wanted && !partial {
            return true;
        }
        let error = Malformed::new(raw.whole, "Attribute Flags", Reason::Flags(raw.flags));
        self.add(
            Some(AttrCode(raw.code)),
            Disposition::TreatAsWithdraw,
            subcode::ATTRIBUTE_FLAGS,
            error,
            raw.whole,
        );
        false
    }

    /// A value its reader refused.
    #[cold]
    fn refused(&mut self, raw: Raw<'a>, spec: &AttrSpec, error: Malformed<'a>) {
        // RFC 4271 §6.3: a length that conflicts with the code has a subcode of its own.
        let subcode = if matches!(error.reason, Reason::Length(_)) {
            subcode::ATTRIBUTE_LENGTH
        } else {
            spec.subcode
        };
        self.add(Some(spec.code), spec.malformed, subcode, error, raw.whole);
    }

    /// An attribute that is understood and has no business here.
    #[cold]
    fn discard(&mut self, raw: Raw<'a>, why: &'static str) {
        let error = Malformed::new(raw.whole, "Path Attributes", Reason::Text(why));
        self.add(
            Some(AttrCode(raw.code)),
            Disposition::AttributeDiscard,
            subcode::OPTIONAL_ATTRIBUTE,
            error,
            raw.whole,
        );
    }

    /// RFC 7606 §3 d: a missing well-known mandatory attribute is treat-as-withdraw. LOCAL_PREF is one inside of an AS (RFC 4271 §5.1.5).
    #[inline]
    fn missing(&mut self, cut: &Cut<'a>, ctx: &SessionContext, announced: bool, reach: bool) {
        // What could not be cut may have been what seems to be missing; the finding is there already.
        if cut.lost || !(announced || reach) {
            return;
        }
        let mandatory: [(AttrCode, bool, &'static [u8]); 4] = [
            (AttrCode::ORIGIN, true, &[1]),
            (AttrCode::AS_PATH, true, &[2]),
            (AttrCode::NEXT_HOP, announced, &[3]),
            (
                AttrCode::LOCAL_PREF,
                ctx.peer_kind == PeerKind::Internal,
                &[5],
            ),
        ];
        for (code, needed, data) in mandatory {
            if needed && !cut.has(code) {
                let error = Malformed::new(
                    self.body,
                    code.name().unwrap_or("Path Attributes"),
                    Reason::Missing,
                );
                self.add(
                    Some(code),
                    Disposition::TreatAsWithdraw,
                    subcode::MISSING_WELL_KNOWN,
                    error,
                    data,
                );
            }
        }
    }

    /// RFC 7606 §5.2: "if any path attribute errors are encountered in such an UPDATE message [with path attributes other than
    /// MP_UNREACH_NLRI and no reachable NLRI] and if any encountered error specifies an error-handling approach other than attribute
    /// discard, then the session reset approach MUST be used."
    #[inline]
    fn no_reachable_nlri(&mut self, reachable: bool, cut: &Cut<'a>) -> Result<(), MessageError> {
        if self.worst < Disposition::TreatAsWithdraw {
            return Ok(());
        }
        let others = !cut.others.is_empty() || cut.reach.is_some() || cut.lost;
        if self.worst < Disposition::SessionReset && (reachable || !others) {
            return Ok(());
        }
        let judge = Self {
            body: self.body,
            findings: std::mem::take(&mut self.findings),
            worst: self.worst,
            cause: self.cause.take(),
        };
        Err(judge.error())
    }
}

/// Writes the canonical sets.
struct Canonical<'s, 'a> {
    ctx: &'s SessionContext,
    judge: &'s mut Judge<'a>,
    sets: &'s mut Vec<u8>,
    as4: &'s mut Vec<u8>,
}

impl<'a> Canonical<'_, 'a> {
    /// Writes the set for the NLRI of the body and, if both kinds are there, the one for MP_REACH_NLRI behind it. Returns where the
    /// first ends.
    #[inline]
    fn write(mut self, cut: &Cut<'a>, body_is_empty: bool, reach: Option<&MpReach<'a>>) -> usize {
        self.sets.clear();
        // RFC 4760 §3: NEXT_HOP beside MP_REACH_NLRI alone "SHOULD be ignored".
        let mut own = None;
        if !(body_is_empty && cut.reach.is_some())
            && let Some(raw) = cut.find(AttrCode::NEXT_HOP)
        {
            own = self.next_hop(raw);
        }
        self.put_next_hop(if body_is_empty {
            reach.map(|reach| reach.next_hop).or(own)
        } else {
            own
        });
        let start = self.sets.len();
        for raw in &cut.others {
            self.attribute(*raw, cut);
        }
        let end = self.sets.len();
        if let (Some(reach), false) = (reach, body_is_empty) {
            self.put_next_hop(Some(reach.next_hop));
            self.sets.extend_from_within(start..end);
        }
        end
    }

    #[inline]
    fn put_next_hop(&mut self, next_hop: Option<NextHop>) {
        match next_hop {
            None => self.sets.push(0),
            Some(next_hop) => next_hop.write(|bytes| {
                self.sets.push(u8::try_from(bytes.len()).unwrap_or(0));
                self.sets.extend_from_slice(bytes);
            }),
        }
    }

    /// Judges NEXT_HOP, whose value goes in front of the set.
    #[inline]
    fn next_hop(&mut self, raw: Raw<'a>) -> Option<NextHop> {
        let spec = table::spec(raw.code)?;
        if !self.judge.flags(raw, spec.flags) {
            return None;
        }
        match (spec.read)(raw.value, self.ctx, self.sets) {
            Ok(()) => {
                self.sets.clear();
                NextHop::from_bytes(raw.value)
            }
            Err(error) => {
                self.judge.refused(raw, spec, error);
                None
            }
        }
    }

    /// Judges one attribute and writes it if it stays.
    #[inline]
    fn attribute(&mut self, raw: Raw<'a>, cut: &Cut<'a>) {
        let Some(spec) = table::spec(raw.code) else {
            self.unknown(raw);
            return;
        };
        match spec.keep {
            Keep::Apart => return,
            Keep::Merged => {
                // RFC 6793 §6: "A NEW BGP speaker that receives the AS4_PATH or AS4_AGGREGATOR attribute [from] a NEW
                // BGP speaker [...] MUST discard the attribute". Else they are read where they are merged.
                if self.ctx.asn4 {
                    self.judge
                        .discard(raw, "has no place on a session with four-octet AS numbers");
                }
                return;
            }
            Keep::InSet => {}
        }
        // RFC 7606 §7.5, §7.9, §7.10: from an external neighbour these are discarded, whatever they hold.
        if spec.internal && self.ctx.peer_kind == PeerKind::External {
            self.judge.discard(raw, "is not for external peers to send");
            return;
        }
        if !self.judge.flags(raw, spec.flags) {
            return;
        }
        let partial = if spec.flags & flags::OPTIONAL != 0 && spec.flags & flags::TRANSITIVE != 0 {
            raw.flags & flags::PARTIAL
        } else {
            0
        };
        self.put(raw, spec, spec.flags | partial, cut);
    }

    /// Writes head and canonical value, or takes all back.
    #[inline]
    fn put(&mut self, raw: Raw<'a>, spec: &AttrSpec, flags: u8, cut: &Cut<'a>) {
        let start = self.sets.len();
        self.sets.extend_from_slice(&[flags, raw.code, 0]);
        let value = start + 3;
        if let Err(error) = (spec.read)(raw.value, self.ctx, self.sets) {
            self.sets.truncate(start);
            self.judge.refused(raw, spec, error);
            return;
        }
        if !self.ctx.asn4 && matches!(spec.code, AttrCode::AS_PATH | AttrCode::AGGREGATOR) {
            self.merge(raw, spec, value, cut);
        }
        let length = self.sets.len() - value;
        match (u8::try_from(length), self.sets.get_mut(start + 2)) {
            (Ok(length), Some(slot)) => *slot = length,
            _ => {
                let (head, size) =
                    head(spec.code, flags, u16::try_from(length).unwrap_or(u16::MAX));
                drop(self.sets.splice(start..value, head.into_iter().take(size)));
            }
        }
    }

    /// RFC 6793 §4.2.3: what AS4_PATH and AS4_AGGREGATOR know beyond two octets.
    #[cold]
    fn merge(&mut self, raw: Raw<'a>, spec: &AttrSpec, value: usize, cut: &Cut<'a>) {
        // "if the AGGREGATOR attribute is also present and its AS number is not AS_TRANS, then AS4_AGGREGATOR and AS4_PATH SHALL be ignored".
        let aggregated_by_new = cut
            .find(AttrCode::AGGREGATOR)
            .is_none_or(|raw| raw.value.starts_with(&[0x5b, 0xa0]));
        if spec.code == AttrCode::AS_PATH {
            if self.read_as4(cut, AttrCode::AS4_PATH)
                && (aggregated_by_new || !cut.has(AttrCode::AS4_AGGREGATOR))
            {
                as_path::merge(self.sets, value, self.as4);
            }
            let path = AsPathRef::from_canonical(self.sets.get(value..).unwrap_or(&[]));
            if !self.ctx.accept_as_set && path.has_set() {
                let error = Malformed::new(
                    raw.value,
                    "AS4_PATH segment",
                    Reason::Text("is a set, which is not accepted"),
                );
                self.judge.add(
                    Some(AttrCode::AS4_PATH),
                    Disposition::TreatAsWithdraw,
                    subcode::OPTIONAL_ATTRIBUTE,
                    error,
                    raw.whole,
                );
            }
        } else if self.read_as4(cut, AttrCode::AS4_AGGREGATOR) && aggregated_by_new {
            self.sets.truncate(value);
            self.sets.extend_from_slice(self.as4);
        }
    }

    /// Reads AS4_PATH or AS4_AGGREGATOR; whether there is a good one.
    fn read_as4(&mut self, cut: &Cut<'a>, code: AttrCode) -> bool {
        self.as4.clear();
        let (Some(raw), Some(spec)) = (cut.find(code), table::spec(code.0)) else {
            return false;
        };
        if !self.judge.flags(raw, spec.flags) {
            return false;
        }
        match (spec.read)(raw.value, self.ctx, self.as4) {
            Ok(()) => true,
            Err(error) => {
                self.judge.refused(raw, spec, error);
                false
            }
        }
    }

    /// See [`crate::attribute::unknown`] for the rules.
    #[cold]
    fn unknown(&mut self, raw: Raw<'a>) {
        if raw.flags & flags::OPTIONAL == 0 {
            let error = Malformed::new(
                raw.whole,
                "Path Attributes",
                Reason::Text("is well-known by its flags, and not known"),
            );
            self.judge.add(
                Some(AttrCode(raw.code)),
                Disposition::SessionReset,
                subcode::UNRECOGNIZED_WELL_KNOWN,
                error,
                raw.whole,
            );
        } else if raw.flags & flags::TRANSITIVE != 0 {
            let kept = flags::OPTIONAL | flags::TRANSITIVE | flags::PARTIAL;
            let (head, size) = head(
                AttrCode(raw.code),
                kept,
                u16::try_from(raw.value.len()).unwrap_or(u16::MAX),
            );
            self.sets.extend_from_slice(head.get(..size).unwrap_or(&[]));
            self.sets.extend_from_slice(raw.value);
        }
    }
}
