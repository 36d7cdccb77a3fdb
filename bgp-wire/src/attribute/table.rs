//! The one table of path attributes: what RFC 4271 and RFC 7606 say about each, in one line.
//!
//! Decoding, encoding, printing and the tests read it. A new attribute is a file with a reader and
//! a text, and a line here.

use std::fmt;

use super::flags::{OPTIONAL, TRANSITIVE};
use super::{
    AttrCode, aggregator, aigp, as_path, as4_aggregator, as4_path, atomic_aggregate, attr_set,
    bfd_discriminator, cluster_list, community, ext_community, ipv6_ext_community, large_community,
    link_state, local_pref, med, mp_reach, mp_unreach, next_hop, only_to_customer, origin,
    originator_id, pmsi_tunnel, prefix_sid, traffic_engineering, tunnel_encap,
};
use crate::codes::update as subcode;
use crate::describe::Fields;
use crate::error::Disposition;
use crate::faults::Faults;
use crate::input::{Input, Malformed};
use crate::{PeerKind, SessionContext};

/// Checks a value in place and appends its canonical form. A value that is canonical as it is may be
/// left where it is instead: nothing is appended.
///
/// Fails with the severest of what is wrong. Where that asks for nothing ([`Disposition::None`]), the
/// value is used all the same, as it was appended.
pub(crate) type Read =
    for<'a> fn(Input<'a>, &SessionContext, &mut Vec<u8>) -> Result<(), Malformed<'a>>;
/// Adds all that is wrong with a value of which [`Read`] says that something is.
pub(crate) type EachFault = for<'a> fn(Input<'a>, &SessionContext, &mut Faults<'a>);
/// Prints a value in canonical form.
pub(crate) type Show = fn(&[u8], &mut fmt::Formatter<'_>) -> fmt::Result;

/// Puts the fields of a value in canonical form.
pub(crate) type Describe = fn(&[u8], &mut Fields);

/// Who may send an attribute. From others it is discarded, whatever it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// Every peer.
    Anyone,
    /// Peers in our AS or confederation.
    Inside,
    /// Those, and external peers that are run by the same people
    /// ([`SessionContext::same_domain`]).
    Domain,
}

impl Sender {
    /// Whether it is not for this peer to send.
    #[inline]
    pub(crate) fn excludes(self, ctx: &SessionContext) -> bool {
        self != Self::Anyone
            && ctx.peer_kind == PeerKind::External
            && !(self == Self::Domain && ctx.same_domain)
    }
}

/// What becomes of a value that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It goes into the canonical set.
    InSet,
    /// It is part of something else: the next hop of the set, or the NLRI of the UPDATE.
    Apart,
    /// It is merged into the attribute it belongs to on a session without four-octet AS numbers,
    /// and discarded on others.
    Merged,
}

/// One line of the table.
#[derive(Clone, Copy)]
pub(crate) struct AttrSpec {
    pub(crate) code: AttrCode,
    pub(crate) name: &'static str,
    /// The Optional and Transitive bits it must have.
    pub(crate) flags: u8,
    pub(crate) keep: Keep,
    pub(crate) from: Sender,
    /// What a malformed one leads to.
    pub(crate) malformed: Disposition,
    /// The UPDATE Message Error subcode for a bad value.
    pub(crate) subcode: u8,
    /// Where that is said.
    pub(crate) rfc: &'static str,
    pub(crate) read: Read,
    /// There for those that can be wrong in several places.
    pub(crate) each_fault: Option<EachFault>,
    pub(crate) show: Show,
    pub(crate) describe: Describe,
}

impl AttrSpec {
    /// Checks a value and appends its canonical form, whichever it is.
    pub(crate) fn write<'a>(
        &self,
        value: Input<'a>,
        ctx: &SessionContext,
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed<'a>> {
        let start = out.len();
        if let Err(error) = (self.read)(value, ctx, out)
            && !error.is_harmless()
        {
            return Err(error);
        }
        if out.len() == start {
            out.extend_from_slice(value);
        }
        Ok(())
    }
}

const WELL_KNOWN: u8 = TRANSITIVE;
const OPT_TRANSITIVE: u8 = OPTIONAL | TRANSITIVE;
const OPT_NON_TRANSITIVE: u8 = OPTIONAL;

use Disposition::{
    AttributeDiscard as Discard, SessionReset as Reset, TreatAsWithdraw as Withdraw,
};
use Keep::{Apart, InSet, Merged};
use Sender::{Anyone, Domain, Inside};

macro_rules! table {
    ($($code:ident $name:literal, $flags:ident, $keep:ident, $from:ident, $malformed:ident, $subcode:ident, $rfc:literal, $file:ident $(, $each:ident)?;)*) => {
        /// Every attribute that is understood, in ascending order of code.
        pub(crate) static TABLE: &[AttrSpec] = &[$(AttrSpec {
            code: AttrCode::$code,
            name: $name,
            flags: $flags,
            keep: $keep,
            from: $from,
            malformed: $malformed,
            subcode: subcode::$subcode,
            rfc: $rfc,
            read: $file::read,
            each_fault: table!(@each $file $($each)?),
            show: $file::show,
            describe: $file::describe,
        },)*];
    };
    (@each $file:ident) => { None };
    (@each $file:ident $each:ident) => { Some($file::$each) };
}

// code            name                      flags               kept    from    malformed  subcode of a bad value  said in                       file
table! {
    ORIGIN            "ORIGIN",               WELL_KNOWN,         InSet,  Anyone,  Withdraw,  INVALID_ORIGIN,         "RFC 7606 §7.1",              origin;
    AS_PATH           "AS_PATH",              WELL_KNOWN,         InSet,  Anyone,  Withdraw,  MALFORMED_AS_PATH,      "RFC 7606 §7.2",              as_path, each_fault;
    NEXT_HOP          "NEXT_HOP",             WELL_KNOWN,         Apart,  Anyone,  Withdraw,  INVALID_NEXT_HOP,       "RFC 7606 §7.3",              next_hop;
    MED               "MULTI_EXIT_DISC",      OPT_NON_TRANSITIVE, InSet,  Anyone,  Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.4",              med;
    LOCAL_PREF        "LOCAL_PREF",           WELL_KNOWN,         InSet,  Inside,  Withdraw,  ATTRIBUTE_LENGTH,       "RFC 7606 §7.5",              local_pref;
    ATOMIC_AGGREGATE  "ATOMIC_AGGREGATE",     WELL_KNOWN,         InSet,  Anyone,  Discard,   ATTRIBUTE_LENGTH,       "RFC 7606 §7.6",              atomic_aggregate;
    AGGREGATOR        "AGGREGATOR",           OPT_TRANSITIVE,     InSet,  Anyone,  Discard,   OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.7",              aggregator;
    COMMUNITIES       "COMMUNITIES",          OPT_TRANSITIVE,     InSet,  Anyone,  Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.8",              community;
    ORIGINATOR_ID     "ORIGINATOR_ID",        OPT_NON_TRANSITIVE, InSet,  Inside,  Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.9",              originator_id;
    CLUSTER_LIST      "CLUSTER_LIST",         OPT_NON_TRANSITIVE, InSet,  Inside,  Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.10",             cluster_list;
    MP_REACH_NLRI     "MP_REACH_NLRI",        OPT_NON_TRANSITIVE, Apart,  Anyone,  Reset,     OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.11, RFC 4760 §7", mp_reach;
    MP_UNREACH_NLRI   "MP_UNREACH_NLRI",      OPT_NON_TRANSITIVE, Apart,  Anyone,  Reset,     OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.12, RFC 4760 §7", mp_unreach;
    EXT_COMMUNITIES   "EXTENDED_COMMUNITIES", OPT_TRANSITIVE,     InSet,  Anyone,  Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.14",             ext_community;
    AS4_PATH          "AS4_PATH",             OPT_TRANSITIVE,     Merged, Anyone,  Discard,   OPTIONAL_ATTRIBUTE,     "RFC 6793 §6",                as4_path;
    AS4_AGGREGATOR    "AS4_AGGREGATOR",       OPT_TRANSITIVE,     Merged, Anyone,  Discard,   OPTIONAL_ATTRIBUTE,     "RFC 6793 §6",                as4_aggregator;
    PMSI_TUNNEL       "PMSI_TUNNEL",          OPT_TRANSITIVE,     InSet,  Anyone,  Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 6514 §5",                pmsi_tunnel;
    TUNNEL_ENCAPSULATION "Tunnel Encapsulation", OPT_TRANSITIVE,  InSet,  Domain,  Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 9012 §13",               tunnel_encap, each_fault;
    TRAFFIC_ENGINEERING "Traffic Engineering", OPT_NON_TRANSITIVE, InSet, Anyone,  Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.13",             traffic_engineering;
    IPV6_EXT_COMMUNITIES "IPv6 Address Specific Extended Community", OPT_TRANSITIVE, InSet, Anyone, Withdraw, OPTIONAL_ATTRIBUTE, "RFC 7606 §7.15",      ipv6_ext_community;
    AIGP              "AIGP",                 OPT_NON_TRANSITIVE, InSet,  Domain,  Discard,   OPTIONAL_ATTRIBUTE,     "RFC 7311 §3.2",               aigp, each_fault;
    LINK_STATE        "BGP-LS Attribute",     OPT_NON_TRANSITIVE, InSet,  Anyone,  Discard,   OPTIONAL_ATTRIBUTE,     "RFC 9552 §8.2.2",            link_state, each_fault;
    LARGE_COMMUNITIES "LARGE_COMMUNITIES",    OPT_TRANSITIVE,     InSet,  Anyone,  Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 8092 §6",                large_community;
    ONLY_TO_CUSTOMER  "Only to Customer (OTC)", OPT_TRANSITIVE,   InSet,  Anyone,  Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 9234 §5",                only_to_customer;
    BFD_DISCRIMINATOR "BFD Discriminator",    OPT_TRANSITIVE,     InSet,  Anyone,  Discard,   OPTIONAL_ATTRIBUTE,     "RFC 9026 §3.1.6",            bfd_discriminator, each_fault;
    PREFIX_SID        "BGP Prefix-SID",       OPT_TRANSITIVE,     InSet,  Domain,  Discard,   OPTIONAL_ATTRIBUTE,     "RFC 8669 §6, RFC 9252 §7",   prefix_sid, each_fault;
    ATTR_SET          "ATTR_SET",             OPT_TRANSITIVE,     InSet,  Anyone,  Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.16",             attr_set, each_fault;
}

/// Where in the table a code is; 255 for none.
static PLACES: [u8; 256] = places();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler, which checks both"
)]
const fn places() -> [u8; 256] {
    let mut places = [u8::MAX; 256];
    let mut place = 0;
    while place < TABLE.len() {
        places[TABLE[place].code.0 as usize] = place as u8;
        place += 1;
    }
    places
}

/// The line of a code.
#[inline]
pub(crate) fn spec(code: u8) -> Option<&'static AttrSpec> {
    let place = PLACES.get(usize::from(code))?;
    TABLE.get(usize::from(*place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_ascending_order_and_found_by_code() {
        assert!(TABLE.is_sorted_by(|a, b| a.code < b.code));
        for line in TABLE {
            assert_eq!(spec(line.code.0).map(|found| found.name), Some(line.name));
            assert!(line.rfc.starts_with("RFC "), "{}", line.name);
        }
        assert!(spec(0).is_none() && spec(255).is_none());
    }

    /// The registry's classes: RFC 4271 §5.1, 1997, 4360, 4456, 4760 §3, 5543 §3, 5701 §2, 6368 §5,
    /// 6514 §5, 6793 §3, 7311 §3, 8092 §3, 8669 §3, 9012 §2, 9026 §3.1.6, 9234 §5, 9552 §5.3.
    #[test]
    fn flags_are_those_of_the_rfcs() {
        for (flags, codes) in [
            (0x40, &[1, 2, 3, 5, 6][..]),
            (0xc0, &[7, 8, 16, 17, 18, 22, 23, 25, 32, 35, 38, 40, 128]),
            (0x80, &[4, 9, 10, 14, 15, 24, 26, 29]),
        ] {
            for code in codes {
                assert_eq!(spec(*code).map(|line| line.flags), Some(flags), "{code}");
            }
        }
    }

    /// One row of docs/reference/dispositions.md.
    fn row(line: &AttrSpec) -> String {
        let class = match line.flags {
            WELL_KNOWN => "well-known",
            OPT_TRANSITIVE => "optional transitive",
            _ => "optional non-transitive",
        };
        let from = match line.from {
            Anyone => "anyone",
            Inside => "inside",
            Domain => "domain",
        };
        let malformed = match line.keep {
            // What `SessionContext::disable_families` decides.
            Apart if line.malformed == Reset => "`afi-safi-disable` or `session-reset`".to_owned(),
            _ => format!("`{}`", line.malformed),
        };
        let (code, name, rfc) = (line.code.0, line.name, line.rfc.replace('§', "section "));
        format!("| {code} | {name} | {class} | {from} | {malformed} | {rfc} |")
    }

    /// `UPDATE_EXPECT=1` writes it anew.
    #[test]
    fn the_reference_says_what_the_table_says() {
        const BEGIN: &str = "<!-- attributes -->\n";
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../docs/reference/dispositions.md"
        );
        let page = std::fs::read_to_string(path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (written, after) = rest.split_once("<!-- end -->").unwrap();
        let head = "| code | attribute | class | from | malformed | said in |\n|---|---|---|---|---|---|\n";
        let rows: String = TABLE.iter().map(|line| row(line) + "\n").collect();
        let wanted = format!("{head}{rows}");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, format!("{before}{BEGIN}{wanted}<!-- end -->{after}")).unwrap();
            return;
        }
        assert_eq!(written, wanted, "UPDATE_EXPECT=1 accepts it");
    }
}
