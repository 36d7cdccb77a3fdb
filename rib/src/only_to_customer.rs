//! Only to Customer (RFC 9234 §5): a route that has once gone down to a customer, or sideways to a peer, only goes further down.
//!
//! All of it follows from [`Role`], what we are to the neighbour. §5: "The operator MUST NOT have the ability to modify the procedures
//! defined in this section."

use bgp_wire::{Asn, AttrRef, Family, Role};

/// Whether the procedures are for routes of this family. §5: they "are applicable only for the address families AFI 1 (IPv4) and
/// AFI 2 (IPv6) with SAFI 1 (unicast) in both cases and MUST NOT be applied to other address families by default."
pub(crate) fn concerns(family: Family) -> bool {
    matches!(family, Family::IPV4_UNICAST | Family::IPV6_UNICAST)
}

/// Whether a route that came from `neighbor`, to which we are `role`, has leaked.
pub(crate) fn is_leak(role: Role, neighbor: Asn, attrs: AttrRef<'_>) -> bool {
    let Some(marked_by) = attrs.only_to_customer() else {
        return false;
    };
    match role {
        // "If a route with the OTC Attribute is received from a Customer or an RS-Client, then it is a route leak and MUST be
        // considered ineligible".
        Role::PROVIDER | Role::RS => true,
        // "If a route with the OTC Attribute is received from a Peer [...] and the Attribute has a value that is not equal to the
        // remote (i.e., Peer's) AS number, then it is a route leak and MUST be considered ineligible."
        Role::PEER => marked_by != neighbor,
        _ => false,
    }
}

/// Whether routes without the attribute get it on the way in. "If a route is received from a Provider, a Peer, or an RS and the OTC
/// Attribute is not present, then it MUST be added with a value equal to the AS number of the remote AS."
pub(crate) fn marks_what_comes(role: Role) -> bool {
    matches!(role, Role::CUSTOMER | Role::PEER | Role::RS_CLIENT)
}

/// Whether routes with the attribute are not told. "If a route already contains the OTC Attribute, it MUST NOT be propagated to
/// Providers, Peers, or RSes."
pub(crate) fn keeps_back(role: Role) -> bool {
    matches!(role, Role::CUSTOMER | Role::PEER | Role::RS_CLIENT)
}

/// Whether routes without the attribute get it on the way out. "If a route is to be advertised to a Customer, a Peer, or an RS-Client
/// (when the sender is an RS), and the OTC Attribute is not present, then when advertising the route, an OTC Attribute MUST be
/// added with a value equal to the AS number of the local AS."
pub(crate) fn marks_what_goes(role: Role) -> bool {
    matches!(role, Role::PROVIDER | Role::PEER | Role::RS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::AttrEditor;

    const NEIGHBOR: Asn = Asn(65_001);

    fn leaks(role: Role, marked_by: Option<u32>) -> bool {
        let mut editor = AttrEditor::new();
        editor.set_only_to_customer(marked_by.map(Asn));
        is_leak(role, NEIGHBOR, editor.get())
    }

    /// RFC 9234 §5, the ingress procedure, by what the neighbour is: the counterpart of our role.
    #[test]
    fn only_customers_clients_and_peers_leak() {
        for (role, marked_by_the_neighbor, marked_by_another) in [
            (Role::PROVIDER, true, true),
            (Role::RS, true, true),
            (Role::PEER, false, true),
            (Role::CUSTOMER, false, false),
            (Role::RS_CLIENT, false, false),
        ] {
            assert!(!leaks(role, None), "{role}");
            assert_eq!(leaks(role, Some(65_001)), marked_by_the_neighbor, "{role}");
            assert_eq!(leaks(role, Some(65_002)), marked_by_another, "{role}");
        }
    }

    #[test]
    fn a_route_is_marked_where_it_turns_down_and_kept_from_going_up() {
        for (role, comes, goes, back) in [
            (Role::PROVIDER, false, true, false),
            (Role::RS, false, true, false),
            (Role::PEER, true, true, true),
            (Role::CUSTOMER, true, false, true),
            (Role::RS_CLIENT, true, false, true),
        ] {
            let all = (
                marks_what_comes(role),
                marks_what_goes(role),
                keeps_back(role),
            );
            assert_eq!(all, (comes, goes, back), "{role}");
        }
    }

    #[test]
    fn only_unicast_is_concerned() {
        assert!(concerns(Family::IPV4_UNICAST) && concerns(Family::IPV6_UNICAST));
        for family in [
            Family::IPV4_VPN,
            Family::IPV6_VPN,
            Family::L2VPN_EVPN,
            Family::RTC,
        ] {
            assert!(!concerns(family), "{family}");
        }
    }
}
