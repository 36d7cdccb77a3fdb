//! Graceful restart (RFC 4724 §3) with the N bit of RFC 8538 §2.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::{Capability, family, put_family};
use crate::Family;
use crate::input::{self, Input, Malformed, Parsed, malformed};

pub(super) const CODE: u8 = 64;

const RESTARTING: u16 = 0x8000;
const NOTIFICATION: u16 = 0x4000;
const TIME: u16 = 0x0fff;
const FORWARDING: u8 = 0x80;

/// What a speaker says about its restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GracefulRestart {
    /// It has just restarted (the R bit).
    pub restarting: bool,
    /// NOTIFICATIONs do not end forwarding either (the N bit).
    pub notification: bool,
    /// Seconds until its session is back; at most 4,095.
    pub restart_time: u16,
    /// The families, and whether forwarding was kept in them.
    pub families: Vec<(Family, bool)>,
}

pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    let (rest, head) = input::u16("Restart Flags")(value).map_err(malformed)?;
    Ok(Capability::GracefulRestart(GracefulRestart {
        restarting: head & RESTARTING != 0,
        notification: head & NOTIFICATION != 0,
        restart_time: head & TIME,
        families: input::all(rest, one)?,
    }))
}

fn one(input: Input<'_>) -> Parsed<'_, (Family, bool)> {
    let (rest, family) = family(input)?;
    let (rest, flags) = input::u8("Flags for Address Family")(rest)?;
    Ok((rest, (family, flags & FORWARDING != 0)))
}

impl GracefulRestart {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        let restarting = if self.restarting { RESTARTING } else { 0 };
        let notification = if self.notification { NOTIFICATION } else { 0 };
        out.put_u16(restarting | notification | self.restart_time.min(TIME));
        for (family, forwarding) in &self.families {
            put_family(*family, out);
            out.put_u8(if *forwarding { FORWARDING } else { 0 });
        }
    }
}

impl fmt::Display for GracefulRestart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.restart_time)?;
        if self.restarting {
            f.write_str(" restarting")?;
        }
        if self.notification {
            f.write_str(" notification")?;
        }
        self.families.iter().try_for_each(|(family, forwarding)| {
            write!(
                f,
                " {family}{}",
                if *forwarding { " (forwarding)" } else { "" }
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    #[test]
    fn flags_time_and_families_round_trip() {
        let capability = Capability::GracefulRestart(GracefulRestart {
            restarting: true,
            notification: true,
            restart_time: 4095,
            families: vec![(Family::IPV4_UNICAST, true), (Family::IPV6_UNICAST, false)],
        });
        assert_eq!(round_trip(&capability), capability);
        assert_eq!(
            capability.to_string(),
            "graceful-restart 4095s restarting notification ipv4/unicast (forwarding) ipv6/unicast"
        );
    }
}
