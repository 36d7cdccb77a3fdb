//! What an UPDATE that announces SR policies has to have beside them: without it, no candidate path
//! is told. RFC 9830 §5: "An SR Policy update that is determined not to be valid (and, therefore,
//! malformed) based on the rules described in Section 4.2.1 MUST be handled by the
//! "treat-as-withdraw" strategy."

use super::cut::Cut;
use super::judge::Judge;
use crate::attribute::tunnel_encap;
use crate::codes::update as subcode;
use crate::error::Reason;
use crate::input::Malformed;
use crate::{Administrator, AttrCode, Community, Disposition, ExtCommunity, Family, NlriBlock};

pub(super) fn is_one(family: Family) -> bool {
    matches!(family, Family::IPV4_SR_POLICY | Family::IPV6_SR_POLICY)
}

#[cold]
pub(super) fn check<'a>(judge: &mut Judge<'a>, cut: &Cut<'a>, policies: &NlriBlock<'a>) {
    // What could not be cut may have been what seems to be missing.
    if cut.lost {
        return;
    }
    let missing = |what| Malformed::new(policies.bytes(), what, Reason::Missing);
    let mut malformed = |code, error, data| {
        let withdraw = Disposition::TreatAsWithdraw;
        judge.add(
            Some(code),
            withdraw,
            subcode::OPTIONAL_ATTRIBUTE,
            error,
            data,
        );
    };
    // §4.2.1: "The Tunnel Encapsulation Attribute MUST be attached to the BGP UPDATE message and MUST
    // have a Tunnel Type TLV set to SR Policy". §2.2: "the use of any other Tunnel Type with the SR
    // Policy SAFI MUST be considered malformed".
    let code = AttrCode::TUNNEL_ENCAPSULATION;
    match cut.find(code) {
        None => malformed(code, missing("SR Policy TLV"), &[]),
        Some(raw) if !tunnel_encap::is_sr_policy(raw.value) => {
            let other = Reason::Text("has a tunnel that is no SR policy");
            let error = Malformed::new(raw.whole, "TUNNEL_ENCAPSULATION", other);
            malformed(code, error, raw.whole);
        }
        Some(_) => {}
    }
    // §4.2.1: "The SR Policy update MUST have either the NO_ADVERTISE community, at least one Route Target
    // extended community in IPv4-address format, or both." That format is the one of the BGP Identifiers
    // of the headends that are meant (§4.2.2); a target of an AS could name none of them. Whether one
    // of them is ours makes a policy usable, not valid: that is for whoever installs policies.
    let communities = cut.find(AttrCode::COMMUNITIES);
    let stays = communities.is_some_and(|raw| {
        let no_advertise = Community::NO_ADVERTISE.0.to_be_bytes();
        raw.value.as_chunks().0.contains(&no_advertise)
    });
    let extended = cut.find(AttrCode::EXT_COMMUNITIES);
    let is_told = extended.is_some_and(|raw| {
        let mut all = raw.value.as_chunks().0.iter();
        all.any(|eight| names_a_headend(ExtCommunity(*eight)))
    });
    if !stays && !is_told {
        let error = missing("Route Target in IPv4-address format or NO_ADVERTISE");
        malformed(AttrCode::EXT_COMMUNITIES, error, &[]);
    }
}

fn names_a_headend(community: ExtCommunity) -> bool {
    let is_address = matches!(community.administrator(), Some(Administrator::Ipv4(..)));
    is_address && community.is_route_target()
}
