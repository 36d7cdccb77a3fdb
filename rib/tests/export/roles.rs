//! Only to Customer on the way out (RFC 9234 section 5), by what we are to those who are told.

use bgp_wire::{Asn, AttrEditor, Family, Role};
use rib::decision::SourceKind::{Ebgp, Local};
use rib::export::{Audience, ExportRules, RejectReason};

use crate::{Attr, rules, set, told};

const TRANSITIVE: u8 = 0xc0;
const ORIGIN: Attr<'_> = (0x40, 1, &[0]);
const PATH: Attr<'_> = (0x40, 2, &[2, 1, 0, 0, 0xfd, 0xe9]);
const MARK: Attr<'_> = (TRANSITIVE, 35, &[0, 0, 0xfd, 0xe9]);

fn to(role: Role) -> ExportRules {
    ExportRules {
        role: Some(role),
        ..rules(Audience::Ebgp)
    }
}

/// The AS in the attribute of what is told.
fn mark(family: Family, role: Role, attrs: &[Attr<'_>]) -> Result<Option<Asn>, RejectReason> {
    let bytes = set("192.0.2.1", attrs);
    let bytes = told(&bytes, Ebgp, family, &to(role))?;
    let mut editor = AttrEditor::new();
    editor.load(bgp_wire::AttrRef::from_canonical(&bytes));
    Ok(editor.get().only_to_customer())
}

#[test]
fn a_marked_route_goes_to_customers_and_clients_only() {
    let v4 = Family::IPV4_UNICAST;
    let marked = [ORIGIN, PATH, MARK];
    for role in [Role::CUSTOMER, Role::RS_CLIENT, Role::PEER] {
        assert_eq!(
            mark(v4, role, &marked),
            Err(RejectReason::OnlyToCustomer),
            "{role}"
        );
    }
    for role in [Role::PROVIDER, Role::RS] {
        // "Once the OTC Attribute has been set, it MUST be preserved unchanged".
        assert_eq!(mark(v4, role, &marked), Ok(Some(Asn(65_001))), "{role}");
    }
}

#[test]
fn a_route_is_marked_with_our_as_where_it_goes_down_or_sideways() {
    let v4 = Family::IPV4_UNICAST;
    for (role, wanted) in [
        (Role::PROVIDER, Some(Asn(65_000))),
        (Role::RS, Some(Asn(65_000))),
        (Role::PEER, Some(Asn(65_000))),
        (Role::CUSTOMER, None),
        (Role::RS_CLIENT, None),
    ] {
        assert_eq!(mark(v4, role, &[ORIGIN, PATH]), Ok(wanted), "{role}");
    }
}

#[test]
fn what_we_originate_is_marked_too() {
    let bytes = set("", &[ORIGIN]);
    let family = Family::IPV4_UNICAST;
    let bytes = told(&bytes, Local, family, &to(Role::PROVIDER)).expect("told");
    let attrs = bgp_wire::AttrRef::from_canonical(&bytes);
    assert_eq!(attrs.only_to_customer(), Some(Asn(65_000)));
}

/// "MUST NOT be applied to other address families by default".
#[test]
fn vpn_routes_are_neither_marked_nor_kept_back() {
    let vpn = Family::IPV4_VPN;
    let unmarked = mark(vpn, Role::PROVIDER, &[ORIGIN, PATH]);
    assert_eq!(unmarked, Ok(None));
    let marked = mark(vpn, Role::CUSTOMER, &[ORIGIN, PATH, MARK]);
    assert_eq!(marked, Ok(Some(Asn(65_001))));
}
