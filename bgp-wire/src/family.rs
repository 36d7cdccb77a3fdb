//! Address families: the pair of AFI and SAFI (RFC 4760 §5), their names, and small sets of them.

use std::fmt;
use std::str::FromStr;

/// An address family identifier and a subsequent one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Family {
    /// Address family identifier.
    pub afi: u16,
    /// Subsequent address family identifier.
    pub safi: u8,
}

/// AFI of IPv4.
pub const AFI_IPV4: u16 = 1;
/// AFI of IPv6.
pub const AFI_IPV6: u16 = 2;

macro_rules! families {
    ($($(#[$doc:meta])* $name:ident = ($afi:expr, $safi:expr, $text:literal);)*) => {
        impl Family {
            $($(#[$doc])* pub const $name: Self = Self { afi: $afi, safi: $safi };)*
        }

        /// Every family that has a name. The place in this table is the bit in a [`FamilySet`].
        const NAMED: &[(Family, &str)] = &[$((Family::$name, $text),)*];

        impl Family {
            /// The bit in a [`FamilySet`]. It is asked for with every message.
            #[inline]
            const fn bit(self) -> Option<u32> {
                match self {
                    $(Self::$name => Some(const { 1 << place(Self::$name) }),)*
                    _ => None,
                }
            }
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
    while NAMED[place].0.afi != family.afi || NAMED[place].0.safi != family.safi {
        place += 1;
    }
    place
}

families! {
    /// IPv4 unicast.
    IPV4_UNICAST = (1, 1, "ipv4/unicast");
    /// IPv6 unicast.
    IPV6_UNICAST = (2, 1, "ipv6/unicast");
    /// IPv4 multicast.
    IPV4_MULTICAST = (1, 2, "ipv4/multicast");
    /// IPv6 multicast.
    IPV6_MULTICAST = (2, 2, "ipv6/multicast");
    /// IPv4 with labels (RFC 8277).
    IPV4_LABELED = (1, 4, "ipv4/labeled");
    /// IPv6 with labels (RFC 8277).
    IPV6_LABELED = (2, 4, "ipv6/labeled");
    /// VPNv4 (RFC 4364).
    IPV4_VPN = (1, 128, "ipv4/vpn");
    /// VPNv6 (RFC 4659).
    IPV6_VPN = (2, 128, "ipv6/vpn");
    /// EVPN (RFC 7432).
    L2VPN_EVPN = (25, 70, "l2vpn/evpn");
    /// VPLS (RFC 4761).
    L2VPN_VPLS = (25, 65, "l2vpn/vpls");
    /// Route target constraint (RFC 4684).
    RTC = (1, 132, "ipv4/rtc");
    /// Flow specification for IPv4 (RFC 8955).
    IPV4_FLOWSPEC = (1, 133, "ipv4/flowspec");
    /// Flow specification for IPv6 (RFC 8956).
    IPV6_FLOWSPEC = (2, 133, "ipv6/flowspec");
    /// Flow specification for VPNv4 (RFC 8955).
    IPV4_FLOWSPEC_VPN = (1, 134, "ipv4/flowspec-vpn");
    /// Flow specification for VPNv6 (RFC 8956).
    IPV6_FLOWSPEC_VPN = (2, 134, "ipv6/flowspec-vpn");
    /// SR policy for IPv4 (RFC 9830).
    IPV4_SR_POLICY = (1, 73, "ipv4/sr-policy");
    /// SR policy for IPv6 (RFC 9830).
    IPV6_SR_POLICY = (2, 73, "ipv6/sr-policy");
    /// BGP-LS (RFC 9552).
    LINK_STATE = (16388, 71, "ls/ls");
    /// BGP-LS within a VPN (RFC 9552).
    LINK_STATE_VPN = (16388, 72, "ls/ls-vpn");
    /// Multicast VPN for IPv4 (RFC 6514).
    IPV4_MVPN = (1, 5, "ipv4/mvpn");
    /// Multicast VPN for IPv6 (RFC 6514).
    IPV6_MVPN = (2, 5, "ipv6/mvpn");
}

impl Family {
    /// A family by its numbers.
    pub const fn new(afi: u16, safi: u8) -> Self {
        Self { afi, safi }
    }

    /// The name, for a family that has one.
    pub fn name(self) -> Option<&'static str> {
        NAMED
            .iter()
            .find(|(family, _)| *family == self)
            .map(|(_, name)| *name)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("afi{}/safi{}", self.afi, self.safi)),
        }
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no family.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no address family: expected one like `ipv4/unicast`, `ipv6/unicast`, `l2vpn/evpn`"
)]
pub struct ParseFamilyError {
    text: Box<str>,
}

/// What people call the families that they have most to do with.
const SHORT: [(&str, Family); 6] = [
    ("ipv4", Family::IPV4_UNICAST),
    ("ipv6", Family::IPV6_UNICAST),
    ("vpnv4", Family::IPV4_VPN),
    ("vpnv6", Family::IPV6_VPN),
    ("evpn", Family::L2VPN_EVPN),
    ("rtc", Family::RTC),
];

/// Reads `ipv4/unicast`, also with `-` for the slash, short names as `ipv4` and `vpnv4`, and `afi16388/safi71` for what has no
/// name.
impl FromStr for Family {
    type Err = ParseFamilyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        if let Some((family, _)) = NAMED
            .iter()
            .find(|(_, name)| lower == *name || lower.split_once('-') == name.split_once('/'))
        {
            return Ok(*family);
        }
        if let Some((_, family)) = SHORT.iter().find(|(name, _)| lower == *name) {
            return Ok(*family);
        }
        let numbers = lower.split_once('/').and_then(|(afi, safi)| {
            let afi = afi.strip_prefix("afi")?.parse().ok()?;
            let safi = safi.strip_prefix("safi")?.parse().ok()?;
            Some(Self { afi, safi })
        });
        numbers.ok_or_else(|| ParseFamilyError { text: text.into() })
    }
}

/// A set of the families that have a name, in four octets.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FamilySet(u32);

impl FamilySet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);
    /// Every family that has a name.
    #[allow(clippy::cast_possible_truncation, reason = "a set has 32 bits")]
    pub const ALL: Self = Self(u32::MAX >> (u32::BITS - NAMED.len() as u32));

    /// Adds a family; `false` if it has no name and can therefore not be held.
    pub fn insert(&mut self, family: Family) -> bool {
        let bit = family.bit();
        self.0 |= bit.unwrap_or(0);
        bit.is_some()
    }

    /// Takes a family out.
    pub fn remove(&mut self, family: Family) {
        self.0 &= !family.bit().unwrap_or(0);
    }

    /// Whether the family is in the set.
    #[inline]
    pub fn contains(self, family: Family) -> bool {
        // Most sets are asked about with every message and have nothing in them.
        self.0 != 0 && self.0 & family.bit().unwrap_or(0) != 0
    }

    /// What is in both.
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many families are in the set.
    pub fn len(self) -> usize {
        usize::try_from(self.0.count_ones()).unwrap_or(0)
    }

    /// The families, IPv4 unicast and IPv6 unicast first.
    pub fn iter(self) -> impl Iterator<Item = Family> {
        NAMED
            .iter()
            .map(|(family, _)| *family)
            .filter(move |family| self.contains(*family))
    }
}

impl FromIterator<Family> for FamilySet {
    fn from_iter<I: IntoIterator<Item = Family>>(families: I) -> Self {
        let mut set = Self::EMPTY;
        for family in families {
            set.insert(family);
        }
        set
    }
}

impl<const N: usize> From<[Family; N]> for FamilySet {
    fn from(families: [Family; N]) -> Self {
        families.into_iter().collect()
    }
}

impl fmt::Debug for FamilySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        assert!(NAMED.len() <= 32, "a set has 32 bits");
        for (family, name) in NAMED {
            assert_eq!(family.to_string(), *name);
            assert_eq!(name.parse(), Ok(*family));
            assert_eq!(name.replacen('/', "-", 1).parse(), Ok(*family));
            assert_eq!(NAMED.iter().filter(|(other, _)| other == family).count(), 1);
        }
        for (name, family) in SHORT {
            assert_eq!(name.to_uppercase().parse(), Ok(family));
        }
    }

    #[test]
    fn unnamed_families_print_and_parse_by_number() {
        let family = Family::new(16397, 3);
        assert_eq!(family.to_string(), "afi16397/safi3");
        assert_eq!("afi16397/safi3".parse(), Ok(family));
        assert!("ipv4/nonsense".parse::<Family>().is_err());
    }

    #[test]
    fn sets_hold_named_families_only() {
        let mut set = FamilySet::from([Family::IPV6_UNICAST]);
        assert!(set.insert(Family::L2VPN_EVPN));
        assert!(!set.insert(Family::new(999, 9)));
        assert!(set.contains(Family::IPV6_UNICAST) && !set.contains(Family::IPV4_UNICAST));
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [Family::IPV6_UNICAST, Family::L2VPN_EVPN]
        );
        set.remove(Family::IPV6_UNICAST);
        assert_eq!(set.len(), 1);
        assert!(
            set.intersection(FamilySet::from([Family::IPV4_UNICAST]))
                .is_empty()
        );
        assert_eq!(FamilySet::ALL.len(), NAMED.len());
        assert_eq!(FamilySet::ALL.iter().count(), NAMED.len());
    }
}
