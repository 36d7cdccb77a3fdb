//! SIDs of SRv6 services as a route has them: whole, with the bits that travel in a label field (RFC
//! 9252 §4).

use std::net::Ipv6Addr;

use super::{AttrRef, Srv6Sid};
use crate::describe::Fields;

/// The label field in which a part of a SID may travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelField {
    /// There is none (RFC 9252 §5.3, §5.4).
    #[default]
    Absent,
    /// One of the NLRI: its value, and how many bits it has.
    Nlri(u32, u8),
    /// That of the PMSI_TUNNEL attribute (RFC 9252 §6.3).
    PmsiTunnel,
    /// That of the ESI Label extended community (RFC 9252 §6.1.1).
    EsiLabel,
}

/// The label fields of a route, for the SID of each service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelFields {
    /// For the L3 service.
    pub l3: LabelField,
    /// For the L2 service.
    pub l2: LabelField,
}

/// Bits of a label field of EVPN (RFC 9252 §6).
const EVPN_BITS: u8 = 24;
/// Type and subtype of the ESI Label extended community (RFC 7432 §7.5).
const ESI_LABEL: [u8; 2] = [6, 1];

impl LabelField {
    /// The value and how many bits it has.
    fn find(self, attrs: AttrRef<'_>) -> Option<(u32, u8)> {
        match self {
            Self::Absent => Some((0, 0)),
            Self::Nlri(value, bits) => Some((value, bits)),
            Self::PmsiTunnel => attrs.pmsi_tunnel().map(|tunnel| (tunnel.vni, EVPN_BITS)),
            Self::EsiLabel => attrs.ext_communities().find_map(|community| {
                let [kind, subtype, _, _, _, a, b, c] = community.0;
                let value = u32::from_be_bytes([0, a, b, c]);
                ([kind, subtype] == ESI_LABEL).then_some((value, EVPN_BITS))
            }),
        }
    }
}

impl Srv6Sid {
    /// The whole SID, or what keeps it from being one.
    fn whole(self, field: LabelField, attrs: AttrRef<'_>) -> Result<Ipv6Addr, &'static str> {
        if let Some(fault) = self.structure.and_then(|structure| structure.fault()) {
            return Err(fault);
        }
        if !self.argument_fits() {
            return Err("has an argument that its endpoint behavior is not known to take");
        }
        let nothing_elsewhere = self
            .structure
            .is_none_or(|structure| structure.transposition_length == 0);
        let found = match field.find(attrs) {
            None if nothing_elsewhere => Some((0, 0)),
            found => found,
        };
        let (value, bits) = found.ok_or("has bits in a label field that is not there")?;
        let whole = self.with_label(value, bits);
        whole.ok_or("has more bits elsewhere than its label field has")
    }
}

impl AttrRef<'_> {
    /// Puts the SIDs of the SRv6 services of a route with these label fields: each as it comes out, and
    /// as it is in BGP Prefix-SID.
    pub fn describe_service_sids(self, labels: LabelFields, fields: &mut Fields) {
        let Some(services) = self.prefix_sid() else {
            return;
        };
        let mut put = |name, sid: Option<Srv6Sid>, field| {
            let Some(sid) = sid else { return };
            fields.fields(name, |fields| {
                match sid.whole(field, self) {
                    Ok(whole) => fields.text("sid", whole),
                    Err(why) => fields.text("invalid", why),
                }
                fields.text("as_advertised", sid.sid);
            });
        };
        let [l3, l2] = services.advertised();
        put("srv6_l3_sid", l3, labels.l3);
        put("srv6_l2_sid", l2, labels.l2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::srv6::tests::STRUCTURE;
    use crate::attribute::{AttrCode, AttrEditor, ExtCommunity, PmsiTunnel, SidStructure};

    fn sid(structure: Option<SidStructure>) -> Srv6Sid {
        Srv6Sid {
            sid: "2001:db8:1:2::".parse().unwrap(),
            behavior: 19,
            structure,
        }
    }

    fn described(editor: &AttrEditor, labels: LabelFields) -> String {
        let mut fields = Fields::new();
        editor.get().describe_service_sids(labels, &mut fields);
        std::fmt::from_fn(|f| crate::attribute::layout::show(&fields, f)).to_string()
    }

    /// RFC 9252 §4, §5.1 (20 bits), §6.1 to §6.5 (24 bits), each from its own field.
    #[test]
    fn the_bits_come_from_the_field_of_the_service() {
        let mut editor = AttrEditor::new();
        editor.set_srv6_l3(Some(sid(Some(STRUCTURE))));
        let l3 = |l3| LabelFields {
            l3,
            ..LabelFields::default()
        };
        let whole = "srv6_l3_sid {sid 2001:db8:1:2:42::, as_advertised 2001:db8:1:2::}";
        assert_eq!(described(&editor, l3(LabelField::Nlri(0x420, 20))), whole);
        assert_eq!(described(&editor, l3(LabelField::Nlri(0x4200, 24))), whole);
        assert_eq!(
            described(&editor, l3(LabelField::Absent)),
            "srv6_l3_sid {invalid has more bits elsewhere than its label field has, \
             as_advertised 2001:db8:1:2::}"
        );
        editor.set_srv6_l3(None);
        editor.set_srv6_l2(Some(sid(Some(STRUCTURE))));
        let l2 = |l2| LabelFields {
            l2,
            ..LabelFields::default()
        };
        let missing = "srv6_l2_sid {invalid has bits in a label field that is not there, \
                       as_advertised 2001:db8:1:2::}";
        let whole = "srv6_l2_sid {sid 2001:db8:1:2:42::, as_advertised 2001:db8:1:2::}";
        assert_eq!(described(&editor, l2(LabelField::PmsiTunnel)), missing);
        editor.set_pmsi_tunnel(Some(PmsiTunnel {
            flags: 0,
            tunnel_type: PmsiTunnel::INGRESS_REPLICATION,
            vni: 0x4200,
            identifier: &[192, 0, 2, 1],
        }));
        assert_eq!(described(&editor, l2(LabelField::PmsiTunnel)), whole);
        assert_eq!(described(&editor, l2(LabelField::EsiLabel)), missing);
        let esi_label = ExtCommunity([6, 1, 0, 0, 0, 0, 0x42, 0]);
        editor
            .set_value(AttrCode::EXT_COMMUNITIES, &esi_label.0)
            .unwrap();
        assert_eq!(described(&editor, l2(LabelField::EsiLabel)), whole);
    }

    #[test]
    fn a_sid_that_is_whole_needs_no_field_and_one_that_cannot_be_says_why() {
        let mut editor = AttrEditor::new();
        assert_eq!(described(&editor, LabelFields::default()), "");
        editor.set_srv6_l3(Some(sid(None)));
        let whole = "srv6_l3_sid {sid 2001:db8:1:2::, as_advertised 2001:db8:1:2::}";
        assert_eq!(described(&editor, LabelFields::default()), whole);
        editor.set_srv6_l3(Some(sid(Some(SidStructure {
            argument: 100,
            ..STRUCTURE
        }))));
        assert_eq!(
            described(&editor, LabelFields::default()),
            "srv6_l3_sid {invalid has lengths that sum up to more than 128 bits, \
             as_advertised 2001:db8:1:2::}"
        );
    }

    /// RFC 9252 §3.2.1, RFC 8986 §4.7, §4.12: End.DT4 takes no argument, End.DT2M does, and of 999 nobody knows.
    #[test]
    fn a_sid_with_an_argument_that_may_not_be_says_so() {
        let structure = SidStructure {
            argument: 8,
            transposition_length: 0,
            transposition_offset: 0,
            ..STRUCTURE
        };
        for (behavior, argument, whole) in [
            (19, 8, false),
            (999, 8, false),
            (999, 0, true),
            (24, 8, true),
        ] {
            let mut editor = AttrEditor::new();
            editor.set_srv6_l3(Some(Srv6Sid {
                behavior,
                ..sid(Some(SidStructure {
                    argument,
                    ..structure
                }))
            }));
            let said = match whole {
                true => "sid 2001:db8:1:2::",
                false => "invalid has an argument that its endpoint behavior is not known to take",
            };
            assert_eq!(
                described(&editor, LabelFields::default()),
                format!("srv6_l3_sid {{{said}, as_advertised 2001:db8:1:2::}}")
            );
        }
    }
}
