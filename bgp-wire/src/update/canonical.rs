//! Judges the value of each attribute and writes the canonical set.

use super::MpReach;
use super::cut::{Cut, Raw};
use super::judge::Judge;
use crate::attribute::set::head;
use crate::attribute::table::{self, AttrSpec, Keep};
use crate::attribute::{AsPathRef, AttrCode, as4_path, flags};
use crate::codes::update as subcode;
use crate::error::{Disposition, Reason};
use crate::input::Malformed;
use crate::{NextHop, PeerKind, SessionContext};

/// AS_TRANS in two octets (RFC 6793 §9).
const AS_TRANS: [u8; 2] = [0x5b, 0xa0];

/// Writes the canonical sets.
pub(super) struct Canonical<'s, 'a> {
    pub(super) ctx: &'s SessionContext,
    pub(super) judge: &'s mut Judge<'a>,
    pub(super) sets: &'s mut Vec<u8>,
    pub(super) as4: &'s mut Vec<u8>,
}

impl<'a> Canonical<'_, 'a> {
    /// Writes the set for the NLRI of the body and, if both kinds are there, the one for
    /// MP_REACH_NLRI behind it. Returns where the first ends.
    #[inline]
    pub(super) fn write(
        mut self,
        cut: &Cut<'_, 'a>,
        body_is_empty: bool,
        reach: Option<&MpReach<'a>>,
    ) -> usize {
        self.sets.clear();
        // RFC 4760 §3: NEXT_HOP beside MP_REACH_NLRI alone "SHOULD be ignored".
        let mut own = None;
        if !(body_is_empty && cut.has(AttrCode::MP_REACH_NLRI))
            && let Some(raw) = cut.find(AttrCode::NEXT_HOP)
        {
            own = self.next_hop(raw);
        }
        self.put_next_hop(if body_is_empty {
            reach.map_or(own, |reach| reach.next_hop)
        } else {
            own
        });
        let start = self.sets.len();
        for raw in cut.others() {
            self.attribute(raw, cut);
        }
        let end = self.sets.len();
        if let (Some(reach), false) = (reach, body_is_empty) {
            self.put_next_hop(reach.next_hop);
            self.sets.extend_from_within(start..end);
        }
        end
    }

    #[inline]
    pub(super) fn put_next_hop(&mut self, next_hop: Option<NextHop>) {
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
    pub(super) fn next_hop(&mut self, raw: Raw<'a>) -> Option<NextHop> {
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
    pub(super) fn attribute(&mut self, raw: Raw<'a>, cut: &Cut<'_, 'a>) {
        let Some(spec) = table::spec(raw.code) else {
            self.unknown(raw);
            return;
        };
        match spec.keep {
            Keep::Apart => return,
            Keep::Merged => {
                // RFC 6793 §4.1: "A NEW BGP speaker that receives the AS4_PATH attribute or the
                // AS4_AGGREGATOR attribute in an UPDATE message from another NEW BGP speaker MUST
                // discard the path attribute and continue processing the UPDATE message." Else they
                // are read where they are merged.
                if self.ctx.asn4 {
                    self.judge
                        .discard(raw, "has no place on a session with four-octet AS numbers");
                }
                return;
            }
            Keep::InSet => {}
        }
        // RFC 7606 §7.5, §7.9, §7.10: from an external neighbour these are discarded, whatever they
        // hold.
        if spec.from.excludes(self.ctx) {
            self.judge.discard(raw, "is not for external peers to send");
            return;
        }
        // RFC 7311 §3.2: AIGP with the Transitive bit set is malformed, and is discarded as any
        // malformed AIGP is; its own rule comes before RFC 7606 §3 c.
        if spec.code == AttrCode::AIGP && raw.flags & flags::TRANSITIVE != 0 {
            self.judge
                .discard(raw, "is transitive, which it must not be");
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
    pub(super) fn put(&mut self, raw: Raw<'a>, spec: &AttrSpec, flags: u8, cut: &Cut<'_, 'a>) {
        let start = self.sets.len();
        self.sets.extend_from_slice(&[flags, raw.code, 0]);
        let value = start + 3;
        if let Err(error) = (spec.read)(raw.value, self.ctx, self.sets) {
            self.sets.truncate(start);
            self.judge.refused(raw, spec, error);
            return;
        }
        if !self.ctx.asn4 && matches!(spec.code, AttrCode::AS_PATH | AttrCode::AGGREGATOR) {
            self.merge(spec, value, cut);
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
    pub(super) fn merge(&mut self, spec: &AttrSpec, value: usize, cut: &Cut<'_, 'a>) {
        // When AGGREGATOR and AS4_AGGREGATOR are both there and the former does not say AS_TRANS,
        // someone who knows nothing of four octets has aggregated: AS4_AGGREGATOR and AS4_PATH are
        // ignored.
        let ignored = cut.has(AttrCode::AS4_AGGREGATOR)
            && cut
                .find(AttrCode::AGGREGATOR)
                .is_some_and(|aggregator| !aggregator.value.starts_with(&AS_TRANS));
        if spec.code == AttrCode::AS_PATH {
            if let Some(as4) = self.read_as4(cut, AttrCode::AS4_PATH) {
                self.refuse_set(as4);
                if !ignored {
                    as4_path::merge(self.sets, value, self.as4);
                    self.refuse_first(value, as4);
                }
            }
        } else if self.read_as4(cut, AttrCode::AS4_AGGREGATOR).is_some() && !ignored {
            self.sets.truncate(value);
            self.sets.extend_from_slice(self.as4);
        }
    }

    /// RFC 9774 §3 speaks of AS4_PATH too.
    pub(super) fn refuse_set(&mut self, as4: Raw<'a>) {
        if !self.ctx.accept_as_set && AsPathRef::from_canonical(as4.value).has_set() {
            let error = Malformed::new(
                as4.value,
                "AS4_PATH segment",
                Reason::Text("is a set, which is not accepted"),
            );
            let code = Some(AttrCode(as4.code));
            self.judge.add(
                code,
                Disposition::TreatAsWithdraw,
                subcode::MALFORMED_AS_PATH,
                error,
                &[],
            );
        }
    }

    /// The path is what both attributes make of it, and begins with the peer's AS or does not
    /// (RFC 4271 §6.3; see [`SessionContext::enforce_first_as`]).
    fn refuse_first(&mut self, value: usize, as4: Raw<'a>) {
        let path = AsPathRef::from_canonical(self.sets.get(value..).unwrap_or(&[]));
        let wanted = self.ctx.enforce_first_as && self.ctx.peer_kind == PeerKind::External;
        if wanted && path.first_as() != Some(self.ctx.remote_as) {
            let error = Malformed::new(
                as4.value,
                "AS4_PATH",
                Reason::Text("does not begin with the AS of the peer"),
            );
            self.judge.add(
                Some(AttrCode(as4.code)),
                Disposition::TreatAsWithdraw,
                subcode::MALFORMED_AS_PATH,
                error,
                &[],
            );
        }
    }

    /// Reads AS4_PATH or AS4_AGGREGATOR, if there is a good one.
    pub(super) fn read_as4(&mut self, cut: &Cut<'_, 'a>, code: AttrCode) -> Option<Raw<'a>> {
        self.as4.clear();
        let (raw, spec) = (cut.find(code)?, table::spec(code.0)?);
        if !self.judge.flags(raw, spec.flags) {
            return None;
        }
        match (spec.read)(raw.value, self.ctx, self.as4) {
            Ok(()) => Some(raw),
            Err(error) => {
                self.judge.refused(raw, spec, error);
                None
            }
        }
    }

    /// See [`crate::attribute::unknown`] for the rules.
    #[cold]
    pub(super) fn unknown(&mut self, raw: Raw<'a>) {
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
