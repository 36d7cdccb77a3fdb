//! PURE: what was likely negotiated. A message says nothing of how it is to be read: the size of AS numbers, path
//! identifiers and IPv6 next hops of IPv4 routes are known from the OPENs alone. Where they are not there, and a message
//! is malformed as it is read, it is read in the other ways too; if one of them leaves no fault, that is told.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use bgp_wire::{
    AttrCode, AttrScratch, Decoded, Family, FamilySet, Message, MessageType, NlriBlock,
    SessionContext, frame, next_frame,
};

use super::judgement::Judgement;
use super::negotiated::{Known, attribute};
use crate::args::MAY_HAVE_IPV6_NEXT_HOPS;
use crate::cli::words;

/// Messages that are read in other ways, and messages that are looked at for what is odd. What is wrong with a thousand
/// needs no further ones.
const TRIED: u32 = 1_000;
/// Lines.
const TOLD: usize = 8;

/// What other ways of reading are good for.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// The options, and whether messages that are odd become plain by them, with the number of messages.
    ways: BTreeMap<(String, bool), u64>,
    /// What else there is to say.
    others: Vec<String>,
    tried: u32,
    looked_at: u32,
}

impl Hints {
    /// One more line.
    pub(super) fn add(&mut self, hint: String) {
        self.others.push(hint);
        self.others.truncate(TOLD);
    }

    /// Reads a message in other ways if it is malformed in this one, or says the same route twice.
    pub(super) fn consider(
        &mut self,
        octets: &[u8],
        ctx: &SessionContext,
        known: Known,
        judgement: &Judgement,
        scratch: &mut AttrScratch,
    ) {
        let is_update = octets.get(frame::HEADER_LEN - 1) == Some(&MessageType::Update.code());
        if !is_update || known == Known::BothOpens || self.tried >= TRIED {
            return;
        }
        let malformed = judgement.error.is_some();
        if !malformed {
            self.looked_at = self.looked_at.saturating_add(1);
            if self.looked_at > TRIED || !is_odd(octets, ctx, scratch) {
                return;
            }
        }
        self.tried += 1;
        let body = octets.get(frame::HEADER_LEN..).unwrap_or(&[]);
        for (options, other) in ways(body, ctx) {
            let read = Judgement::of_message(octets, &other, known, scratch, false);
            if read.error.is_none() && !is_odd(octets, &other, scratch) {
                *self.ways.entry((options, !malformed)).or_default() += 1;
                return;
            }
        }
    }

    /// Each on its line. `messages`: how many there were at all.
    pub(super) fn write(&self, messages: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hint in &self.others {
            writeln!(f, "hint: {hint}")?;
        }
        let mut ways: Vec<_> = self.ways.iter().collect();
        ways.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for ((options, odd), count) in ways.into_iter().take(TOLD) {
            let of = match (messages, odd) {
                (1, false) => "this message is well-formed".to_owned(),
                (1, true) => "this message has no route twice".to_owned(),
                (_, false) => {
                    let more = words::count(*count, "message that is", "messages that are");
                    format!("{more} malformed would be well-formed")
                }
                (_, true) => {
                    let more = words::count(*count, "message has", "messages have");
                    format!("{more} no route twice")
                }
            };
            writeln!(f, "hint: {options} {of}")?;
        }
        Ok(())
    }
}

/// The ways in which sessions may differ that concern a message, the likely ones first, with the options that say so.
fn ways(body: &[u8], ctx: &SessionContext) -> Vec<(String, SessionContext)> {
    let families = families(body);
    let mut ways = Vec::new();
    let mut way = |options: String, change: &dyn Fn(&mut SessionContext)| {
        let mut other = ctx.clone();
        change(&mut other);
        ways.push((options, other));
    };
    let asn4 = if ctx.asn4 { "--asn4 no" } else { "--asn4 yes" };
    let flip = |ctx: &mut SessionContext| ctx.asn4 = !ctx.asn4;
    way(format!("with {asn4}"), &flip);
    let may = FamilySet::from(MAY_HAVE_IPV6_NEXT_HOPS);
    let hops = less(families.intersection(may), ctx.extended_next_hop);
    let add_hops = |ctx: &mut SessionContext| {
        ctx.extended_next_hop = ctx.extended_next_hop.union(hops);
    };
    let paths = less(families, ctx.add_path_receive);
    let add_paths = |ctx: &mut SessionContext| {
        ctx.add_path_receive = ctx.add_path_receive.union(paths);
    };
    let (said_hops, said_paths) = (
        format!("--extended-next-hop {}", list(hops)),
        format!("--add-path {}", list(paths)),
    );
    if !hops.is_empty() {
        way(format!("with {said_hops}"), &add_hops);
    }
    if !paths.is_empty() {
        way(format!("with {said_paths}"), &add_paths);
    }
    let without = families.intersection(ctx.add_path_receive);
    if !without.is_empty() {
        way(format!("without --add-path {}", list(without)), &|ctx| {
            ctx.add_path_receive = less(ctx.add_path_receive, without);
        });
    }
    if !hops.is_empty() {
        way(format!("with {asn4} {said_hops}"), &|ctx| {
            flip(ctx);
            add_hops(ctx);
        });
    }
    if !paths.is_empty() {
        way(format!("with {asn4} {said_paths}"), &|ctx| {
            flip(ctx);
            add_paths(ctx);
        });
    }
    if !hops.is_empty() && !paths.is_empty() {
        way(format!("with {said_hops} {said_paths}"), &|ctx| {
            add_hops(ctx);
            add_paths(ctx);
        });
    }
    ways
}

fn less(all: FamilySet, without: FamilySet) -> FamilySet {
    all.iter()
        .filter(|family| !without.contains(*family))
        .collect()
}

fn list(families: FamilySet) -> String {
    let names: Vec<_> = families.iter().map(|family| family.to_string()).collect();
    names.join(",")
}

/// The families whose routes are in the body of an UPDATE.
fn families(body: &[u8]) -> FamilySet {
    let mut families = FamilySet::EMPTY;
    for code in [AttrCode::MP_REACH_NLRI, AttrCode::MP_UNREACH_NLRI] {
        if let Some([high, low, safi, ..]) = attribute(body, code) {
            let family = Family::new(u16::from_be_bytes([*high, *low]), *safi);
            if family.is_supported() {
                families.insert(family);
            }
        }
    }
    let length = |octets: &[u8]| {
        let length = octets.first_chunk().copied().map(u16::from_be_bytes);
        usize::from(length.unwrap_or(0))
    };
    let withdrawn = length(body);
    let behind = body.get(withdrawn.saturating_add(2)..).unwrap_or(&[]);
    let announced = behind.get(length(behind).saturating_add(2)..);
    if withdrawn > 0 || announced.is_some_and(|nlri| !nlri.is_empty()) {
        families.insert(Family::IPV4_UNICAST);
    }
    families
}

/// Whether a message says the same prefix twice, as no speaker does. Path identifiers that are read as prefixes are a
/// default route, and another one.
fn is_odd(octets: &[u8], ctx: &SessionContext, scratch: &mut AttrScratch) -> bool {
    let Ok(Some((frame, _))) = next_frame(octets, frame::MAX_EXTENDED_LEN) else {
        return false;
    };
    match Message::decode(frame, ctx, scratch) {
        Ok(Message::Update(decoded)) => blocks(&decoded).iter().any(repeats),
        _ => false,
    }
}

fn blocks<'a>(decoded: &Decoded<'a>) -> Vec<NlriBlock<'a>> {
    let update = &decoded.update;
    let own = [update.announced, update.withdrawn];
    let reach = update.reach.as_ref().map(|reach| reach.nlri);
    let unreach = update.unreach.as_ref().map(|unreach| unreach.nlri);
    own.into_iter().chain(reach).chain(unreach).collect()
}

fn repeats(block: &NlriBlock<'_>) -> bool {
    const OF_PREFIXES: [Family; 8] = [
        Family::IPV4_UNICAST,
        Family::IPV6_UNICAST,
        Family::IPV4_MULTICAST,
        Family::IPV6_MULTICAST,
        Family::IPV4_LABELED,
        Family::IPV6_LABELED,
        Family::IPV4_VPN,
        Family::IPV6_VPN,
    ];
    if block.len() < 2 || !OF_PREFIXES.contains(&block.family) {
        return false;
    }
    let text = block.to_string();
    let mut seen = HashSet::new();
    !text.split(' ').all(|prefix| seen.insert(prefix))
}
