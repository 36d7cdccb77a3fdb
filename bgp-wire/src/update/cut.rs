//! Cuts the attribute block of an UPDATE into attributes, each once, without looking at values.

use smallvec::SmallVec;

use super::judge::Judge;
use crate::attribute::{AttrCode, flags};

/// An attribute as it is in the message.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    pub(super) flags: u8,
    pub(super) code: u8,
    /// Where in the block it begins.
    pub(super) start: usize,
    pub(super) value: &'a [u8],
    /// Flags, code, length and value: the data of a NOTIFICATION about it.
    pub(super) whole: &'a [u8],
}

impl<'a> Raw<'a> {
    /// The first attribute of `rest`, which is the end of `block`, cut by its length, and what comes
    /// after it.
    #[inline]
    fn first(block: &'a [u8], rest: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let head = Head::first(rest)?;
        let start = block.len() - rest.len();
        let (whole, rest) = rest.split_at_checked(head.whole)?;
        let raw = Self {
            flags: head.flags,
            code: head.code,
            start,
            value: whole.get(head.octets..)?,
            whole,
        };
        Some((raw, rest))
    }
}

/// What an attribute begins with.
struct Head {
    flags: u8,
    code: u8,
    /// Octets of itself.
    octets: usize,
    /// Octets with the value.
    whole: usize,
}

impl Head {
    #[inline]
    fn first(rest: &[u8]) -> Option<Self> {
        let (flags, code, length, octets) = match *rest {
            [flags, code, high, low, ..] if flags & flags::EXTENDED_LENGTH != 0 => {
                (flags, code, u16::from_be_bytes([high, low]), 4)
            }
            [flags, code, length, ..] if flags & flags::EXTENDED_LENGTH == 0 => {
                (flags, code, u16::from(length), 3)
            }
            _ => return None,
        };
        Some(Self {
            flags,
            code,
            octets,
            whole: octets + usize::from(length),
        })
    }
}

/// How many attributes out of order there may be before memory is allocated for them.
const USUAL: usize = 32;

/// The attribute block, cut into attributes.
pub(super) struct Cut<'a> {
    pub(super) block: &'a [u8],
    /// The attributes of a block that is not in ascending order, but for those that carry NLRI, in
    /// order, each once. Most senders order them; then the block itself is walked again, which
    /// costs less than to keep what was found.
    pub(super) sorted: Option<SmallVec<[Raw<'a>; USUAL]>>,
    /// How many there are that carry no NLRI.
    others: usize,
    pub(super) next_hop: Option<Raw<'a>>,
    pub(super) reach: Option<Raw<'a>>,
    pub(super) unreach: Option<Raw<'a>>,
    seen: Seen,
    /// Some octets could not be cut.
    pub(super) lost: bool,
}

impl<'a> Cut<'a> {
    /// Nothing, until [`fill`](Self::fill).
    #[inline]
    pub(super) fn new(block: &'a [u8]) -> Self {
        Self {
            block,
            sorted: None,
            others: 0,
            next_hop: None,
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
        let mut rest = self.block;
        let mut seen = Seen::default();
        let mut last = 0;
        let mut ascending = true;
        while !rest.is_empty() {
            // No more of an attribute is looked at than is needed; few are kept.
            let head = Head::first(rest);
            let Some((head, after)) = head.and_then(|head| {
                let after = rest.get(head.whole..)?;
                Some((head, after))
            }) else {
                judge.attribute_overrun(rest);
                self.lost = true;
                break;
            };
            // The code counts as seen before its value is looked at, so that a bad first copy does
            // not let a second one in.
            if seen.mark(head.code) {
                ascending = false;
                if let Some((raw, _)) = Raw::first(self.block, rest) {
                    judge.duplicate(raw);
                }
            } else {
                let raw = || Raw::first(self.block, rest).map(|(raw, _)| raw);
                match AttrCode(head.code) {
                    AttrCode::MP_REACH_NLRI => self.reach = raw(),
                    AttrCode::MP_UNREACH_NLRI => self.unreach = raw(),
                    AttrCode(code) => {
                        if code == AttrCode::NEXT_HOP.0 {
                            self.next_hop = raw();
                        }
                        ascending &= code > last;
                        last = code;
                        self.others += 1;
                    }
                }
            }
            rest = after;
        }
        self.seen = seen;
        if !ascending {
            self.sort();
        }
        judge.say_repeated();
    }

    #[cold]
    fn sort(&mut self) {
        let (mut sorted, mut seen) = (SmallVec::new(), Seen::default());
        for raw in walk(self.block) {
            let carries = matches!(
                AttrCode(raw.code),
                AttrCode::MP_REACH_NLRI | AttrCode::MP_UNREACH_NLRI
            );
            if !carries && !seen.mark(raw.code) {
                sorted.push(raw);
            }
        }
        sorted.sort_unstable_by_key(|raw: &Raw<'_>| raw.code);
        self.sorted = Some(sorted);
    }

    #[inline]
    pub(super) fn has(&self, code: AttrCode) -> bool {
        self.seen.has(code.0)
    }

    pub(super) fn find(&self, code: AttrCode) -> Option<Raw<'a>> {
        walk(self.block).find(|raw| raw.code == code.0)
    }

    /// Whether there is anything but MP_UNREACH_NLRI, as far as can be known.
    pub(super) fn has_others(&self) -> bool {
        self.others > 0 || self.reach.is_some() || self.lost
    }

    /// How many attributes there are.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.others + usize::from(self.reach.is_some()) + usize::from(self.unreach.is_some())
    }
}

/// Cuts off one attribute after the other, as long as that can be done.
#[inline]
pub(super) fn walk<'a>(block: &'a [u8]) -> impl Iterator<Item = Raw<'a>> + use<'a> {
    let mut rest = block;
    std::iter::from_fn(move || {
        let (raw, after) = Raw::first(block, rest)?;
        rest = after;
        Some(raw)
    })
}

/// The codes that are there.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// Those below 64, which all are that are seen often: a number that stays in a register.
    low: u64,
    high: [u64; 3],
}

impl Seen {
    /// Marks a code; whether it was marked before.
    #[inline]
    fn mark(&mut self, code: u8) -> bool {
        let bit = 1 << (code & 63);
        let Some(high) = code.checked_sub(64) else {
            let before = self.low & bit != 0;
            self.low |= bit;
            return before;
        };
        let Some(word) = self.high.get_mut(usize::from(high >> 6)) else {
            return true;
        };
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    #[inline]
    fn has(&self, code: u8) -> bool {
        let word = match code.checked_sub(64) {
            None => Some(&self.low),
            Some(high) => self.high.get(usize::from(high >> 6)),
        };
        word.is_some_and(|word| word & (1 << (code & 63)) != 0)
    }
}
