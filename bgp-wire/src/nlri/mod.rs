//! NLRI: what is announced and withdrawn.
//!
//! A type that can be announced implements [`Nlri`]; a family is one line in [`TABLE`]. A block of
//! NLRI is checked once, when its message is decoded ([`NlriBlock`]), so that walking it later
//! needs no errors and no memory.

mod address;
mod evpn;
mod flow;
pub(crate) mod label;
mod labeled;
mod link_state;
mod listed;
mod mvpn;
pub(crate) mod prefix;
pub(crate) mod rd;
mod reserved;
mod rtc;
mod sr_policy;
mod unicast;
mod vpls;
mod vpn;

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use bytes::{BufMut, BytesMut};
use ipnet::{Ipv4Net, Ipv6Net};

use crate::attribute::{LabelFields, next_hop};
use crate::error::{Disposition, Reason};
use crate::faults::Faults;
use crate::input::{Input, Malformed};
use crate::{Family, FamilySet, Fields, Node, PathId, SessionContext};

use flow::{FlowV4, FlowV6, FlowVpnV4, FlowVpnV6};
use link_state::{LinkState, LinkStateVpn};
use mvpn::Mvpn;
use sr_policy::{SrPolicyV4, SrPolicyV6};
use vpls::Vpls;

pub use evpn::{EvpnDetail, EvpnKind, EvpnRoute};
pub(crate) use evpn::{PrefixFields, prefixes as evpn_prefixes};
pub use label::Label;
pub use labeled::Labeled;
pub use prefix::IpPrefix;
pub use rd::RouteDistinguisher;
pub use rtc::RouteTargetMembership;
pub use vpn::Vpn;

/// Something that can be announced: the key of a destination, as it is on the wire without path
/// identifier.
pub trait Nlri: Copy + Eq + Ord + Hash + fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// The families whose NLRI this is.
    const FAMILIES: &'static [Family];

    /// What is told in the NLRI and belongs to the path, not to the destination: a label, for
    /// instance.
    type Detail: Copy + Eq + Hash + Default + fmt::Debug + Send + Sync + 'static;

    /// Octets on the wire.
    fn wire_len(&self, detail: &Self::Detail) -> usize;

    /// Writes it.
    fn encode(&self, detail: &Self::Detail, out: &mut impl BufMut);

    /// Takes one from the front; its path identifier stood before it. `None` if what is there is
    /// none; if its length is known all the same, the input has moved past it.
    fn decode(input: &mut &[u8], form: Form, id: PathId) -> Option<(PathId, Self, Self::Detail)>;

    /// Whether it may be used. What may not is ignored by itself (RFC 4271 §6.3: "the prefix SHOULD
    /// be ignored").
    fn is_usable(&self) -> bool {
        true
    }

    /// The detail in a withdrawal.
    fn withdrawn() -> Self::Detail {
        Self::Detail::default()
    }

    /// Its fields, by name.
    fn describe(&self, detail: &Self::Detail, fields: &mut Fields);

    /// Where bits of the SIDs of SRv6 services may be (RFC 9252 §5, §6).
    fn label_fields(&self, _: &Self::Detail) -> LabelFields {
        LabelFields::default()
    }
}

/// What the octets of NLRI depend on besides their family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Each has a path identifier in front (RFC 7911 §3).
    pub add_path: bool,
    /// They are withdrawn.
    pub withdrawn: bool,
    /// Each may have several labels (RFC 8277 §2.1).
    pub label_stack: bool,
}

impl Form {
    /// How NLRI of a family arrive on a session.
    #[inline]
    pub(crate) fn received(family: Family, ctx: &SessionContext, withdrawn: bool) -> Self {
        Self {
            add_path: ctx.add_path_receive.contains(family),
            withdrawn,
            label_stack: ctx.label_stacks.contains(family),
        }
    }
}

/// How many NLRI a block holds, and what is wrong with single ones and leaves those beside them as
/// they are. That is large and nearly never there, so it stands elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts<'a> {
    pub(crate) all: u32,
    pub(crate) ignored: u32,
    pub(crate) faults: Option<Box<Faults<'a>>>,
}

impl<'a> Counts<'a> {
    /// One more is passed over.
    #[cold]
    pub(crate) fn ignore(&mut self, why: Malformed<'a>) {
        self.ignored += 1;
        self.note(why.asking(Disposition::None));
    }

    /// One asks that the routes are treated as withdrawn.
    #[cold]
    pub(crate) fn withdraw(&mut self, why: Malformed<'a>) {
        self.note(why.asking(Disposition::TreatAsWithdraw));
    }

    /// Something is wrong with one, which says what it asks for.
    #[cold]
    pub(crate) fn note(&mut self, why: Malformed<'a>) {
        self.faults.get_or_insert_default().add(why);
    }
}

/// How the next hop of a family stands in MP_REACH_NLRI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HopForm {
    /// An address.
    Any,
    /// An address of IPv6.
    Ipv6,
    /// Behind a route distinguisher of zero (RFC 4364 §4.3.2).
    Rd,
    /// There is none (RFC 8955 §4).
    Absent,
}

/// Walks a block.
pub(crate) type Check = for<'a> fn(Input<'a>, Form, &mut Counts<'a>) -> Result<(), Malformed<'a>>;

/// NLRI that can be cut, or what keeps them from being cut, and what is wrong with single ones.
pub(crate) type Examined<'a> = (
    Result<NlriBlock<'a>, Malformed<'a>>,
    Option<Box<Faults<'a>>>,
);

/// One line of the table of families.
pub(crate) struct FamilySpec {
    pub(crate) family: Family,
    /// Checks a whole block. Fails where it cannot be cut into NLRI; what was wrong before that
    /// place is there all the same.
    pub(crate) check: Check,
    /// Reads the next hop of MP_REACH_NLRI, whose lengths depend on the family and the session.
    pub(crate) next_hop: next_hop::Read,
    /// How that next hop is written.
    pub(crate) hop_form: HopForm,
    /// Prints a block that has been checked.
    pub(crate) show: fn(&NlriBlock<'_>, &mut fmt::Formatter<'_>) -> fmt::Result,
    /// Describes each NLRI of a block that has been checked.
    pub(crate) describe: fn(&NlriBlock<'_>) -> Vec<Node>,
    /// Writes the NLRI of a block that may be used as a speaker writes them; with `true`, to withdraw.
    pub(crate) write: fn(&NlriBlock<'_>, bool, &mut BytesMut),
}

macro_rules! families {
    ($($family:ident $check:path, $next_hop:ident, $form:ident, $show:expr, $describe:expr, $write:expr;)*) => {
        /// The families whose NLRI are read and written.
        pub(crate) static TABLE: &[FamilySpec] = &[$(FamilySpec {
            family: Family::$family,
            check: $check,
            next_hop: next_hop::$next_hop,
            hop_form: HopForm::$form,
            show: $show,
            describe: $describe,
            write: $write,
        },)*];

        /// The line of a family.
        #[inline]
        pub(crate) fn spec(family: Family) -> Option<&'static FamilySpec> {
            let place = match family {
                $(Family::$family => const { place(Family::$family) },)*
                _ => return None,
            };
            TABLE.get(place)
        }
    };
}

/// Where in the table a family is.
#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which checks it"
)]
const fn place(family: Family) -> usize {
    let mut place = 0;
    while TABLE[place].family.afi != family.afi || TABLE[place].family.safi != family.safi {
        place += 1;
    }
    place
}

// family             check                        next hop      written  text                            fields                          octets
families! {
    IPV4_UNICAST      unicast::check_v4,           decode_ipv4,  Any,     show::<Ipv4Net>,                describe::<Ipv4Net>,            write::<Ipv4Net>;
    IPV6_UNICAST      unicast::check_v6,           decode_ipv6,  Ipv6,    show::<Ipv6Net>,                describe::<Ipv6Net>,            write::<Ipv6Net>;
    IPV4_VPN          vpn::check_v4,               decode_vpnv4, Rd,      show::<Vpn<Ipv4Net>>,           vpn::describe_v4,               vpn::write_v4;
    IPV6_VPN          vpn::check_v6,               decode_vpnv6, Rd,      show::<Vpn<Ipv6Net>>,           vpn::describe_v6,               vpn::write_v6;
    L2VPN_EVPN        evpn::check,                 decode_any,   Any,     show::<EvpnRoute>,              describe::<EvpnRoute>,          write::<EvpnRoute>;
    RTC               rtc::check,                  decode_any,   Any,     show::<RouteTargetMembership>,  describe::<RouteTargetMembership>,write::<RouteTargetMembership>;
    IPV4_LABELED      labeled::check_v4,           decode_ipv4,  Any,     show::<Labeled<Ipv4Net>>,       labeled::describe_v4,           labeled::write_v4;
    IPV6_LABELED      labeled::check_v6,           decode_ipv6,  Ipv6,    show::<Labeled<Ipv6Net>>,       labeled::describe_v6,           labeled::write_v6;
    IPV4_MULTICAST    unicast::check_v4,           decode_ipv4,  Any,     show::<Ipv4Net>,                describe::<Ipv4Net>,            write::<Ipv4Net>;
    IPV6_MULTICAST    unicast::check_v6,           decode_ipv6,  Ipv6,    show::<Ipv6Net>,                describe::<Ipv6Net>,            write::<Ipv6Net>;
    IPV4_FLOWSPEC     listed::check::<FlowV4>,     ignore,       Absent,  listed::show::<FlowV4>,         listed::describe::<FlowV4>,     listed::write::<FlowV4>;
    IPV6_FLOWSPEC     listed::check::<FlowV6>,     ignore,       Absent,  listed::show::<FlowV6>,         listed::describe::<FlowV6>,     listed::write::<FlowV6>;
    IPV4_FLOWSPEC_VPN listed::check::<FlowVpnV4>,  ignore,       Absent,  listed::show::<FlowVpnV4>,      listed::describe::<FlowVpnV4>,  listed::write::<FlowVpnV4>;
    IPV6_FLOWSPEC_VPN listed::check::<FlowVpnV6>,  ignore,       Absent,  listed::show::<FlowVpnV6>,      listed::describe::<FlowVpnV6>,  listed::write::<FlowVpnV6>;
    IPV4_SR_POLICY    listed::check::<SrPolicyV4>, decode_any,   Any,     listed::show::<SrPolicyV4>,     listed::describe::<SrPolicyV4>, listed::write::<SrPolicyV4>;
    IPV6_SR_POLICY    listed::check::<SrPolicyV6>, decode_any,   Any,     listed::show::<SrPolicyV6>,     listed::describe::<SrPolicyV6>, listed::write::<SrPolicyV6>;
    LINK_STATE        listed::check::<LinkState>,  decode_any,   Any,     listed::show::<LinkState>,      listed::describe::<LinkState>,  listed::write::<LinkState>;
    LINK_STATE_VPN    listed::check::<LinkStateVpn>, decode_behind_rd, Rd, listed::show::<LinkStateVpn>,  listed::describe::<LinkStateVpn>,listed::write::<LinkStateVpn>;
    L2VPN_VPLS        listed::check::<Vpls>,       decode_any,   Any,     listed::show::<Vpls>,           listed::describe::<Vpls>,       listed::write::<Vpls>;
    IPV4_MVPN         listed::check::<Mvpn>,       decode_any,   Any,     listed::show::<Mvpn>,           listed::describe::<Mvpn>,       listed::write::<Mvpn>;
    IPV6_MVPN         listed::check::<Mvpn>,       decode_any,   Any,     listed::show::<Mvpn>,           listed::describe::<Mvpn>,       listed::write::<Mvpn>;
}

impl Family {
    /// Whether NLRI of this family are read and written here.
    pub fn is_supported(self) -> bool {
        spec(self).is_some()
    }
}

impl FamilySet {
    /// Every family whose NLRI are read and written here.
    pub fn supported() -> Self {
        TABLE.iter().map(|line| line.family).collect()
    }
}

/// NLRI of one family, as they are in the message, checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NlriBlock<'a> {
    /// Their family.
    pub family: Family,
    /// What their octets depend on.
    pub form: Form,
    all: u32,
    ignored: u32,
    bytes: &'a [u8],
}

impl<'a> NlriBlock<'a> {
    /// A block of nothing.
    pub fn empty(family: Family) -> Self {
        Self {
            family,
            form: Form::default(),
            all: 0,
            ignored: 0,
            bytes: &[],
        }
    }

    /// Checks `bytes`: the block, and what is wrong in it.
    #[inline]
    pub(crate) fn examine(spec: &FamilySpec, form: Form, bytes: &'a [u8]) -> Examined<'a> {
        let mut counts = Counts::default();
        if !bytes.is_empty()
            && let Err(error) = (spec.check)(bytes, form, &mut counts)
        {
            return (Err(error), counts.faults);
        }
        let block = Self {
            family: spec.family,
            form,
            all: counts.all,
            ignored: counts.ignored,
            bytes,
        };
        (Ok(block), counts.faults)
    }

    /// What may be malformed, to be shown.
    pub(crate) fn unexamined(spec: &FamilySpec, form: Form, bytes: &'a [u8]) -> Self {
        Self {
            family: spec.family,
            form,
            all: 0,
            ignored: 0,
            bytes,
        }
    }

    /// Checks `bytes`.
    #[cfg(test)]
    pub(crate) fn check(
        spec: &FamilySpec,
        form: Form,
        bytes: &'a [u8],
    ) -> Result<Self, Malformed<'a>> {
        Self::examine(spec, form, bytes).0
    }

    /// Whether there is nothing in it to use.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many NLRI there are to use.
    #[inline]
    pub fn len(&self) -> usize {
        usize::try_from(self.all.saturating_sub(self.ignored)).unwrap_or(usize::MAX)
    }

    /// How many NLRI are passed over, as multicast and reserved prefixes and routes of unknown types.
    pub fn ignored(&self) -> usize {
        usize::try_from(self.ignored).unwrap_or(usize::MAX)
    }

    /// The octets of the message.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The NLRI with their path identifiers (0 without ADD-PATH) and details. Nothing if `N` is not
    /// of this family.
    #[inline]
    pub fn iter<N: Nlri>(&self) -> NlriIter<'a, N> {
        let ours = N::FAMILIES.contains(&self.family);
        NlriIter {
            rest: if ours { self.bytes } else { &[] },
            form: self.form,
            choosy: self.ignored > 0,
            kind: PhantomData,
        }
    }

    /// The NLRI as IPv4 prefixes.
    #[inline]
    pub fn iter_v4(&self) -> impl Iterator<Item = (PathId, Ipv4Net)> + Clone + use<'a> {
        self.iter().map(|(id, net, ())| (id, net))
    }

    /// The NLRI as IPv6 prefixes.
    #[inline]
    pub fn iter_v6(&self) -> impl Iterator<Item = (PathId, Ipv6Net)> + Clone + use<'a> {
        self.iter().map(|(id, net, ())| (id, net))
    }

    /// Where bits of SIDs may be, of each NLRI that [`describe`](Self::describe) tells of.
    pub(crate) fn label_fields(&self) -> Vec<LabelFields> {
        fn of<N: Nlri>(block: &NlriBlock<'_>) -> Vec<LabelFields> {
            let each = block.iter::<N>();
            each.map(|(_, nlri, detail)| nlri.label_fields(&detail))
                .collect()
        }
        match self.family {
            Family::IPV4_VPN => of::<Vpn<Ipv4Net>>(self),
            Family::IPV6_VPN => of::<Vpn<Ipv6Net>>(self),
            Family::L2VPN_EVPN => of::<EvpnRoute>(self),
            _ => vec![LabelFields::default(); self.len()],
        }
    }

    /// The fields of each NLRI, for tools.
    pub fn describe(&self) -> Vec<Node> {
        spec(self.family).map_or_else(Vec::new, |spec| (spec.describe)(self))
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
    form: Form,
    /// Some are to be passed over.
    choosy: bool,
    kind: PhantomData<N>,
}

impl<N: Nlri> Iterator for NlriIter<'_, N> {
    type Item = (PathId, N, N::Detail);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.choosy || self.form.add_path {
            // Taken apart, so that what comes from there does not keep a prefix out of registers.
            let (id, nlri, detail) = self.next_chosen()?;
            return Some((id, nlri, detail));
        }
        N::decode(&mut self.rest, self.form, PathId(0))
    }
}

impl<N: Nlri> NlriIter<'_, N> {
    /// The next one where there are path identifiers or some are to be passed over.
    #[inline(never)]
    fn next_chosen(&mut self) -> Option<(PathId, N, N::Detail)> {
        loop {
            let id = if self.form.add_path {
                let (id, rest) = self.rest.split_first_chunk()?;
                self.rest = rest;
                u32::from_be_bytes(*id)
            } else {
                0
            };
            let before = self.rest.len();
            let route = N::decode(&mut self.rest, self.form, PathId(id));
            match &route {
                Some((_, nlri, _)) if !self.choosy || nlri.is_usable() => return route,
                // Passed over; what cannot be passed over is the end.
                _ if self.choosy && self.rest.len() < before => {}
                _ => return None,
            }
        }
    }
}

/// Passes over a path identifier, if there is one.
#[inline]
pub(crate) fn path_id(input: Input<'_>, add_path: bool) -> Result<Input<'_>, Malformed<'_>> {
    if !add_path {
        return Ok(input);
    }
    let cut = Malformed::new(input, "Path Identifier", Reason::Truncated);
    input.get(4..).ok_or(cut)
}

/// The path identifier in front of an NLRI, if there is one.
fn describe_path_id(input: Input<'_>, form: Form, fields: &mut Fields) {
    if let (true, Some(id)) = (form.add_path, input.first_chunk().copied()) {
        fields.number("path_id", u32::from_be_bytes(id));
    }
}

fn write<N: Nlri>(block: &NlriBlock<'_>, withdraw: bool, out: &mut BytesMut) {
    for (id, nlri, detail) in block.iter::<N>() {
        let detail = if withdraw { N::withdrawn() } else { detail };
        put(out, block.form.add_path, id, &nlri, &detail);
    }
}

/// Without those that are passed over; of a block that was not examined also the octets of what is no
/// route.
fn show<N: Nlri>(block: &NlriBlock<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let choosy = block.ignored > 0;
    let mut rest = block.bytes;
    let mut between = "";
    while !rest.is_empty() {
        let start = rest;
        let id = match (block.form.add_path, rest.split_first_chunk()) {
            (false, _) => None,
            (true, Some((id, after))) => {
                rest = after;
                Some(u32::from_be_bytes(*id))
            }
            (true, None) => return show_octets(start, f),
        };
        let before = rest;
        let route = N::decode(&mut rest, block.form, PathId(id.unwrap_or(0)));
        let usable = route.as_ref().is_some_and(|(_, nlri, _)| nlri.is_usable());
        if choosy && !usable && rest.len() < before.len() {
            continue;
        }
        f.write_str(between)?;
        between = " ";
        match (route, id) {
            (Some((_, nlri, _)), None) => write!(f, "{nlri}")?,
            (Some((_, nlri, _)), Some(id)) => write!(f, "{nlri}#{id}")?,
            (None, _) if rest.len() < before.len() => {
                let length = start.len().saturating_sub(rest.len());
                show_octets(start.get(..length).unwrap_or(start), f)?;
            }
            (None, _) => return show_octets(start, f),
        }
    }
    Ok(())
}

/// Octets that are no route, as `0x0c02abcd`.
pub(crate) fn show_octets(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("0x")?;
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}

fn describe<N: Nlri>(block: &NlriBlock<'_>) -> Vec<Node> {
    let every = block.iter::<N>().map(|(id, nlri, detail)| {
        Node::fields(|fields| {
            if block.form.add_path {
                fields.number("path_id", id.0);
            }
            nlri.describe(&detail, fields);
        })
    });
    every.collect()
}

/// Writes a path identifier, if the family has them, and the NLRI.
#[inline]
pub(crate) fn put<N: Nlri>(
    out: &mut impl BufMut,
    add_path: bool,
    id: PathId,
    nlri: &N,
    detail: &N::Detail,
) {
    if add_path {
        out.put_u32(id.0);
    }
    nlri.encode(detail, out);
}

/// A route to be announced: with its detail, or, where a family has none, without.
pub trait Announcement {
    /// What is announced.
    type Nlri: Nlri;

    /// Path identifier, NLRI and detail.
    fn parts(&self) -> (PathId, &Self::Nlri, <Self::Nlri as Nlri>::Detail);
}

impl<N: Nlri<Detail = ()>> Announcement for (PathId, N) {
    type Nlri = N;

    #[inline]
    fn parts(&self) -> (PathId, &N, ()) {
        (self.0, &self.1, ())
    }
}

impl<N: Nlri> Announcement for (PathId, N, N::Detail) {
    type Nlri = N;

    #[inline]
    fn parts(&self) -> (PathId, &N, N::Detail) {
        (self.0, &self.1, self.2)
    }
}

/// What is wrong in a block by what it asks for and its field, for tests.
#[cfg(test)]
pub(crate) fn asked(faults: Option<Box<Faults<'_>>>) -> Vec<(Disposition, &'static str)> {
    let faults = faults.unwrap_or_default();
    let asked = |one: Malformed<'_>| (one.asks.unwrap_or_default(), one.field);
    faults.iter().map(asked).collect()
}

/// Octets from digits in hexadecimal, with spaces between fields, for tests.
#[cfg(test)]
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|one| one.to_digit(16)).collect();
    let pairs = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]);
    pairs.map(|octet| u8::try_from(octet).unwrap()).collect()
}
