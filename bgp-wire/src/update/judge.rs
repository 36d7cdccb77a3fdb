//! Judges an UPDATE as RFC 7606 asks: what is wrong becomes a finding with what it asks for by
//! itself, and the strongest decides (RFC 7606 §3 h).

use bytes::Bytes;

use super::cut::{Cut, Raw};
use super::{MpReach, MpUnreach};
use crate::attribute::table::AttrSpec;
use crate::attribute::{AttrCode, flags, mp_reach, mp_unreach, next_hop};
use crate::codes::{self, update as subcode};
use crate::error::{DecodeError, Disposition, Finding, Findings, MessageError, Reason};
use crate::faults::Faults;
use crate::frame::HEADER_LEN;
use crate::input::Malformed;
use crate::nlri::{self, Form, HopForm, NlriBlock};
use crate::{Family, FamilySet, PeerKind, SessionContext};

/// The field of the body that withdraws.
pub(super) const WITHDRAWN: &str = "Withdrawn Routes";

/// Collects what is wrong and knows what is worst.
pub(super) struct Judge<'a> {
    pub(super) body: &'a [u8],
    pub(super) findings: Findings,
    pub(super) worst: Disposition,
    /// The families to be given up.
    pub(super) disabled: FamilySet,
    /// The first of the worst findings, and the data of its NOTIFICATION.
    pub(super) cause: Option<(Finding, &'a [u8])>,
    /// The attributes that have been there before. A message may consist of them.
    repeated: Faults<'a>,
}

impl<'a> Judge<'a> {
    /// With nothing found yet.
    #[inline]
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            findings: Findings::new(),
            worst: Disposition::None,
            disabled: FamilySet::EMPTY,
            cause: None,
            repeated: Faults::default(),
        }
    }

    #[cold]
    pub(super) fn add(
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

    /// Puts the findings in the order of the message.
    #[inline]
    pub(super) fn sort(&mut self) {
        if self.findings.len() > 1 {
            self.findings.sort_by_key(|finding| finding.error.offset);
        }
    }

    /// The error of the worst finding.
    #[cold]
    pub(super) fn error(mut self) -> MessageError {
        self.sort();
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
        error.findings = self.findings;
        error
    }

    /// RFC 4271 §6.3: "If the Withdrawn Routes Length or Total Attribute Length is too large (i.e.,
    /// if Withdrawn Routes Length + Total Attribute Length + 23 exceeds the message Length), then
    /// the Error Subcode MUST be set to Malformed Attribute List."
    #[cold]
    pub(super) fn bad_lengths(mut self) -> MessageError {
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

    /// RFC 7606 §4: too few octets for a head, or a length beyond the block: treat-as-withdraw, and
    /// the NLRI are still found by the Total Path Attribute Length. If the attribute is one that
    /// carries NLRI itself, those are lost (RFC 7606 §3 j).
    #[cold]
    pub(super) fn attribute_overrun(&mut self, rest: &'a [u8]) {
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

    /// RFC 7606 §3 g. All are said once the block has been cut: [`say_repeated`](Self::say_repeated).
    #[cold]
    pub(super) fn duplicate(&mut self, raw: Raw<'a>) {
        let code = AttrCode(raw.code);
        let carries = matches!(code, AttrCode::MP_REACH_NLRI | AttrCode::MP_UNREACH_NLRI);
        let disposition = if carries {
            Disposition::SessionReset
        } else {
            Disposition::AttributeDiscard
        };
        let error = Malformed::new(raw.whole, "Path Attributes", Reason::Duplicate);
        self.repeated.add(error.asking(disposition));
    }

    /// Says which attributes have been there before.
    #[inline]
    pub(super) fn say_repeated(&mut self) {
        if !self.repeated.is_empty() {
            self.say_each_repeated();
        }
    }

    #[cold]
    fn say_each_repeated(&mut self) {
        let repeated = std::mem::take(&mut self.repeated);
        for error in repeated.iter() {
            // Those that are only counted are of many codes.
            let one = error.reason == Reason::Duplicate;
            let code = error.at.get(1).filter(|_| one);
            self.add(
                code.map(|code| AttrCode(*code)),
                error.asks.unwrap_or_default(),
                subcode::MALFORMED_ATTRIBUTE_LIST,
                error,
                &[],
            );
        }
    }

    /// Withdrawn Routes or NLRI of the message body. RFC 7606 §5.3, RFC 4271 §6.3: what cannot be
    /// cut into prefixes ends the session with "Invalid Network Field".
    #[inline]
    pub(super) fn body_nlri(
        &mut self,
        bytes: &'a [u8],
        ctx: &SessionContext,
        field: &'static str,
        found: &mut NlriBlock<'a>,
    ) {
        if !bytes.is_empty() {
            self.read_body_nlri(bytes, ctx, field, found);
        }
    }

    fn read_body_nlri(
        &mut self,
        bytes: &'a [u8],
        ctx: &SessionContext,
        field: &'static str,
        found: &mut NlriBlock<'a>,
    ) {
        let family = Family::IPV4_UNICAST;
        if !ctx.takes(family) {
            self.not_taken(None, (family, bytes), field, ctx);
            return;
        }
        let Some(spec) = nlri::spec(family) else {
            return;
        };
        let form = Form::received(family, ctx, field == WITHDRAWN);
        let (block, faults) = NlriBlock::examine(spec, form, bytes);
        self.nlri_faults(None, faults);
        match block {
            Ok(block) => *found = block,
            Err(error) => self.add(
                None,
                Disposition::SessionReset,
                subcode::INVALID_NETWORK,
                error,
                &[],
            ),
        }
    }

    /// Says what is wrong with single NLRI.
    #[inline]
    pub(super) fn nlri_faults(
        &mut self,
        attribute: Option<AttrCode>,
        faults: Option<Box<Faults<'a>>>,
    ) {
        if let Some(faults) = faults {
            self.say_faults(attribute, &faults);
        }
    }

    #[cold]
    fn say_faults(&mut self, attribute: Option<AttrCode>, faults: &Faults<'a>) {
        for error in faults.iter() {
            let asks = error.asks.unwrap_or_default();
            self.add(attribute, asks, subcode::INVALID_NETWORK, error, &[]);
        }
    }

    /// Says that NLRI of a family are not looked at. When a family was disabled, that was said.
    #[cold]
    fn not_taken(
        &mut self,
        attribute: Option<AttrCode>,
        (family, at): (Family, &'a [u8]),
        field: &'static str,
        ctx: &SessionContext,
    ) {
        if ctx.disabled.contains(family) {
            return;
        }
        let reason = Reason::NotNegotiated(family);
        self.add(
            attribute,
            Disposition::None,
            subcode::OPTIONAL_ATTRIBUTE,
            Malformed::new(at, field, reason),
            &[],
        );
    }

    /// MP_REACH_NLRI, and whether it has octets where NLRI are.
    #[inline]
    pub(super) fn reach(
        &mut self,
        raw: Option<Raw<'a>>,
        ctx: &SessionContext,
        found: &mut Option<MpReach<'a>>,
    ) -> bool {
        let Some(raw) = raw else { return false };
        self.read_reach(raw, ctx, found).unwrap_or_else(|error| {
            self.unreadable(raw, ctx, error);
            true
        })
    }

    fn read_reach(
        &mut self,
        raw: Raw<'a>,
        ctx: &SessionContext,
        found: &mut Option<MpReach<'a>>,
    ) -> Result<bool, Malformed<'a>> {
        let code = Some(AttrCode(raw.code));
        let parts = mp_reach::split(raw.value)?;
        let family = parts.family;
        let Some(spec) = nlri::spec(family).filter(|_| ctx.takes(family)) else {
            self.not_taken(code, (family, raw.value), "MP_REACH_NLRI", ctx);
            return Ok(!parts.nlri.is_empty());
        };
        let next_hop = (spec.next_hop)(parts.next_hop, family, ctx);
        let form = Form::received(family, ctx, false);
        let class = class(raw, flags::OPTIONAL);
        let (nlri, faults) = NlriBlock::examine(spec, form, parts.nlri);
        self.nlri_faults(code, faults);
        self.next_hop_oddities(parts.next_hop, spec.hop_form);
        let host = match next_hop {
            Ok(Some(next_hop)) => next_hop::check(next_hop, parts.next_hop),
            _ => Ok(()),
        };
        if let Err(error) = host {
            self.add(
                code,
                Disposition::TreatAsWithdraw,
                subcode::OPTIONAL_ATTRIBUTE,
                error,
                raw.whole,
            );
        }
        match (class, next_hop, nlri) {
            (Ok(()), Ok(next_hop), Ok(nlri)) => {
                *found = Some(MpReach {
                    family,
                    next_hop,
                    next_hop_octets: parts.next_hop,
                    nlri,
                });
                Ok(!parts.nlri.is_empty())
            }
            (class, next_hop, nlri) => {
                let wrong = [class.err(), next_hop.err(), nlri.err()];
                self.unreadable_for(raw, ctx, wrong);
                Ok(true)
            }
        }
    }

    /// Says what of the octets of a next hop is not part of it, and should have been.
    #[inline]
    fn next_hop_oddities(&mut self, octets: &'a [u8], form: HopForm) {
        let odd = next_hop::oddities(octets, form);
        for error in odd {
            let code = Some(AttrCode::MP_REACH_NLRI);
            self.add(
                code,
                Disposition::None,
                subcode::OPTIONAL_ATTRIBUTE,
                error,
                &[],
            );
        }
    }

    #[inline]
    pub(super) fn unreach(
        &mut self,
        raw: Option<Raw<'a>>,
        ctx: &SessionContext,
        found: &mut Option<MpUnreach<'a>>,
    ) {
        let Some(raw) = raw else { return };
        if let Err(error) = self.read_unreach(raw, ctx, found) {
            self.unreadable(raw, ctx, error);
        }
    }

    fn read_unreach(
        &mut self,
        raw: Raw<'a>,
        ctx: &SessionContext,
        found: &mut Option<MpUnreach<'a>>,
    ) -> Result<(), Malformed<'a>> {
        let code = Some(AttrCode(raw.code));
        let (family, bytes) = mp_unreach::split(raw.value)?;
        let Some(spec) = nlri::spec(family).filter(|_| ctx.takes(family)) else {
            self.not_taken(code, (family, raw.value), "MP_UNREACH_NLRI", ctx);
            return Ok(());
        };
        let class = class(raw, flags::OPTIONAL);
        let form = Form::received(family, ctx, true);
        let (nlri, faults) = NlriBlock::examine(spec, form, bytes);
        self.nlri_faults(code, faults);
        match (class, nlri) {
            (Ok(()), Ok(nlri)) => *found = Some(MpUnreach { family, nlri }),
            (class, nlri) => self.unreadable_for(raw, ctx, [class.err(), nlri.err()]),
        }
        Ok(())
    }

    /// Says each thing that makes MP_REACH_NLRI or MP_UNREACH_NLRI unreadable.
    #[cold]
    fn unreadable_for<const N: usize>(
        &mut self,
        raw: Raw<'a>,
        ctx: &SessionContext,
        wrong: [Option<Malformed<'a>>; N],
    ) {
        for error in wrong.into_iter().flatten() {
            self.unreadable(raw, ctx, error);
        }
    }

    /// MP_REACH_NLRI or MP_UNREACH_NLRI that is "incorrect" (RFC 7606 §5.3, §7.11, §7.12: NLRI or a
    /// next hop that cannot be, too few octets, wrong flags). Routes that are not known cannot be
    /// withdrawn either, so "the \"session reset\" approach (or the \"AFI/SAFI disable\" approach) MUST
    /// be followed" (RFC 7606 §3 j). The latter where the session is to outlive a family (RFC 4760
    /// §7) and has another one to live for, which is the condition RFC 9552 §8.2.2 makes for BGP-LS.
    #[cold]
    fn unreadable(&mut self, raw: Raw<'a>, ctx: &SessionContext, error: Malformed<'a>) {
        let family = mp_unreach::split(raw.value).map(|(family, _)| family);
        let disposition = match family {
            Ok(family) if self.can_disable(family, ctx) => {
                self.disabled.insert(family);
                Disposition::AfiSafiDisable
            }
            _ => Disposition::SessionReset,
        };
        let subcode = match error.reason {
            Reason::Flags(_) => subcode::ATTRIBUTE_FLAGS,
            _ => subcode::OPTIONAL_ATTRIBUTE,
        };
        let code = Some(AttrCode(raw.code));
        self.add(code, disposition, subcode, error, raw.whole);
    }

    /// Whether the session wishes it, and has a family beside this one and those that are given up.
    /// Route target memberships are not given up: without them the peer would be told nothing of
    /// its VPNs (RFC 4684 §5), which are other families.
    fn can_disable(&self, family: Family, ctx: &SessionContext) -> bool {
        let mut families = ctx.families.iter();
        let wished = ctx.disable_families && family != Family::RTC;
        wished
            && families.any(|other| {
                other != family && !ctx.disabled.contains(other) && !self.disabled.contains(other)
            })
    }

    /// RFC 7606 §3 c: the flags that conflict with those wanted are treat-as-withdraw.
    #[inline]
    pub(super) fn flags(&mut self, raw: Raw<'a>, wanted: u8) -> bool {
        let Err(error) = class(raw, wanted) else {
            return true;
        };
        self.add(
            Some(AttrCode(raw.code)),
            Disposition::TreatAsWithdraw,
            subcode::ATTRIBUTE_FLAGS,
            error,
            raw.whole,
        );
        false
    }

    /// A value of which its reader says that something is wrong: says all of it. Whether the value is
    /// used all the same.
    #[cold]
    pub(super) fn refused(
        &mut self,
        raw: Raw<'a>,
        spec: &AttrSpec,
        ctx: &SessionContext,
        error: Malformed<'a>,
    ) -> bool {
        let mut faults = Faults::default();
        match spec.each_fault {
            Some(each) => each(raw.value, ctx, &mut faults),
            None => faults.add(error),
        }
        faults
            .iter()
            .for_each(|error| self.refuse(raw, spec, error));
        error.is_harmless()
    }

    fn refuse(&mut self, raw: Raw<'a>, spec: &AttrSpec, error: Malformed<'a>) {
        // RFC 4271 §6.3: a length that conflicts with the code has a subcode of its own.
        let subcode = if matches!(error.reason, Reason::Length(_)) {
            subcode::ATTRIBUTE_LENGTH
        } else {
            spec.subcode
        };
        let disposition = error.asks.unwrap_or(spec.malformed);
        // RFC 4271 §6.3 has data for every subcode here but for Malformed AS_PATH.
        let data = match subcode {
            subcode::MALFORMED_AS_PATH => &[],
            _ => raw.whole,
        };
        self.add(Some(spec.code), disposition, subcode, error, data);
    }

    /// An attribute that is understood and has no business here.
    #[cold]
    pub(super) fn discard(&mut self, raw: Raw<'a>, why: &'static str) {
        let error = Malformed::new(raw.whole, "Path Attributes", Reason::Text(why));
        self.add(
            Some(AttrCode(raw.code)),
            Disposition::AttributeDiscard,
            subcode::OPTIONAL_ATTRIBUTE,
            error,
            raw.whole,
        );
    }

    /// RFC 7606 §3 d: a missing well-known mandatory attribute is treat-as-withdraw. LOCAL_PREF is
    /// one inside of an AS (RFC 4271 §5.1.5).
    #[inline]
    pub(super) fn missing(
        &mut self,
        cut: &Cut<'a>,
        ctx: &SessionContext,
        announced: bool,
        reach: bool,
    ) {
        // What could not be cut may have been what seems to be missing; the finding is there
        // already.
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

    /// RFC 7606 §5.2: "if any path attribute errors are encountered in such an UPDATE message [with
    /// path attributes other than MP_UNREACH_NLRI and no reachable NLRI] and if any encountered
    /// error specifies an error-handling approach other than attribute discard, then the session
    /// reset approach MUST be used."
    #[inline]
    pub(super) fn no_reachable_nlri(
        &mut self,
        reachable: bool,
        cut: &Cut<'a>,
    ) -> Result<(), MessageError> {
        if self.worst < Disposition::TreatAsWithdraw {
            return Ok(());
        }
        if self.worst < Disposition::SessionReset && (reachable || !cut.has_others()) {
            return Ok(());
        }
        let judge = std::mem::replace(self, Self::new(self.body));
        Err(judge.error())
    }
}

/// RFC 7606 §3 c: "If the value of either the Optional or Transitive bits in the Attribute Flags is
/// in conflict with their specified values, then the attribute MUST be treated as malformed". The
/// Partial bit "MUST be set to 0" for well-known and optional non-transitive attributes (RFC 4271
/// §4.3); RFC 7606 does not name it, so on an optional one it is cleared and no more, while on a
/// well-known one, which nobody can have failed to understand, it is a conflict.
#[inline]
fn class(raw: Raw<'_>, wanted: u8) -> Result<(), Malformed<'_>> {
    let class = flags::OPTIONAL | flags::TRANSITIVE;
    let partial = raw.flags & flags::PARTIAL != 0 && wanted & flags::OPTIONAL == 0;
    if raw.flags & class == wanted && !partial {
        return Ok(());
    }
    let reason = Reason::Flags(raw.flags);
    Err(Malformed::new(raw.whole, "Attribute Flags", reason))
}
