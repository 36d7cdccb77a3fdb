//! Judges the value of each attribute and writes the canonical set.

use std::ops::Range;

use super::MpReach;
use super::cut::{Cut, Raw, walk};
use super::judge::Judge;
use crate::attribute::set;
use crate::attribute::table::{self, AttrSpec, Keep, Sender};
use crate::attribute::{AsPathRef, AttrCode, as4_path, flags, tunnel_encap};
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
    pub(super) block: &'a [u8],
    /// Where in the block attributes are, one behind the other, that go into the set as they are and
    /// are copied together.
    pub(super) same: Range<usize>,
    pub(super) value: &'s mut Vec<u8>,
    pub(super) as4: &'s mut Vec<u8>,
    /// There are routes of a family whose tunnels say where they end.
    pub(super) needs_endpoints: bool,
}

impl<'a> Canonical<'_, 'a> {
    /// Writes the set for the NLRI of the body and, if both kinds are there, the one for
    /// MP_REACH_NLRI behind it. Returns where the first ends.
    #[inline]
    pub(super) fn write(
        mut self,
        cut: &Cut<'a>,
        body_is_empty: bool,
        reach: Option<&MpReach<'a>>,
    ) -> usize {
        self.sets.clear();
        // RFC 4760 §3: NEXT_HOP beside MP_REACH_NLRI alone "SHOULD be ignored".
        let mut own = None;
        if !(body_is_empty && cut.has(AttrCode::MP_REACH_NLRI))
            && let Some(raw) = cut.next_hop
        {
            own = self.next_hop(raw);
        }
        self.put_next_hop(if body_is_empty {
            reach.map_or(own, |reach| reach.next_hop)
        } else {
            own
        });
        let start = self.sets.len();
        match &cut.sorted {
            None => {
                for raw in walk(self.block) {
                    self.attribute(raw, cut);
                }
            }
            Some(sorted) => self.sorted(sorted, cut),
        }
        self.put_same();
        let end = self.sets.len();
        if let (Some(reach), false) = (reach, body_is_empty) {
            self.put_next_hop(reach.next_hop);
            self.sets.extend_from_within(start..end);
        }
        end
    }

    /// Judges and writes the attributes of a block that was not in order.
    #[cold]
    fn sorted(&mut self, sorted: &[Raw<'a>], cut: &Cut<'a>) {
        for raw in sorted {
            self.attribute(*raw, cut);
        }
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
        match (spec.read)(raw.value, self.ctx, self.value) {
            Ok(()) => NextHop::from_bytes(raw.value),
            Err(error) => {
                self.judge.refused(raw, spec, self.ctx, error);
                None
            }
        }
    }

    /// Judges one attribute and writes it if it stays.
    #[inline(always)]
    fn attribute(&mut self, raw: Raw<'a>, cut: &Cut<'a>) {
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
        if spec.from == Sender::Domain {
            self.of_domain(raw, spec, cut);
        } else {
            self.by_flags(raw, spec, cut);
        }
    }

    /// Judges one that is for the inside of a domain, with the rules that two of them have of their own.
    #[inline(never)]
    fn of_domain(&mut self, raw: Raw<'a>, spec: &AttrSpec, cut: &Cut<'a>) {
        match spec.code {
            // RFC 7311 §3.2: AIGP with the Transitive bit set is malformed, and is discarded as any
            // malformed AIGP is; its own rule comes before RFC 7606 §3 c.
            AttrCode::AIGP if raw.flags & flags::TRANSITIVE != 0 => {
                let why = "is transitive, which it must not be";
                self.judge.discard(raw, why);
            }
            // RFC 9012 §13 asks more of tunnels where the family is one of its §6.
            AttrCode::TUNNEL_ENCAPSULATION if self.needs_endpoints => {
                let spec = AttrSpec {
                    read: tunnel_encap::read_with_endpoints,
                    each_fault: Some(tunnel_encap::each_fault_with_endpoints),
                    ..*spec
                };
                self.by_flags(raw, &spec, cut);
            }
            _ => self.by_flags(raw, spec, cut),
        }
    }

    /// Judges the flags, and then the value.
    #[inline(always)]
    fn by_flags(&mut self, raw: Raw<'a>, spec: &AttrSpec, cut: &Cut<'a>) {
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

    /// Reads a value, and writes it with its head if it is good.
    #[inline(always)]
    fn put(&mut self, raw: Raw<'a>, spec: &AttrSpec, flags: u8, cut: &Cut<'a>) {
        self.value.clear();
        if let Err(error) = (spec.read)(raw.value, self.ctx, self.value)
            && !self.judge.refused(raw, spec, self.ctx, error)
        {
            return;
        }
        if !self.ctx.asn4 && matches!(spec.code, AttrCode::AS_PATH | AttrCode::AGGREGATOR) {
            self.merge(spec, cut);
        }
        if self.value.is_empty() && raw.flags == set::wire_flags(flags, raw.value.len()) {
            self.put_whole(raw);
        } else {
            self.put_anew(raw, flags);
        }
    }

    /// Writes an attribute that goes into the set as it is: with those before it, if they are
    /// neighbours.
    #[inline]
    fn put_whole(&mut self, raw: Raw<'a>) {
        if raw.start != self.same.end {
            self.put_same();
            self.same = raw.start..raw.start;
        }
        self.same.end += raw.whole.len();
    }

    /// Copies the attributes that go into the set as they are.
    #[inline]
    fn put_same(&mut self) {
        let same = self.block.get(self.same.clone()).unwrap_or(&[]);
        self.sets.extend_from_slice(same);
        self.same.start = self.same.end;
    }

    /// Writes an attribute with a head or a value that is not what was sent.
    fn put_anew(&mut self, raw: Raw<'a>, flags: u8) {
        self.put_same();
        let value = match &self.value[..] {
            [] => raw.value,
            value => value,
        };
        put_attribute(self.sets, AttrCode(raw.code), flags, value);
    }

    /// RFC 6793 §4.2.3: what AS4_PATH and AS4_AGGREGATOR know beyond two octets.
    #[cold]
    pub(super) fn merge(&mut self, spec: &AttrSpec, cut: &Cut<'a>) {
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
                    as4_path::merge(self.value, 0, self.as4);
                    self.refuse_first(as4);
                }
            }
        } else if self.read_as4(cut, AttrCode::AS4_AGGREGATOR).is_some() && !ignored {
            self.value.clone_from(self.as4);
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
    fn refuse_first(&mut self, as4: Raw<'a>) {
        let path = AsPathRef::from_canonical(self.value);
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
    pub(super) fn read_as4(&mut self, cut: &Cut<'a>, code: AttrCode) -> Option<Raw<'a>> {
        self.as4.clear();
        let (raw, spec) = (cut.find(code)?, table::spec(code.0)?);
        if !self.judge.flags(raw, spec.flags) {
            return None;
        }
        // What is appended is all that stays, also where that is nothing.
        match (spec.read)(raw.value, self.ctx, self.as4) {
            Ok(()) => Some(raw),
            Err(error) => {
                let stays = self.judge.refused(raw, spec, self.ctx, error);
                stays.then_some(raw)
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
            self.put_same();
            put_attribute(self.sets, AttrCode(raw.code), kept, raw.value);
        }
    }
}

fn put_attribute(sets: &mut Vec<u8>, code: AttrCode, flags: u8, value: &[u8]) {
    let (head, size) = set::head(code, flags, u16::try_from(value.len()).unwrap_or(u16::MAX));
    sets.extend_from_slice(head.get(..size).unwrap_or(&[]));
    sets.extend_from_slice(value);
}
