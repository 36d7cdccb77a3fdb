//! The optional parameters of an OPEN: in the form of RFC 4271 §4.2, or in the extended one (RFC 9072), of
//! which all are capabilities (RFC 5492).

use super::subcode;
use crate::capability::Capability;
use crate::error::Reason;
use crate::input::{self, Input, Malformed, malformed};

pub(super) const PARAMETER_CAPABILITY: u8 = 2;
/// The parameter type that announces the extended form (RFC 9072 §2).
pub(super) const PARAMETER_EXTENDED: u8 = 255;

/// The capabilities of the optional parameters, with the subcode of what is wrong.
pub(super) fn parameters(input: Input<'_>) -> Result<Vec<Capability>, (Malformed<'_>, u8)> {
    let mut capabilities = Vec::new();
    each_capability(input, |code, value| {
        capabilities.push(Capability::from_value(code, value));
    })?;
    Ok(capabilities)
}

/// Walks the optional parameters, old form or extended: code and value of each capability, down to
/// what is wrong, with its subcode.
pub(super) fn each_capability<'a>(
    input: Input<'a>,
    mut look: impl FnMut(u8, Input<'a>),
) -> Result<(), (Malformed<'a>, u8)> {
    // RFC 9072 §2: the form is told by the first parameter type; the old length must not be zero
    // and has no other meaning then.
    let (rest, extended) = match input {
        [length, PARAMETER_EXTENDED, rest @ ..] if *length != 0 => (rest, true),
        _ => (input, false),
    };
    let (rest, mut block) = if extended {
        input::sized_u16("Extended Opt. Parm Length")(rest)
            .map_err(|e| (malformed(e), subcode::UNSPECIFIC))?
    } else {
        input::sized_u8("Opt Parm Len")(rest).map_err(|e| (malformed(e), subcode::UNSPECIFIC))?
    };
    input::end("Optional Parameters", rest).map_err(|error| (error, subcode::UNSPECIFIC))?;

    while !block.is_empty() {
        let at = block;
        let unspecific = |error| (malformed(error), subcode::UNSPECIFIC);
        let (rest, kind) = input::u8("Parm. Type")(block).map_err(unspecific)?;
        let (rest, value) = if extended {
            input::sized_u16("Parm. Length")(rest).map_err(unspecific)?
        } else {
            input::sized_u8("Parm. Length")(rest).map_err(unspecific)?
        };
        if kind != PARAMETER_CAPABILITY {
            let error = Malformed::new(at, "Parm. Type", Reason::Value(u32::from(kind)));
            return Err((error, subcode::UNSUPPORTED_PARAMETER));
        }
        let mut list = value;
        while !list.is_empty() {
            let (after, (code, value)) = Capability::split(list).map_err(unspecific)?;
            look(code, value);
            list = after;
        }
        block = rest;
    }
    Ok(())
}
