//! Graceful restart, as routers and peers ask for it.

use crds::{BGPPeerSpec, BGPRouterSpec};

use super::build::Findings;
use super::problem::Reason;
use super::types::{GracefulRestart, RestartTimes, Router};

/// The longest time that the long-lived capability has room for (RFC 9494 §3.1: 24 bits).
const LONGEST: u32 = 0x00ff_ffff;

/// What a peer asks for, as far as it says itself.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    restart_time: Option<u16>,
    long_lived: Option<u32>,
}

impl Wanted {
    /// On a router, which says the rest.
    pub(super) fn on(self, router: &Router) -> GracefulRestart {
        let of_router = router.graceful_restart.restart_time;
        GracefulRestart {
            restart_time: self.restart_time.unwrap_or(of_router),
            long_lived: self.long_lived,
        }
    }
}

/// What a BGPPeer asks for; `None` if it does not switch graceful restart on.
pub(super) fn wanted(spec: &BGPPeerSpec, findings: &mut Findings<'_>) -> Option<Wanted> {
    let long_lived = spec.long_lived_graceful_restart.as_ref();
    let long_lived = long_lived.filter(|wanted| wanted.enabled == Some(true));
    let restart = spec.graceful_restart.as_ref();
    let Some(restart) = restart.filter(|wanted| wanted.enabled == Some(true)) else {
        if long_lived.is_some() {
            // RFC 9494 §3.1: the one capability is not told without the other.
            let message = "it needs gracefulRestart with enabled: true; add that, or remove it";
            let field = "spec.longLivedGracefulRestart.enabled";
            findings.reject(field, Reason::InvalidValue, message);
        }
        return None;
    };
    let field = "spec.gracefulRestart.restartTime";
    let restart_time = restart.restart_time;
    let restart_time = restart_time.and_then(|secs| within(field, secs, (1, 1200), findings));
    let field = "spec.longLivedGracefulRestart.staleTime";
    let long_lived = long_lived.and_then(|wanted| match wanted.stale_time {
        Some(secs) => within(field, secs, (1, LONGEST), findings),
        None => Some(3600),
    });
    Some(Wanted {
        restart_time: restart_time.and_then(|secs| u16::try_from(secs).ok()),
        long_lived,
    })
}

/// The times of a BGPRouter.
pub(super) fn times(spec: &BGPRouterSpec, findings: &mut Findings<'_>) -> Option<RestartTimes> {
    let wanted = spec.graceful_restart.clone().unwrap_or_default();
    let default = RestartTimes::default();
    let mut time = |name: &str, value: Option<i32>, default: u32, range: (u32, u32)| match value {
        None => Some(default),
        Some(secs) => {
            let field = format!("spec.gracefulRestart.{name}");
            within(&field, secs, range, findings)
        }
    };
    let restart = time(
        "restartTime",
        wanted.restart_time,
        default.restart_time.into(),
        (1, 1200),
    );
    let stale = time(
        "staleRoutesTime",
        wanted.stale_routes_time,
        default.stale_routes_time,
        (1, 86_400),
    );
    let deferral = time(
        "selectionDeferralTime",
        wanted.selection_deferral_time,
        default.selection_deferral_time,
        (0, 3600),
    );
    Some(RestartTimes {
        restart_time: u16::try_from(restart?).ok()?,
        stale_routes_time: stale?,
        selection_deferral_time: deferral?,
    })
}

fn within(field: &str, value: i32, range: (u32, u32), findings: &mut Findings<'_>) -> Option<u32> {
    let fits = u32::try_from(value).ok();
    let fits = fits.filter(|value| (range.0..=range.1).contains(value));
    if fits.is_none() {
        let message = format!("{value} is out of range; use {} to {}", range.0, range.1);
        findings.reject(field, Reason::InvalidValue, message);
    }
    fits
}
