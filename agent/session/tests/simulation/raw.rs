//! Messages as a peer would write them, by hand: what is wrong with them has to be wrong in just one way.

/// A whole message.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff; 16];
    bytes.extend((19 + body.len() as u16).to_be_bytes());
    bytes.push(kind);
    bytes.extend(body);
    bytes
}

/// An OPEN whose fields can be wrong.
#[derive(Clone)]
pub(crate) struct RawOpen {
    pub(crate) version: u8,
    pub(crate) my_as: u16,
    pub(crate) hold: u16,
    pub(crate) id: [u8; 4],
    /// Optional parameters, with their length.
    pub(crate) parameters: Vec<u8>,
}

impl Default for RawOpen {
    /// What a neighbour in AS 65002 with identifier 10.0.0.2 sends that knows of no capabilities.
    fn default() -> Self {
        Self {
            version: 4,
            my_as: 65002,
            hold: 90,
            id: [10, 0, 0, 2],
            parameters: vec![0],
        }
    }
}

impl RawOpen {
    pub(crate) fn with_capabilities(capabilities: &[u8]) -> Self {
        let length = capabilities.len() as u8;
        let parameters = [&[length + 2, 2, length], capabilities].concat();
        Self {
            parameters,
            ..Self::default()
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut body = vec![self.version];
        body.extend(self.my_as.to_be_bytes());
        body.extend(self.hold.to_be_bytes());
        body.extend(self.id);
        body.extend(&self.parameters);
        message(1, &body)
    }
}

pub(crate) fn keepalive() -> Vec<u8> {
    message(4, &[])
}

/// End-of-RIB for IPv4 unicast.
pub(crate) fn update() -> Vec<u8> {
    message(2, &[0; 4])
}
