//! Graceful restart, as routers and peers ask for it.

use crds::{BGPPeerSpec, BGPRouterSpec, bounds};

use super::bounded::{bounded, within};
use super::build::Findings;
use super::problem::Reason;
use super::types::{GracefulRestart, RestartTimes, Router};

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
    let restart_time =
        restart_time.and_then(|secs| within(field, secs, bounds::RESTART_TIME, findings));
    let field = "spec.longLivedGracefulRestart.staleTime";
    let long_lived = long_lived.and_then(|wanted| {
        let bounds = bounds::LONG_LIVED_STALE_TIME;
        bounded(field, wanted.stale_time, 3600, bounds, findings)
    });
    Some(Wanted {
        restart_time,
        long_lived,
    })
}

/// Whether the restarts of the neighbour are helped where ours are not graceful: unless graceful restart is switched off by name.
pub(super) fn helps(spec: &BGPPeerSpec) -> bool {
    let restart = spec.graceful_restart.as_ref();
    restart.and_then(|wanted| wanted.enabled).is_none()
}

/// The times of a BGPRouter.
pub(super) fn times(spec: &BGPRouterSpec, findings: &mut Findings<'_>) -> Option<RestartTimes> {
    let wanted = spec.graceful_restart.clone().unwrap_or_default();
    let default = RestartTimes::default();
    let restart_time = bounded(
        "spec.gracefulRestart.restartTime",
        wanted.restart_time,
        default.restart_time,
        bounds::RESTART_TIME,
        findings,
    );
    let stale_routes_time = bounded(
        "spec.gracefulRestart.staleRoutesTime",
        wanted.stale_routes_time,
        default.stale_routes_time,
        bounds::STALE_ROUTES_TIME,
        findings,
    );
    let selection_deferral_time = bounded(
        "spec.gracefulRestart.selectionDeferralTime",
        wanted.selection_deferral_time,
        default.selection_deferral_time,
        bounds::SELECTION_DEFERRAL_TIME,
        findings,
    );
    Some(RestartTimes {
        restart_time: restart_time?,
        stale_routes_time: stale_routes_time?,
        selection_deferral_time: selection_deferral_time?,
    })
}
