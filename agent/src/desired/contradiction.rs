//! Fields that are each fine and do not go together: what cannot be had at once is refused, and what does nothing beside the other, or
//! not what it reads like, is told.
//!
//! What concerns one field, or a group of which a file here is about (interface.rs, timers.rs, guards.rs), is judged there.

use crds::{BGPPeerSpec, BGPRouterSpec, PeerRole};

use super::build::Findings;
use super::problem::Reason;
use super::types::{Bfd, GracefulRestart, RestartTimes, Router, Ttl, has_route_targets};

/// Of a BGPPeer by itself. `hold_time` in seconds, and what watches over the path, where these are sound.
pub(super) fn of_peer(
    spec: &BGPPeerSpec,
    hold_time: Option<u16>,
    bfd: Option<Bfd>,
    findings: &mut Findings<'_>,
) {
    switched_on(spec, findings);
    if spec.passive == Some(true) && spec.remote_port.is_some() {
        let message = "with passive the neighbour opens the session, and no port of its is dialled; remove one of both";
        findings.warn("spec.remotePort", Reason::NoEffect, message);
    }
    if spec.auth_secret_ref.is_some() && spec.authentication.is_some() {
        let message = "authSecretRef wins, and this password is not used; remove it";
        findings.warn("spec.authentication", Reason::NoEffect, message);
    }
    if spec.ebgp_multi_hop == Some(true) && spec.ebgp_multihop_ttl == Some(1) {
        let message = "1 reaches the link and nobody behind it, while ebgpMultiHop is true; use the number of hops, or remove one of both";
        findings.reject("spec.ebgpMultihop", Reason::InvalidValue, message);
    }
    for (index, wanted) in spec.add_path.iter().flatten().enumerate() {
        if wanted.receive != Some(true) && wanted.send.unwrap_or(0) == 0 {
            let message =
                "several paths are neither sent nor received; set receive or send, or remove it";
            let field = format!("spec.addPath[{index}]");
            findings.warn(&field, Reason::NoEffect, message);
        }
    }
    if let Some(by) = spec.remove_private_as.filter(|by| *by != 0)
        && spec.peer_asn == Some(by)
    {
        let message = format!(
            "{by} is the neighbour's own AS: it takes each path in which private numbers were replaced for a loop (RFC 4271 section \
             9.1.2), and drops it; use another one, or 0 to remove them"
        );
        findings.warn("spec.removePrivateAS", Reason::InvalidASN, message);
    }
    if spec.role == Some(PeerRole::RsClient) && spec.enforce_first_as != Some(false) {
        let message = "the neighbour of a client of a route server leaves its own AS out of paths (RFC 7947 section 2.2.2.1), and routes that do not \
                       begin with it are refused; set it to false";
        findings.warn("spec.enforceFirstAS", Reason::InvalidValue, message);
    }
    if let (Some(hold), Some(bfd)) = (hold_time.filter(|hold| *hold > 0), bfd) {
        let interval = u64::from(bfd.minimum_tx.max(bfd.minimum_rx));
        let seconds = interval * u64::from(bfd.detect_multiplier) / 1_000_000;
        if seconds >= u64::from(hold) {
            let message = format!(
                "{} packets at these intervals take {seconds} s, and the hold time of {hold} s is over no later: it would see a failure first; \
                 use shorter intervals",
                bfd.detect_multiplier
            );
            findings.warn("spec.bfd", Reason::NoEffect, message);
        }
    }
}

/// Settings of what nobody has switched on. Who says `enabled: false` has switched it off for now, and may keep them.
fn switched_on(spec: &BGPPeerSpec, findings: &mut Findings<'_>) {
    let bfd = spec.bfd.as_ref();
    let restart = spec.graceful_restart.as_ref();
    let long_lived = spec.long_lived_graceful_restart.as_ref();
    for (field, off) in [
        ("spec.bfd", bfd.is_some_and(|bfd| bfd.enabled.is_none())),
        (
            "spec.gracefulRestart",
            restart.is_some_and(|restart| restart.enabled.is_none()),
        ),
        (
            "spec.longLivedGracefulRestart",
            long_lived.is_some_and(|wanted| wanted.enabled.is_none()),
        ),
    ] {
        if off {
            let message = "without enabled: true nothing of it happens; add that, or remove it";
            let field = format!("{field}.enabled");
            findings.warn(&field, Reason::NoEffect, message);
        }
    }
}

/// What a session on `router` would be like.
#[derive(Clone, Copy)]
pub(super) struct Session {
    pub(super) internal: bool,
    pub(super) ttl: Ttl,
    pub(super) bfd: Option<Bfd>,
    pub(super) graceful_restart: Option<GracefulRestart>,
}

/// Of a BGPPeer on one router.
pub(super) fn of_session(session: Session, router: &Router, findings: &mut Findings<'_>) {
    let near = session.ttl.is_one_hop() || session.ttl == Ttl::Multihop(1);
    if session.bfd.is_some_and(|bfd| bfd.multi_hop) && near && !session.internal {
        // RFC 5881 §4 and RFC 5883 §5: ports 3784 and 4784. FRR and BIRD choose by how far away the neighbour may be, as we ask for.
        let message = "the neighbour is one hop away, and one that sees it so, too, listens for BFD of one hop: BFD for several would never come up; \
                       remove it, or, if there are routers between, set ebgpMultiHop";
        findings.warn("spec.bfd.multiHop", Reason::InvalidValue, message);
    }
    if let Some(restart) = session.graceful_restart {
        let kept = router.graceful_restart.stale_routes_time;
        // Where it has the router's, that is told of the router.
        if u32::from(restart.restart_time) > kept
            && restart.restart_time != router.graceful_restart.restart_time
        {
            let message = format!(
                "neighbours are to wait {} s for us, and staleRoutesTime of BGPRouter {} has their routes go after {kept} s, before one that \
                 may take as long is back; use at most that, or a longer staleRoutesTime",
                restart.restart_time, router.key
            );
            findings.warn(
                "spec.gracefulRestart.restartTime",
                Reason::InvalidTimers,
                message,
            );
        }
    }
}

/// Of a BGPRouter. `installs`: its routes go to the kernel.
pub(super) fn of_router(
    spec: &BGPRouterSpec,
    times: Option<RestartTimes>,
    installs: bool,
    findings: &mut Findings<'_>,
) {
    let accepts = spec.kernel.as_ref().and_then(|k| k.accept_default_route);
    if accepts == Some(true) && !installs {
        let message = "routes of this router do not go to the kernel, and so no default route does; set kernel.install, or remove it";
        findings.warn("spec.kernel.acceptDefaultRoute", Reason::NoEffect, message);
    }
    let reflector = spec.route_reflector.as_ref();
    let reachable = reflector.and_then(|reflector| reflector.require_reachable_next_hop);
    let mut families = spec.address_families.iter();
    let overlay = |family| super::build::family(family).is_some_and(has_route_targets);
    if reachable == Some(true) && !families.any(|family| overlay(*family)) {
        let message =
            "it is about VPN and EVPN routes, and the router has none of their families; remove it";
        let field = "spec.routeReflector.requireReachableNextHop";
        findings.warn(field, Reason::NoEffect, message);
    }
    let roles = spec.roles.as_deref().unwrap_or_default();
    for (index, role) in roles.iter().enumerate() {
        if roles.iter().take(index).any(|before| before == role) {
            let message = format!("{} is there already; remove it here", role.as_str());
            let field = format!("spec.roles[{index}]");
            findings.warn(&field, Reason::NoEffect, message);
        }
    }
    let Some(times) = times else { return };
    let kept = times.stale_routes_time;
    if kept < u32::from(times.restart_time) {
        let message = format!(
            "routes of neighbours go after {kept} s, before one that may take the restartTime of {} s, as we do, is back; use at least that",
            times.restart_time
        );
        findings.warn(
            "spec.gracefulRestart.staleRoutesTime",
            Reason::InvalidTimers,
            message,
        );
    }
    if times.selection_deferral_time > kept {
        let message = format!(
            "we may tell no route for {} s after a restart, and neighbours that keep ours for {kept} s, as we keep theirs, have dropped them by then; use \
             less than staleRoutesTime",
            times.selection_deferral_time
        );
        findings.warn(
            "spec.gracefulRestart.selectionDeferralTime",
            Reason::InvalidTimers,
            message,
        );
    }
}
