//! Builds UPDATE bodies octet by octet, independently of the crate's own encoder.

/// Parts of an UPDATE.
#[derive(Clone, Default)]
pub(crate) struct Parts {
    pub(crate) withdrawn: Vec<u8>,
    pub(crate) attributes: Vec<u8>,
    pub(crate) nlri: Vec<u8>,
}

impl Parts {
    /// An UPDATE that announces 10.0.0.0/8 with what an external peer must send.
    pub(crate) fn good() -> Self {
        Self {
            nlri: vec![8, 10],
            ..Self::default()
        }
        .with(attribute(0x40, 1, &[0]))
        .with(attribute(0x40, 2, &[2, 1, 0, 0, 0xfd, 0xe9]))
        .with(attribute(0x40, 3, &[192, 0, 2, 1]))
    }

    /// An UPDATE that announces 2001:db8::/32 in MP_REACH_NLRI.
    pub(crate) fn good_v6() -> Self {
        Self::default()
            .with(attribute(
                0x80,
                14,
                &reach_v6(&[32, 0x20, 0x01, 0x0d, 0xb8]),
            ))
            .with(attribute(0x40, 1, &[0]))
            .with(attribute(0x40, 2, &[2, 1, 0, 0, 0xfd, 0xe9]))
    }

    /// One more attribute.
    pub(crate) fn with(mut self, attribute: Vec<u8>) -> Self {
        self.attributes.extend(attribute);
        self
    }

    /// Another attribute for the one with this code.
    pub(crate) fn replaced(self, code: u8, attribute: Vec<u8>) -> Self {
        self.without(code).with(attribute)
    }

    /// Without the attribute of this code (all of them are short here).
    pub(crate) fn without(mut self, code: u8) -> Self {
        let mut kept = Vec::new();
        let mut rest = &self.attributes[..];
        while !rest.is_empty() {
            let length = if rest[0] & 0x10 != 0 {
                4 + usize::from(u16::from_be_bytes([rest[2], rest[3]]))
            } else {
                3 + usize::from(rest[2])
            };
            let (one, after) = rest.split_at(length);
            if one[1] != code {
                kept.extend(one);
            }
            rest = after;
        }
        self.attributes = kept;
        self
    }

    /// Other NLRI.
    pub(crate) fn nlri(mut self, nlri: &[u8]) -> Self {
        self.nlri = nlri.to_vec();
        self
    }

    /// Other withdrawn routes.
    pub(crate) fn withdrawn(mut self, withdrawn: &[u8]) -> Self {
        self.withdrawn = withdrawn.to_vec();
        self
    }

    /// The body of the message.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(u16::try_from(self.withdrawn.len()).unwrap().to_be_bytes());
        body.extend(&self.withdrawn);
        body.extend(u16::try_from(self.attributes.len()).unwrap().to_be_bytes());
        body.extend(&self.attributes);
        body.extend(&self.nlri);
        body
    }
}

/// Flags, code, length in one octet or (with the flag) two, value.
pub(crate) fn attribute(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![flags, code];
    if flags & 0x10 != 0 {
        bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    } else {
        bytes.push(u8::try_from(value.len()).unwrap());
    }
    bytes.extend(value);
    bytes
}

/// MP_REACH_NLRI of a family with any next hop.
pub(crate) fn reach(afi: u16, safi: u8, next_hop: &[u8], nlri: &[u8]) -> Vec<u8> {
    let mut value = afi.to_be_bytes().to_vec();
    value.extend([safi, u8::try_from(next_hop.len()).unwrap()]);
    value.extend(next_hop);
    value.push(0);
    value.extend(nlri);
    value
}

/// 2001:db8::1.
pub(crate) const NEXT_HOP_V6: [u8; 16] =
    [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// MP_REACH_NLRI of IPv6 unicast.
pub(crate) fn reach_v6(nlri: &[u8]) -> Vec<u8> {
    reach(2, 1, &NEXT_HOP_V6, nlri)
}

/// MP_UNREACH_NLRI.
pub(crate) fn unreach(afi: u16, safi: u8, nlri: &[u8]) -> Vec<u8> {
    let mut value = afi.to_be_bytes().to_vec();
    value.push(safi);
    value.extend(nlri);
    value
}
