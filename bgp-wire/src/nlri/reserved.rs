//! Which prefixes no route is for.
//!
//! RFC 4271 §6.3: "If a prefix in the NLRI field is semantically incorrect (e.g., an unexpected
//! multicast IP address), an error SHOULD be logged locally, and the prefix SHOULD be ignored."
//! Incorrect here: multicast, and what RFC 6890 §2.2 says is no destination that may be forwarded to
//! and that no network uses as one. Of IPv4 that is "this network", loopback, and 240.0.0.0/4, which is
//! reserved for future use and has the limited broadcast address in it; of IPv6 loopback, the
//! unspecified address, IPv4-mapped addresses and link-local. A label or a VPN around the prefix changes nothing
//! about that: routes of multicast within a VPN have a SAFI of their own (RFC 6514 §4).
//!
//! Not incorrect: what covers such addresses among others, as ::/0 does; 169.254.0.0/16, whose addresses
//! serve as those of services and links that routes lead to; networks for documentation, for in laboratories they are
//! used; and IPv4-compatible IPv6 addresses (::/96), which no registry keeps routes from.

use std::net::Ipv6Addr;

/// By its first octet, how many bits a reserved prefix has at least; more than any for none.
#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which checks it"
)]
static RESERVED_V4: [u8; 256] = {
    let mut least = [u8::MAX; 256];
    least[0] = 8;
    least[127] = 8;
    // 224.0.0.0/4 and 240.0.0.0/4, and nothing else, make 224.0.0.0/3.
    let mut first = 224;
    while first < 256 {
        least[first] = 3;
        first += 1;
    }
    least
};

/// Whether the prefix with these octets, as many as its length needs, is one.
#[inline]
pub(super) fn is_v4(bits: u8, prefix: &[u8]) -> bool {
    let least = prefix
        .first()
        .and_then(|first| RESERVED_V4.get(usize::from(*first)));
    least.is_some_and(|least| bits >= *least)
}

/// The same of IPv6.
#[inline]
pub(super) fn is_v6(bits: u8, prefix: &[u8]) -> bool {
    // Nearly all prefixes begin with other octets: one comparison lets them through.
    let first = prefix.first().copied().unwrap_or(1);
    (first == 0 || first >= 0xfe) && is_among_reserved_v6(bits, prefix)
}

#[inline(never)]
fn is_among_reserved_v6(bits: u8, prefix: &[u8]) -> bool {
    match prefix {
        [0xff, ..] => bits >= 8,
        [0xfe, second, ..] => second & 0xc0 == 0x80 && bits >= 10,
        [0, ..] => bits >= 96 && is_in_first_64(bits, prefix),
        _ => false,
    }
}

/// RFC 4291 §2.5.2: the unspecified address "must not be used as the destination address of IPv6 packets"; §2.5.3: a
/// packet to the loopback address "must never be forwarded by an IPv6 router"; §2.5.5.2 and RFC 6890 table 20: IPv4-mapped
/// addresses stand for those of IPv4 nodes, and are no destination.
#[cold]
fn is_in_first_64(bits: u8, prefix: &[u8]) -> bool {
    let whole = |address: Ipv6Addr| bits == 128 && prefix == address.octets();
    matches!(prefix, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ..])
        || whole(Ipv6Addr::LOCALHOST)
        || whole(Ipv6Addr::UNSPECIFIED)
}

/// What a reserved prefix is, for people.
#[cold]
pub(super) fn why_v4(bits: u8, prefix: &[u8]) -> Option<&'static str> {
    let first = *prefix.first()?;
    is_v4(bits, prefix).then_some(match first {
        0 => "is of \"this network\"",
        127 => "is loopback",
        224..240 if bits > 3 => "is multicast",
        _ => "is reserved for future use",
    })
}

/// The same of IPv6.
#[cold]
pub(super) fn why_v6(bits: u8, prefix: &[u8]) -> Option<&'static str> {
    is_v6(bits, prefix).then_some(match prefix {
        [0xff, ..] => "is multicast",
        [0xfe, ..] => "is link-local",
        [.., 1] if bits == 128 && prefix == Ipv6Addr::LOCALHOST.octets() => "is loopback",
        [.., 0] if bits == 128 && prefix == Ipv6Addr::UNSPECIFIED.octets() => "is unspecified",
        _ => "is IPv4-mapped",
    })
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use crate::IpPrefix;

    /// RFC 6890 §2.2.2 and §2.2.3 (destination, forwardable), RFC 4291 §2.4 and §2.7, RFC 5771 §1.
    #[test]
    fn what_no_packet_is_forwarded_to_is_reserved_and_named() {
        for (net, why) in [
            ("0.0.0.0/0", None),
            ("0.0.0.0/8", Some("is of \"this network\"")),
            ("0.0.0.0/32", Some("is of \"this network\"")),
            ("0.0.0.0/7", None),
            ("127.0.0.1/32", Some("is loopback")),
            ("126.0.0.0/7", None),
            ("169.254.0.0/16", None),
            ("192.0.2.0/24", None),
            ("224.0.0.0/4", Some("is multicast")),
            ("239.1.2.3/32", Some("is multicast")),
            ("224.0.0.0/3", Some("is reserved for future use")),
            ("240.0.0.0/4", Some("is reserved for future use")),
            ("255.255.255.255/32", Some("is reserved for future use")),
            ("192.0.0.0/2", None),
            ("::/0", None),
            ("::/128", Some("is unspecified")),
            ("::/127", None),
            ("::1/128", Some("is loopback")),
            ("::2/128", None),
            ("::192.0.2.1/128", None),
            ("::/96", None),
            ("::ffff:0:0/96", Some("is IPv4-mapped")),
            ("::fffe:0:0/95", None),
            ("::/64", None),
            ("::ffff:10.0.0.0/104", Some("is IPv4-mapped")),
            ("::ffff:0.0.0.0/128", Some("is IPv4-mapped")),
            ("::ffff:0.0.0.1/128", Some("is IPv4-mapped")),
            ("::fffe:0:1/128", None),
            ("64:ff9b::/96", None),
            ("fe80::/10", Some("is link-local")),
            ("fe80::1/128", Some("is link-local")),
            ("fe00::/9", None),
            ("fec0::/10", None),
            ("ff00::/8", Some("is multicast")),
            ("ff02::1/128", Some("is multicast")),
            ("fd00::/8", None),
            ("2001:db8::/32", None),
        ] {
            let (reserved, found) = match net.parse().unwrap() {
                IpNet::V4(net) => (net.is_reserved(), net.why_reserved()),
                IpNet::V6(net) => (net.is_reserved(), net.why_reserved()),
            };
            assert_eq!((reserved, found), (why.is_some(), why), "{net}");
        }
    }
}
