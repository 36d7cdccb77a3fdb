//! Route refresh (RFC 2918) and enhanced route refresh (RFC 7313): both say all by being there.

use super::Capability;
use crate::input::{self, Input, Malformed};

pub(super) const CODE: u8 = 2;
pub(super) const ENHANCED_CODE: u8 = 70;

pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    input::end("Route Refresh", value).map(|()| Capability::RouteRefresh)
}

pub(super) fn decode_enhanced(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    input::end("Enhanced Route Refresh", value).map(|()| Capability::EnhancedRouteRefresh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    #[test]
    fn both_round_trip() {
        for capability in [Capability::RouteRefresh, Capability::EnhancedRouteRefresh] {
            assert_eq!(round_trip(&capability), capability);
        }
    }
}
