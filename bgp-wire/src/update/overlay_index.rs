//! What an UPDATE that announces EVPN IP Prefix routes has to have beside them: without a label, what is
//! behind a prefix is found by an overlay index (RFC 9136 §3.2), and one kind of it is an extended
//! community.

use super::cut::Cut;
use super::judge::Judge;
use crate::MacAddr;
use crate::attribute::{AttrCode, ExtCommunity, prefix_sid};
use crate::error::{Disposition, Reason};
use crate::faults::Faults;
use crate::input::Malformed;
use crate::nlri::{NlriBlock, PrefixFields, evpn_prefixes};

/// The tunnel type whose label field has a label and not a VNI (RFC 8365 §5.1.3).
const MPLS: u16 = 10;

/// What the attributes say of the routes.
#[derive(Default)]
struct Beside<'a> {
    /// The Router's MAC extended community, if it names a MAC address.
    has_mac: bool,
    /// The first that names what is none.
    bad_mac: Option<&'a [u8]>,
    is_mpls: bool,
    /// The label field has a part of a SID, if anything (RFC 9252 §6.5).
    is_srv6: bool,
}

impl<'a> Beside<'a> {
    fn of(cut: &Cut<'a>) -> Self {
        let mut beside = Self::default();
        let communities = cut.find(AttrCode::EXT_COMMUNITIES);
        for eight in communities.map_or(&[][..], |raw| raw.value.as_chunks().0) {
            let community = ExtCommunity(*eight);
            beside.is_mpls |= community.encapsulation() == Some(MPLS);
            let Some(mac) = community.router_mac() else {
                continue;
            };
            if mac.is_group() {
                beside.bad_mac = beside.bad_mac.or(Some(eight));
            }
            beside.has_mac |= mac != MacAddr::default();
        }
        let sid = cut.find(AttrCode::PREFIX_SID);
        beside.is_srv6 = sid.is_some_and(|raw| prefix_sid::has_l3_service(raw.value));
        beside
    }

    /// RFC 9136 §3.1: "If the received label is zero and the route does not contain an Overlay Index, it
    /// MUST be "treat as withdraw"". §3.2 says the same of a route "where ESI, GW IP, MAC, and Label are
    /// all zero at the same time". Where it is not said that the field has a label, of 20 bits, it may
    /// have a VNI, of 24.
    fn leaves_unresolved(&self, route: &PrefixFields<'_>) -> bool {
        let unused = if self.is_mpls { 4 } else { 0 };
        let [a, b, c] = *route.label;
        let field = u32::from_be_bytes([0, a, b, c]);
        field >> unused == 0 && !route.has_overlay_index && !self.has_mac && !self.is_srv6
    }
}

pub(super) fn check<'a>(judge: &mut Judge<'a>, cut: &Cut<'a>, routes: &NlriBlock<'a>) {
    let mut prefixes = evpn_prefixes(routes).peekable();
    // What could not be cut may have been what seems to be missing.
    if cut.lost || prefixes.peek().is_none() {
        return;
    }
    let beside = Beside::of(cut);
    let mut faults = Faults::default();
    for route in prefixes.filter(|route| beside.leaves_unresolved(route)) {
        let none = Reason::Text("is zero, and there is no overlay index");
        let wrong = Malformed::new(route.label, "MPLS Label", none);
        faults.add(wrong.asking(Disposition::TreatAsWithdraw));
    }
    if !faults.is_empty() {
        judge.nlri_faults(Some(AttrCode::MP_REACH_NLRI), Some(Box::new(faults)));
    }
    // RFC 9136 §3.2, below Table 1: "Examples of invalid MAC addresses are broadcast or multicast MAC
    // addresses. The route MUST be treat as withdraw in case of an invalid MAC address."
    if let Some(community) = beside.bad_mac {
        let group = Reason::Text("is the address of a group");
        let wrong = Malformed::new(community, "Router's MAC", group);
        let mut faults = Faults::default();
        faults.add(wrong.asking(Disposition::TreatAsWithdraw));
        judge.nlri_faults(Some(AttrCode::EXT_COMMUNITIES), Some(Box::new(faults)));
    }
}
