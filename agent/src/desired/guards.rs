//! What keeps a session from doing harm: our role and our AS towards the neighbour, and how many prefixes it may tell.

use bgp_wire::{Family, Role};
use crds::{BGPPeerSpec, MaxPrefixesAction, MaxPrefixesSpec, bounds};

use super::bounded::{bounded, within};
use super::build::{Findings, family};
use super::problem::Reason;
use super::router::asn;
use super::types::{LimitAction, LocalAs, PeerRole, PrefixLimit, RemoteAs, Router};

/// At which part of a limit a warning is logged, in percent.
const WARNING: u8 = 75;

/// Our role towards the neighbour, on a session of this router.
pub(super) fn role(
    spec: &BGPPeerSpec,
    router: &Router,
    internal: bool,
    findings: &mut Findings<'_>,
) -> Option<PeerRole> {
    let role = match spec.role? {
        crds::PeerRole::Provider => Role::PROVIDER,
        crds::PeerRole::Customer => Role::CUSTOMER,
        crds::PeerRole::Peer => Role::PEER,
        crds::PeerRole::Rs => Role::RS,
        crds::PeerRole::RsClient => Role::RS_CLIENT,
    };
    if internal {
        let message = format!(
            "the session is iBGP (both ends are in AS {}), and roles are those of ASes (RFC 9234); remove it",
            router.local_as
        );
        findings.reject("spec.role", Reason::InvalidForIBGP, message);
        return None;
    }
    Some(PeerRole {
        role,
        strict: spec.role_strict.unwrap_or(false),
    })
}

/// The AS that we are to the external neighbour, on a session of this router, or may be to the internal one, if it is not the router's.
pub(super) fn local_as(
    spec: &BGPPeerSpec,
    router: &Router,
    remote_as: RemoteAs,
    findings: &mut Findings<'_>,
) -> Option<LocalAs> {
    let field = "spec.localAS";
    let wanted = spec.local_as?;
    let number = asn("spec.localAS.number", wanted.number, findings)?;
    if remote_as.is_internal(router.local_as) {
        for (field, value) in [
            ("spec.localAS.noPrepend", wanted.no_prepend),
            ("spec.localAS.replaceAS", wanted.replace_as),
        ] {
            if value == Some(true) {
                let message =
                    "the session is iBGP, where AS paths are passed on as they are; remove it";
                findings.warn(field, Reason::NoEffect, message);
            }
        }
    }
    if remote_as == RemoteAs::Asn(number) {
        let message = format!(
            "the neighbour is in AS {number} itself, and takes the session for iBGP; give the AS that it knows us by, or, if it is to \
             move to our AS, peerType internal"
        );
        findings.reject(field, Reason::InvalidASN, message);
        return None;
    }
    if number == router.local_as {
        let message = format!("the router is in AS {number} anyway; remove it");
        findings.warn(field, Reason::NoEffect, message);
        return None;
    }
    Some(LocalAs {
        asn: number,
        no_prepend: wanted.no_prepend.unwrap_or(false),
        replace_as: wanted.replace_as.unwrap_or(false),
    })
}

/// How many prefixes of the session's families the neighbour may tell.
pub(super) fn max_prefixes(
    spec: &BGPPeerSpec,
    families: &[Family],
    findings: &mut Findings<'_>,
) -> Vec<PrefixLimit> {
    let mut limits: Vec<PrefixLimit> = Vec::new();
    for (index, wanted) in spec.max_prefixes.iter().flatten().enumerate() {
        let field = format!("spec.maxPrefixes[{index}]");
        let pair = crds::AddressFamily {
            afi: wanted.afi,
            safi: wanted.safi,
        };
        let Some(family) = family(pair).filter(|family| families.contains(family)) else {
            let message = "the session does not carry this family; add it to addressFamilies or remove it here";
            findings.reject(&field, Reason::AddressFamilyMismatch, message);
            continue;
        };
        if limits.iter().any(|limit| limit.family == family) {
            let message = format!("{family} has a limit already; give it one");
            findings.reject(&field, Reason::InvalidValue, message);
            continue;
        }
        limits.extend(prefix_limit(&field, wanted, family, findings));
    }
    limits
}

fn prefix_limit(
    field: &str,
    wanted: &MaxPrefixesSpec,
    family: Family,
    findings: &mut Findings<'_>,
) -> Option<PrefixLimit> {
    let limit: Option<u32> = within(
        &format!("{field}.limit"),
        wanted.limit,
        bounds::MAX_PREFIXES,
        findings,
    );
    let percent = bounded(
        &format!("{field}.warningPercent"),
        wanted.warning_percent,
        WARNING,
        bounds::PERCENT,
        findings,
    );
    let rest = bounded(
        &format!("{field}.restartAfter"),
        wanted.restart_after,
        0,
        bounds::RESTART_AFTER,
        findings,
    );
    let rest = Some(rest?).filter(|rest| *rest > 0);
    let action = match wanted.action {
        None | Some(MaxPrefixesAction::Shutdown) => LimitAction::Shutdown(rest),
        Some(MaxPrefixesAction::Warn) => LimitAction::Warn,
        Some(MaxPrefixesAction::Discard) => LimitAction::Discard,
    };
    if rest.is_some() && !matches!(action, LimitAction::Shutdown(_)) {
        let message = "the session does not end at this limit, so nothing begins again; remove it";
        let field = format!("{field}.restartAfter");
        findings.warn(&field, Reason::NoEffect, message);
    }
    let (limit, percent) = (limit?, percent?);
    // At least one: a warning before the first prefix would be about nothing.
    let warning = u64::from(limit) * u64::from(percent) / 100;
    Some(PrefixLimit {
        family,
        limit,
        warning: u32::try_from(warning).unwrap_or(limit).max(1),
        action,
        after_policy: wanted.after_policy.unwrap_or(false),
    })
}
