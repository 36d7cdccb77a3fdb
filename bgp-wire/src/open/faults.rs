//! What is wrong with the capabilities of an OPEN, for those who want to know.

use super::parameters::each_capability;
use super::{BEFORE_PARAMETERS, Open};
use crate::capability::{Capability, Role};
use crate::error::{DecodeError, Reason};
use crate::faults::TOLD;
use crate::frame::HEADER_LEN;
use crate::input::Malformed;

/// A capability whose value is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapabilityFault {
    /// Its code.
    pub code: u8,
    /// What is wrong.
    pub error: DecodeError,
    /// Where it is said what it should be.
    pub rfc: &'static str,
}

/// The capabilities of an OPEN whose value is malformed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapabilityFaults {
    /// The first ones.
    pub told: Vec<CapabilityFault>,
    /// How many more there are.
    pub more: usize,
}

impl Open {
    /// What is malformed in capabilities of the body of an OPEN, as far as they can be cut. Such
    /// capabilities are ignored, and the session goes on without them (RFC 5492 §5): this is for those
    /// who want to know.
    pub fn capability_faults(body: &[u8]) -> CapabilityFaults {
        let mut all = CapabilityFaults::default();
        let parameters = body.get(BEFORE_PARAMETERS..).unwrap_or(&[]);
        // What keeps them from being cut is an error of its own.
        let _ = each_capability(parameters, |code, value| {
            let Some((error, rfc)) = Capability::fault(code, value) else {
                return;
            };
            if all.told.len() >= TOLD {
                all.more = all.more.saturating_add(1);
                return;
            }
            all.told.push(CapabilityFault {
                code,
                error: error.within(body, HEADER_LEN),
                rfc,
            });
        });
        all
    }

    /// What is wrong with the roles in the body of an OPEN, which is a "Role Mismatch" (2/11). RFC 9234
    /// §4.2: "If multiple BGP Role Capabilities are received and not all of them have the same value, then
    /// the BGP speaker MUST reject the connection".
    pub fn role_fault(body: &[u8]) -> Option<CapabilityFault> {
        let parameters = body.get(BEFORE_PARAMETERS..)?;
        let (mut first, mut other) = (None, None);
        let _ = each_capability(parameters, |code, value| {
            let Capability::Role(role) = Capability::from_value(code, value) else {
                return;
            };
            if *first.get_or_insert(role) != role {
                other = other.or(Some(value));
            }
        });
        let differs = Reason::Text("differs from the one before");
        let error = Malformed::new(other?, "Role", differs);
        Some(CapabilityFault {
            code: Role::CODE,
            error: error.within(body, HEADER_LEN),
            rfc: "RFC 9234 section 4.2",
        })
    }
}
