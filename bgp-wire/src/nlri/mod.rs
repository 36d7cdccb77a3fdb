//! NLRI: what is announced and withdrawn.
//!
//! A type that can be announced implements [`Nlri`]; a family is one line in [`TABLE`]. A block of
//! NLRI is checked once, when its message is decoded ([`NlriBlock`]), so that walking it later
//! needs no errors and no memory.

pub(crate) mod prefix;
mod unicast;

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use bytes::BufMut;
use ipnet::{Ipv4Net, Ipv6Net};

use crate::attribute::next_hop::{self, NextHop};
use crate::input::{Input, Malformed};
use crate::{Family, PathId, SessionContext};

/// Something that can be announced: the key of a destination, as it is on the wire without path
/// identifier.
pub trait Nlri: Copy + Eq + Ord + Hash + fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// The families whose NLRI this is.
    const FAMILIES: &'static [Family];

    /// Octets on the wire.
    fn wire_len(&self) -> usize;

    /// Writes it.
    fn encode(&self, out: &mut impl BufMut);

    /// Takes one from the front. `None` if what is there is none.
    fn decode(input: &mut &[u8]) -> Option<Self>;

    /// Whether it may be used. What may not is ignored by itself (RFC 4271 §6.3: "the prefix SHOULD
    /// be ignored").
    fn is_usable(&self) -> bool {
        true
    }
}

/// How many NLRI a block holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) all: u32,
    pub(crate) ignored: u32,
}

/// One line of the table of families.
pub(crate) struct FamilySpec {
    pub(crate) family: Family,
    /// Checks a whole block, with or without path identifiers.
    pub(crate) check: for<'a> fn(Input<'a>, bool) -> Result<Counts, Malformed<'a>>,
    /// Reads the next hop of MP_REACH_NLRI, whose lengths depend on the family and the session.
    pub(crate) next_hop: for<'a> fn(Input<'a>, &SessionContext) -> Result<NextHop, Malformed<'a>>,
    /// Prints a block that has been checked.
    pub(crate) show: fn(&NlriBlock<'_>, &mut fmt::Formatter<'_>) -> fmt::Result,
}

/// The families whose NLRI are read and written.
pub(crate) static TABLE: &[FamilySpec] = &[
    FamilySpec {
        family: Family::IPV4_UNICAST,
        check: unicast::check_v4,
        next_hop: next_hop::decode_for_ipv4,
        show: show::<Ipv4Net>,
    },
    FamilySpec {
        family: Family::IPV6_UNICAST,
        check: unicast::check_v6,
        next_hop: next_hop::decode_for_ipv6,
        show: show::<Ipv6Net>,
    },
];

#[inline]
pub(crate) fn spec(family: Family) -> Option<&'static FamilySpec> {
    TABLE.iter().find(|line| line.family == family)
}

impl Family {
    /// Whether NLRI of this family are read and written here; only such a family should be
    /// announced.
    pub fn is_supported(self) -> bool {
        spec(self).is_some()
    }
}

/// NLRI of one family, as they are in the message, checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NlriBlock<'a> {
    /// Their family.
    pub family: Family,
    /// Whether each has a path identifier in front.
    pub add_path: bool,
    counts: Counts,
    bytes: &'a [u8],
}

impl<'a> NlriBlock<'a> {
    /// A block of nothing.
    pub fn empty(family: Family) -> Self {
        Self {
            family,
            add_path: false,
            counts: Counts::default(),
            bytes: &[],
        }
    }

    /// Checks `bytes`.
    #[inline]
    pub(crate) fn check(
        spec: &FamilySpec,
        add_path: bool,
        bytes: &'a [u8],
    ) -> Result<Self, Malformed<'a>> {
        let counts = if bytes.is_empty() {
            Counts::default()
        } else {
            (spec.check)(bytes, add_path)?
        };
        Ok(Self {
            family: spec.family,
            add_path,
            counts,
            bytes,
        })
    }

    /// Whether there is nothing in it to use.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many NLRI there are to use.
    #[inline]
    pub fn len(&self) -> usize {
        usize::try_from(self.counts.all.saturating_sub(self.counts.ignored)).unwrap_or(usize::MAX)
    }

    /// How many NLRI are passed over, as multicast and reserved prefixes.
    pub fn ignored(&self) -> usize {
        usize::try_from(self.counts.ignored).unwrap_or(usize::MAX)
    }

    /// The octets of the message.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The NLRI and their path identifiers (0 without ADD-PATH). Nothing if `N` is not of this
    /// family.
    #[inline]
    pub fn iter<N: Nlri>(&self) -> NlriIter<'a, N> {
        let ours = N::FAMILIES.contains(&self.family);
        NlriIter {
            rest: if ours { self.bytes } else { &[] },
            add_path: self.add_path,
            choosy: self.counts.ignored > 0,
            kind: PhantomData,
        }
    }

    /// The NLRI as IPv4 prefixes.
    #[inline]
    pub fn iter_v4(&self) -> NlriIter<'a, Ipv4Net> {
        self.iter()
    }

    /// The NLRI as IPv6 prefixes.
    #[inline]
    pub fn iter_v6(&self) -> NlriIter<'a, Ipv6Net> {
        self.iter()
    }
}

impl fmt::Display for NlriBlock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        spec(self.family).map_or(Ok(()), |spec| (spec.show)(self, f))
    }
}

impl fmt::Debug for NlriBlock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{self}]", self.family)
    }
}

/// Walks a [`NlriBlock`].
#[derive(Clone, Debug)]
pub struct NlriIter<'a, N> {
    rest: &'a [u8],
    add_path: bool,
    /// Some are to be passed over.
    choosy: bool,
    kind: PhantomData<N>,
}

impl<N: Nlri> Iterator for NlriIter<'_, N> {
    type Item = (PathId, N);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let id = if self.add_path {
                let (id, rest) = self.rest.split_first_chunk()?;
                self.rest = rest;
                u32::from_be_bytes(*id)
            } else {
                0
            };
            let nlri = N::decode(&mut self.rest)?;
            if !self.choosy || nlri.is_usable() {
                return Some((PathId(id), nlri));
            }
        }
    }
}

fn show<N: Nlri>(block: &NlriBlock<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (place, (id, nlri)) in block.iter::<N>().enumerate() {
        if place > 0 {
            f.write_str(" ")?;
        }
        write!(f, "{nlri}")?;
        if block.add_path {
            write!(f, "#{id}")?;
        }
    }
    Ok(())
}

/// Writes a path identifier, if the family has them, and the NLRI.
#[inline]
pub(crate) fn put<N: Nlri>(out: &mut impl BufMut, add_path: bool, id: PathId, nlri: &N) {
    if add_path {
        out.put_u32(id.0);
    }
    nlri.encode(out);
}
