//! Cuts the attribute block of an UPDATE into attributes, each once, without looking at values.

use smallvec::SmallVec;

use super::judge::Judge;
use crate::attribute::{AttrCode, flags};

/// An attribute as it is in the message.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) flags: u8,
    pub(super) code: u8,
    pub(super) value: &'a [u8],
    /// Flags, code, length and value: the data of a NOTIFICATION about it.
    pub(super) whole: &'a [u8],
}

/// The attributes of one message, ORIGIN and its like first; more than these spill to the heap.
pub(super) type Attributes<'a> = SmallVec<[Raw<'a>; 12]>;

/// The attribute block, cut into attributes.
pub(super) struct Cut<'a> {
    /// All but MP_REACH_NLRI and MP_UNREACH_NLRI, in ascending order, each once.
    pub(super) others: Attributes<'a>,
    pub(super) reach: Option<Raw<'a>>,
    pub(super) unreach: Option<Raw<'a>>,
    /// The codes seen, below 128 and from there on.
    pub(super) seen: [u128; 2],
    /// Some octets could not be cut.
    pub(super) lost: bool,
}

impl<'a> Cut<'a> {
    #[inline]
    pub(super) fn new(block: &'a [u8], judge: &mut Judge<'a>) -> Self {
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
            // The code counts as seen before its value is looked at, so that a bad first copy does
            // not let a second one in.
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
    pub(super) fn mark(&mut self, code: u8) -> bool {
        let [low, high] = &mut self.seen;
        let half = if code < 128 { low } else { high };
        let bit = 1 << (code & 127);
        let before = *half & bit != 0;
        *half |= bit;
        before
    }

    #[inline]
    pub(super) fn has(&self, code: AttrCode) -> bool {
        let [low, high] = self.seen;
        let half = if code.0 < 128 { low } else { high };
        half & (1 << (code.0 & 127)) != 0
    }

    pub(super) fn find(&self, code: AttrCode) -> Option<Raw<'a>> {
        self.others.iter().find(|raw| raw.code == code.0).copied()
    }

    pub(super) fn count(&self) -> usize {
        self.others.len() + usize::from(self.reach.is_some()) + usize::from(self.unreach.is_some())
    }
}

/// The first attribute, cut by its length.
#[inline]
pub(super) fn one(block: &[u8]) -> Option<(Raw<'_>, &[u8])> {
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
