//! Extended messages (RFC 8654): says all by being there.

use super::Capability;
use crate::input::{self, Input, Malformed};

pub(super) const CODE: u8 = 6;

pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    input::end("Extended Message", value).map(|()| Capability::ExtendedMessage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    #[test]
    fn it_round_trips() {
        assert_eq!(
            round_trip(&Capability::ExtendedMessage),
            Capability::ExtendedMessage
        );
    }
}
