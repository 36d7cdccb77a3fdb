//! The one table of path attributes: what RFC 4271 and RFC 7606 say about each, in one line.
//!
//! Decoding, encoding, printing and the tests read it. A new attribute is a file with a reader and
//! a text, and a line here.

use std::fmt;

use super::flags::{OPTIONAL, TRANSITIVE};
use super::{
    AttrCode, aggregator, as_path, as4_aggregator, as4_path, atomic_aggregate, cluster_list,
    community, ext_community, large_community, local_pref, med, mp_reach, mp_unreach, next_hop,
    origin, originator_id,
};
use crate::SessionContext;
use crate::codes::update as subcode;
use crate::error::Disposition;
use crate::input::{Input, Malformed};

/// Checks a value in place and appends its canonical form.
pub(crate) type Read =
    for<'a> fn(Input<'a>, &SessionContext, &mut Vec<u8>) -> Result<(), Malformed<'a>>;
/// Prints a value in canonical form.
pub(crate) type Show = fn(&[u8], &mut fmt::Formatter<'_>) -> fmt::Result;

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
pub(crate) struct AttrSpec {
    pub(crate) code: AttrCode,
    pub(crate) name: &'static str,
    /// The Optional and Transitive bits it must have.
    pub(crate) flags: u8,
    pub(crate) keep: Keep,
    /// It is used only when it comes from inside of the AS or confederation, and discarded
    /// otherwise.
    pub(crate) internal: bool,
    /// What a malformed one leads to.
    pub(crate) malformed: Disposition,
    /// The UPDATE Message Error subcode for a bad value.
    pub(crate) subcode: u8,
    /// Where that is said.
    pub(crate) rfc: &'static str,
    pub(crate) read: Read,
    pub(crate) show: Show,
}

const WELL_KNOWN: u8 = TRANSITIVE;
const OPT_TRANSITIVE: u8 = OPTIONAL | TRANSITIVE;
const OPT_NON_TRANSITIVE: u8 = OPTIONAL;

use Disposition::{
    AttributeDiscard as Discard, SessionReset as Reset, TreatAsWithdraw as Withdraw,
};
use Keep::{Apart, InSet, Merged};

macro_rules! table {
    ($($code:ident $name:literal, $flags:ident, $keep:ident, $internal:literal, $malformed:ident, $subcode:ident, $rfc:literal, $file:ident;)*) => {
        /// Every attribute that is understood, in ascending order of code.
        pub(crate) static TABLE: &[AttrSpec] = &[$(AttrSpec {
            code: AttrCode::$code,
            name: $name,
            flags: $flags,
            keep: $keep,
            internal: $internal,
            malformed: $malformed,
            subcode: subcode::$subcode,
            rfc: $rfc,
            read: $file::read,
            show: $file::show,
        },)*];
    };
}

// code            name                      flags               kept    internal malformed  subcode of a bad value  said in                       file
table! {
    ORIGIN            "ORIGIN",               WELL_KNOWN,         InSet,  false,   Withdraw,  INVALID_ORIGIN,         "RFC 7606 §7.1",              origin;
    AS_PATH           "AS_PATH",              WELL_KNOWN,         InSet,  false,   Withdraw,  MALFORMED_AS_PATH,      "RFC 7606 §7.2",              as_path;
    NEXT_HOP          "NEXT_HOP",             WELL_KNOWN,         Apart,  false,   Withdraw,  INVALID_NEXT_HOP,       "RFC 7606 §7.3",              next_hop;
    MED               "MULTI_EXIT_DISC",      OPT_NON_TRANSITIVE, InSet,  false,   Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.4",              med;
    LOCAL_PREF        "LOCAL_PREF",           WELL_KNOWN,         InSet,  true,    Withdraw,  ATTRIBUTE_LENGTH,       "RFC 7606 §7.5",              local_pref;
    ATOMIC_AGGREGATE  "ATOMIC_AGGREGATE",     WELL_KNOWN,         InSet,  false,   Discard,   ATTRIBUTE_LENGTH,       "RFC 7606 §7.6",              atomic_aggregate;
    AGGREGATOR        "AGGREGATOR",           OPT_TRANSITIVE,     InSet,  false,   Discard,   OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.7",              aggregator;
    COMMUNITIES       "COMMUNITIES",          OPT_TRANSITIVE,     InSet,  false,   Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.8",              community;
    ORIGINATOR_ID     "ORIGINATOR_ID",        OPT_NON_TRANSITIVE, InSet,  true,    Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.9",              originator_id;
    CLUSTER_LIST      "CLUSTER_LIST",         OPT_NON_TRANSITIVE, InSet,  true,    Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.10",             cluster_list;
    MP_REACH_NLRI     "MP_REACH_NLRI",        OPT_NON_TRANSITIVE, Apart,  false,   Reset,     OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.11, RFC 4760 §7", mp_reach;
    MP_UNREACH_NLRI   "MP_UNREACH_NLRI",      OPT_NON_TRANSITIVE, Apart,  false,   Reset,     OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.12, RFC 4760 §7", mp_unreach;
    EXT_COMMUNITIES   "EXTENDED_COMMUNITIES", OPT_TRANSITIVE,     InSet,  false,   Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 7606 §7.14",             ext_community;
    AS4_PATH          "AS4_PATH",             OPT_TRANSITIVE,     Merged, false,   Discard,   OPTIONAL_ATTRIBUTE,     "RFC 6793 §6",                as4_path;
    AS4_AGGREGATOR    "AS4_AGGREGATOR",       OPT_TRANSITIVE,     Merged, false,   Discard,   OPTIONAL_ATTRIBUTE,     "RFC 6793 §6",                as4_aggregator;
    LARGE_COMMUNITIES "LARGE_COMMUNITIES",    OPT_TRANSITIVE,     InSet,  false,   Withdraw,  OPTIONAL_ATTRIBUTE,     "RFC 8092 §6",                large_community;
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

    /// The registry's classes: RFC 4271 §5.1, 1997, 4360, 4456, 4760 §3, 6793 §3, 8092 §3.
    #[test]
    fn flags_are_those_of_the_rfcs() {
        for (flags, codes) in [
            (0x40, &[1, 2, 3, 5, 6][..]),
            (0xc0, &[7, 8, 16, 17, 18, 32]),
            (0x80, &[4, 9, 10, 14, 15]),
        ] {
            for code in codes {
                assert_eq!(spec(*code).map(|line| line.flags), Some(flags), "{code}");
            }
        }
    }
}
