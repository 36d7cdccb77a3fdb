//! Changes of the attributes that overlays, segment routing and route leak prevention use.

use super::AttrEditor;
use crate::attribute::table::{self, Keep};
use crate::attribute::{AttrCode, PmsiTunnel, Srv6Sid, aigp, prefix_sid};
use crate::error::Reason;
use crate::{Asn, SessionContext};

impl AttrEditor {
    /// Sets or removes PMSI_TUNNEL.
    pub fn set_pmsi_tunnel(&mut self, tunnel: Option<PmsiTunnel<'_>>) {
        match tunnel {
            Some(tunnel) => self.build(AttrCode::PMSI_TUNNEL, |_, value| tunnel.write(value)),
            None => drop(self.remove(AttrCode::PMSI_TUNNEL)),
        }
    }

    /// Sets or removes AIGP.
    pub fn set_aigp(&mut self, metric: Option<u64>) {
        match metric {
            Some(metric) => self.put(AttrCode::AIGP, &aigp::to_bytes(metric)),
            None => drop(self.remove(AttrCode::AIGP)),
        }
    }

    /// Sets or removes ONLY_TO_CUSTOMER.
    pub fn set_only_to_customer(&mut self, asn: Option<Asn>) {
        self.put_number(AttrCode::ONLY_TO_CUSTOMER, asn.map(|asn| asn.0));
    }

    /// Sets or removes the SRv6 L3 Service of BGP Prefix-SID; what else that holds stays.
    pub fn set_srv6_l3(&mut self, sid: Option<Srv6Sid>) {
        self.set_service(true, sid);
    }

    /// Sets or removes the SRv6 L2 Service of BGP Prefix-SID; what else that holds stays.
    pub fn set_srv6_l2(&mut self, sid: Option<Srv6Sid>) {
        self.set_service(false, sid);
    }

    fn set_service(&mut self, l3: bool, sid: Option<Srv6Sid>) {
        self.build(AttrCode::PREFIX_SID, |old, value| {
            prefix_sid::replace_service(old, l3, sid, value);
        });
        self.remove_if_empty(AttrCode::PREFIX_SID);
    }

    /// Sets an attribute of the table to a value as it is on the wire of a session with four-octet
    /// AS numbers, if an internal peer could have sent it; says what is wrong with it otherwise.
    pub fn set_value(&mut self, code: AttrCode, value: &[u8]) -> Result<(), Reason> {
        let line = table::spec(code.0).filter(|line| line.keep == Keep::InSet);
        let Some(line) = line else {
            return Err(Reason::Text("is not an attribute of a set"));
        };
        if u16::try_from(value.len()).is_err() {
            return Err(Reason::Length(value.len()));
        }
        let mut result = Ok(());
        let before = self.get().to_set();
        self.build(code, |_, canonical| {
            let inside = SessionContext::new(Asn(0), Asn(0));
            result = line
                .write(value, &inside, canonical)
                .map_err(|error| error.reason);
        });
        if result.is_err() {
            self.load(before.as_ref());
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SidStructure;

    #[test]
    fn what_is_set_is_read_and_what_is_removed_is_gone() {
        let tunnel = PmsiTunnel {
            flags: 0,
            tunnel_type: PmsiTunnel::INGRESS_REPLICATION,
            vni: 10000,
            identifier: &[192, 0, 2, 1],
        };
        let sid = Srv6Sid {
            sid: "2001:db8::".parse().unwrap(),
            behavior: 20,
            structure: Some(SidStructure::default()),
        };
        let mut editor = AttrEditor::new();
        editor.set_pmsi_tunnel(Some(tunnel));
        editor.set_aigp(Some(7));
        editor.set_only_to_customer(Some(Asn(65001)));
        editor.set_srv6_l3(Some(sid));
        editor.set_srv6_l2(Some(sid));
        let attrs = editor.get();
        assert_eq!(attrs.pmsi_tunnel(), Some(tunnel));
        assert_eq!(attrs.aigp(), Some(7));
        assert_eq!(attrs.only_to_customer(), Some(Asn(65001)));
        let prefix_sid = attrs.prefix_sid().unwrap();
        assert_eq!(prefix_sid.srv6_l3(), Some(sid));
        assert_eq!(prefix_sid.srv6_l2(), Some(sid));
        editor.set_pmsi_tunnel(None);
        editor.set_aigp(None);
        editor.set_only_to_customer(None);
        editor.set_srv6_l3(None);
        assert_eq!(editor.get().prefix_sid().unwrap().srv6_l2(), Some(sid));
        editor.set_srv6_l2(None);
        assert_eq!(editor.get(), AttrEditor::new().get());
    }

    #[test]
    fn values_are_checked_before_they_are_set() {
        let mut editor = AttrEditor::new();
        let vxlan = [0, 8, 0, 0];
        let code = AttrCode::TUNNEL_ENCAPSULATION;
        assert_eq!(editor.set_value(code, &vxlan), Ok(()));
        let before = editor.to_set();
        assert!(editor.set_value(code, &vxlan[..3]).is_err());
        assert!(editor.set_value(AttrCode::MP_REACH_NLRI, &vxlan).is_err());
        assert!(editor.set_value(AttrCode(99), &vxlan).is_err());
        assert_eq!(editor.get(), before.as_ref());
        assert_eq!(editor.get().get(code), Some(&vxlan[..]));
    }
}
