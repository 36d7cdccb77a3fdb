//! The timers of a session.

use bgp_wire::HoldTime;
use crds::BGPPeerSpec;

use super::build::Findings;
use super::duration::nanoseconds;
use super::problem::Reason;

const SECOND: i64 = 1_000_000_000;

/// Hold time and keepalive interval in seconds.
pub(super) fn timers(spec: &BGPPeerSpec, findings: &mut Findings<'_>) -> Option<(u16, u16)> {
    let timers = spec.timers.unwrap_or_default();
    let hold = match (&spec.hold_time, timers.hold_time) {
        (Some(text), _) => seconds("spec.holdTime", text, findings)?,
        (None, Some(seconds)) => whole("spec.timers.holdTime", i64::from(seconds), findings)?,
        (None, None) => 90,
    };
    if HoldTime::new(hold).is_none() {
        let message = format!("{hold}s is too short; use 0s or at least 3s (RFC 4271)");
        findings.reject("spec.holdTime", Reason::InvalidTimers, message);
        return None;
    }
    let (field, keepalive) = match (&spec.keepalive_time, timers.keepalive) {
        (Some(text), _) => (
            "spec.keepaliveTime",
            Some(seconds("spec.keepaliveTime", text, findings)?),
        ),
        (None, Some(seconds)) => {
            let field = "spec.timers.keepalive";
            (field, Some(whole(field, i64::from(seconds), findings)?))
        }
        (None, None) => ("spec.keepaliveTime", None),
    };
    match keepalive {
        // RFC 4271 §4.4: without a hold time no keepalives are sent.
        None | Some(0) if hold == 0 => Some((0, 0)),
        Some(keepalive) if hold == 0 => {
            let message = format!(
                "without a hold time no keepalives are sent, so {keepalive}s changes nothing; use 0s"
            );
            findings.warn(field, Reason::NoEffect, message);
            Some((0, 0))
        }
        None => Some((hold, keepalive_of(hold))),
        Some(0) => {
            let message = format!(
                "without keepalives the neighbour ends the session after {hold}s; use at most {}s, or 0s for both",
                hold / 3
            );
            findings.reject(field, Reason::InvalidTimers, message);
            None
        }
        Some(keepalive) if u32::from(keepalive) * 3 > u32::from(hold) => {
            let message = format!(
                "{keepalive}s is more than a third of the hold time of {hold}s; use at most {}s, or a hold time of at least {}s",
                hold / 3,
                u32::from(keepalive) * 3
            );
            findings.reject(field, Reason::InvalidTimers, message);
            None
        }
        Some(keepalive) => Some((hold, keepalive)),
    }
}

/// The keepalive interval where the object names none: a third of the hold time, as RFC 4271 §10 suggests, and not more than 30 s.
pub(super) fn keepalive_of(hold: u16) -> u16 {
    match hold {
        0 => 0,
        hold => (hold / 3).clamp(1, 30),
    }
}

fn seconds(field: &str, text: &str, findings: &mut Findings<'_>) -> Option<u16> {
    match nanoseconds(text) {
        Some(nanos) if nanos % SECOND == 0 => whole(field, nanos / SECOND, findings),
        Some(_) => {
            let message = format!(
                "{text:?} is not a whole number of seconds, which is all that a session can be told; use one such as 3s"
            );
            findings.reject(field, Reason::InvalidTimers, message);
            None
        }
        None => {
            let message = format!("{text:?} is not a duration; use one such as 90s or 1m30s");
            findings.reject(field, Reason::InvalidTimers, message);
            None
        }
    }
}

fn whole(field: &str, seconds: i64, findings: &mut Findings<'_>) -> Option<u16> {
    let fits = u16::try_from(seconds).ok();
    if fits.is_none() {
        let message = format!("{seconds}s cannot be sent in two octets; use 0s to 65535s");
        findings.reject(field, Reason::InvalidTimers, message);
    }
    fits
}
