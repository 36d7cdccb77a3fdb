//! Cuts the attribute block of an UPDATE into attributes, each once, without looking at values.

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

/// Where an attribute is in the block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    code: u8,
    flags: u8,
    head: u8,
    start: u16,
    length: u16,
}

impl Slot {
    /// The first attribute of `rest`, which begins at `start`, cut by its length.
    #[inline]
    fn first(rest: &[u8], start: usize) -> Option<Self> {
        let (flags, code, length, head) = match rest {
            [flags, code, high, low, ..] if flags & flags::EXTENDED_LENGTH != 0 => {
                (*flags, *code, u16::from_be_bytes([*high, *low]), 4)
            }
            [flags, code, length, ..] if flags & flags::EXTENDED_LENGTH == 0 => {
                (*flags, *code, u16::from(*length), 3)
            }
            _ => return None,
        };
        let fits = usize::from(head) + usize::from(length) <= rest.len();
        // The block is cut by a length of two octets itself, so its places fit.
        fits.then_some(Self {
            code,
            flags,
            head,
            start: u16::try_from(start).ok()?,
            length,
        })
    }
}

/// The attribute block, cut into attributes.
pub(super) struct Cut<'s, 'a> {
    block: &'a [u8],
    /// All but MP_REACH_NLRI and MP_UNREACH_NLRI, in ascending order, each once.
    slots: &'s mut Vec<Slot>,
    reach: Option<Slot>,
    unreach: Option<Slot>,
    seen: Seen,
    /// Some octets could not be cut.
    pub(super) lost: bool,
}

impl<'s, 'a> Cut<'s, 'a> {
    /// Nothing, until [`fill`](Self::fill).
    #[inline]
    pub(super) fn new(block: &'a [u8], slots: &'s mut Vec<Slot>) -> Self {
        slots.clear();
        Self {
            block,
            slots,
            reach: None,
            unreach: None,
            seen: Seen::default(),
            lost: false,
        }
    }

    /// Cuts the block. The work is done in place, as moving what has just been written is what
    /// would cost most here.
    #[inline]
    pub(super) fn fill(&mut self, judge: &mut Judge<'a>) {
        let mut start = 0;
        let mut last = 0;
        let mut ascending = true;
        while let Some(rest) = self.block.get(start..).filter(|rest| !rest.is_empty()) {
            let Some(slot) = Slot::first(rest, start) else {
                judge.attribute_overrun(rest);
                self.lost = true;
                break;
            };
            start += usize::from(slot.head) + usize::from(slot.length);
            // The code counts as seen before its value is looked at, so that a bad first copy does
            // not let a second one in.
            if self.seen.mark(slot.code) {
                judge.duplicate(self.raw(&slot));
                continue;
            }
            match AttrCode(slot.code) {
                AttrCode::MP_REACH_NLRI => self.reach = Some(slot),
                AttrCode::MP_UNREACH_NLRI => self.unreach = Some(slot),
                AttrCode(code) => {
                    ascending &= code >= last;
                    last = code;
                    self.slots.push(slot);
                }
            }
        }
        if !ascending {
            self.slots.sort_unstable_by_key(|slot| slot.code);
        }
    }

    #[inline]
    fn raw(&self, slot: &Slot) -> Raw<'a> {
        let (head, length) = (usize::from(slot.head), usize::from(slot.length));
        let from = self.block.get(usize::from(slot.start)..).unwrap_or(&[]);
        let whole = from.get(..head + length).unwrap_or(from);
        Raw {
            flags: slot.flags,
            code: slot.code,
            value: whole.get(head..).unwrap_or(&[]),
            whole,
        }
    }

    /// MP_REACH_NLRI.
    #[inline]
    pub(super) fn reach(&self) -> Option<Raw<'a>> {
        self.reach.as_ref().map(|slot| self.raw(slot))
    }

    /// MP_UNREACH_NLRI.
    #[inline]
    pub(super) fn unreach(&self) -> Option<Raw<'a>> {
        self.unreach.as_ref().map(|slot| self.raw(slot))
    }

    /// The attributes but for those that carry NLRI, in ascending order of code.
    #[inline]
    pub(super) fn others(&self) -> impl Iterator<Item = Raw<'a>> + '_ {
        self.slots.iter().map(|slot| self.raw(slot))
    }

    #[inline]
    pub(super) fn has(&self, code: AttrCode) -> bool {
        self.seen.has(code.0)
    }

    #[inline]
    pub(super) fn find(&self, code: AttrCode) -> Option<Raw<'a>> {
        self.slots
            .iter()
            .find(|slot| slot.code == code.0)
            .map(|slot| self.raw(slot))
    }

    /// Whether there is anything but MP_UNREACH_NLRI, as far as can be known.
    pub(super) fn has_others(&self) -> bool {
        !self.slots.is_empty() || self.reach.is_some() || self.lost
    }

    /// How many attributes there are.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.slots.len() + usize::from(self.reach.is_some()) + usize::from(self.unreach.is_some())
    }
}

/// The codes that are there.
#[derive(Clone, Copy, Default)]
struct Seen([u64; 4]);

impl Seen {
    /// Marks a code; whether it was marked before.
    #[inline]
    fn mark(&mut self, code: u8) -> bool {
        let Some(word) = self.0.get_mut(usize::from(code >> 6)) else {
            return true;
        };
        let bit = 1 << (code & 63);
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    #[inline]
    fn has(&self, code: u8) -> bool {
        self.0
            .get(usize::from(code >> 6))
            .is_some_and(|word| word & (1 << (code & 63)) != 0)
    }
}
