//! One BGPRouter of this node.

use std::net::Ipv4Addr;

use bgp_wire::{AS_TRANS, Asn, RouterId};
use crds::{BGPRouter, TargetRef, bounds};

use super::bounded::bounded;
use super::build::{Findings, address, families};
use super::contradiction;
use super::objects::ObjectKey;
use super::problem::Reason;
use super::restart::times;
use super::types::{Decision, KernelConfig, Router, RouterKey};

/// What carries our routes in the kernel, unless the object says otherwise.
const KERNEL: KernelConfig = KernelConfig {
    install: true,
    metric: 300,
    table: 254,
    protocol: 196,
    accept_default_route: false,
};

/// What other daemons write to the kernel unless they are told otherwise: their protocol numbers and metric. FRR has a number for
/// each of its protocols (`zebra/rt_netlink.h`), 196 for static routes among them.
const OTHERS: [(&str, std::ops::RangeInclusive<u8>, u32); 3] = [
    ("FRR", 11..=11, 20),
    ("FRR", 186..=198, 20),
    ("BIRD", 12..=12, 32),
];

/// Whose routes have these marks, if they are somebody else's.
fn others_with(protocol: u8, metric: u32) -> Option<&'static str> {
    let mut others = OTHERS.iter();
    others
        .find(|(_, protocols, theirs)| protocols.contains(&protocol) && *theirs == metric)
        .map(|(name, ..)| *name)
}

pub(super) fn build(
    key: &ObjectKey,
    object: &BGPRouter,
    findings: &mut Findings<'_>,
) -> Option<Router> {
    let spec = &object.spec;
    target(&spec.target_ref, findings);
    let local_as = asn("spec.localASN", spec.local_asn, findings);
    let router_id = identifier("spec.routerID", &spec.router_id, findings);
    let families = families("spec.addressFamilies", &spec.address_families, findings);
    let listen_port = match spec.listen_port {
        Some(-1) => None,
        None => Some(179),
        Some(port) => match u16::try_from(port) {
            Ok(port) if port != 0 => Some(port),
            _ => {
                let message = format!(
                    "{port} is no port; use -1 (no listener) or {}",
                    bounds::PORT
                );
                findings.reject("spec.listenPort", Reason::InvalidValue, message);
                None
            }
        },
    };
    let local_address = match &spec.local_address {
        Some(text) => address("spec.localAddress", text, findings),
        None => None,
    };
    let cluster_id = match &spec.route_reflector {
        Some(reflector) => identifier(
            "spec.routeReflector.clusterID",
            &reflector.cluster_id,
            findings,
        ),
        None => None,
    };
    let max_paths = bounded(
        "spec.maximumPaths",
        spec.maximum_paths,
        64,
        bounds::MAXIMUM_PATHS,
        findings,
    );
    let kernel = kernel(spec, findings);
    let graceful_restart = times(spec, findings);
    let installs = kernel.is_some_and(|kernel| kernel.install);
    contradiction::of_router(spec, graceful_restart, installs, findings);
    let best_path = spec.best_path.clone().unwrap_or_default();
    // The table always decides by groups of one neighbouring AS (rib/src/decision/med.rs): true says what is done anyway.
    if best_path.deterministic_med == Some(false) {
        findings.not_implemented(
            "spec.bestPath.deterministicMed",
            "set it to true or remove it: MED is always compared independently of the order of arrival",
        );
    }
    let router = Router {
        key: RouterKey::new(&key.namespace, &key.name),
        local_as: local_as?,
        router_id: router_id?,
        families,
        listen_port,
        local_address,
        kernel: kernel?,
        max_paths: max_paths?,
        require_policy: spec.require_policy.unwrap_or(false),
        decision: Decision {
            always_compare_med: best_path.always_compare_med.unwrap_or(false),
            compare_router_id: best_path.compare_router_id.unwrap_or(false),
        },
        cluster_id,
        require_reachable_next_hop: spec
            .route_reflector
            .as_ref()
            .and_then(|reflector| reflector.require_reachable_next_hop)
            .unwrap_or(false),
        graceful_restart: graceful_restart?,
        graceful_shutdown: spec.graceful_shutdown.unwrap_or(false),
    };
    findings.accepted().then_some(router)
}

/// Nodes carry out what is bound to a Node, and nothing else.
fn target(target: &TargetRef, findings: &mut Findings<'_>) {
    let kind = &target.kind;
    if kind == "Node" {
        return;
    }
    let field = "spec.targetRef.kind";
    if kind.trim().eq_ignore_ascii_case("node") {
        let message = format!("{kind:?} is not a kind of target; write Node");
        return findings.reject(field, Reason::InvalidValue, message);
    }
    let message = format!(
        "this version does not carry out routers of kind {kind:?} yet; use Node, and the name of a node"
    );
    findings.reject(field, Reason::NotImplemented, message);
}

/// An AS number that can be an end of a session.
pub(super) fn asn(field: &str, number: i64, findings: &mut Findings<'_>) -> Option<Asn> {
    match u32::try_from(number) {
        // RFC 7607: AS 0 is nobody's. RFC 6793 §9: AS_TRANS stands for other numbers and is nobody's either.
        Ok(0) => {}
        Ok(AS_TRANS) => {
            let message = "23456 stands for AS numbers of four octets (RFC 6793) and is nobody's own; \
                           use the real AS number";
            findings.reject(field, Reason::InvalidASN, message);
            return None;
        }
        Ok(number) => return Some(Asn(number)),
        Err(_) => {}
    }
    let message = format!("{number} is not an AS number; use {}", bounds::ASN);
    findings.reject(field, Reason::InvalidASN, message);
    None
}

fn identifier(field: &str, text: &str, findings: &mut Findings<'_>) -> Option<RouterId> {
    match text.parse::<Ipv4Addr>() {
        // RFC 6286 §2.1: "The BGP Identifier ... a 4-octet, unsigned, non-zero integer".
        Ok(id) if !id.is_unspecified() => Some(RouterId::from(id)),
        _ => {
            let message = format!(
                "{text:?} cannot be an identifier; use four numbers other than 0.0.0.0, such as 10.0.0.1"
            );
            findings.reject(field, Reason::InvalidRouterID, message);
            None
        }
    }
}

fn kernel(spec: &crds::BGPRouterSpec, findings: &mut Findings<'_>) -> Option<KernelConfig> {
    let wanted = spec.kernel.clone().unwrap_or_default();
    let metric = bounded(
        "spec.kernel.metric",
        wanted.metric,
        KERNEL.metric,
        bounds::KERNEL,
        findings,
    );
    let table = bounded(
        "spec.kernel.table",
        wanted.table,
        KERNEL.table,
        bounds::KERNEL,
        findings,
    );
    let protocol = bounded(
        "spec.kernel.protocol",
        wanted.protocol,
        KERNEL.protocol,
        bounds::KERNEL_PROTOCOL,
        findings,
    );
    if let (Some(metric), Some(protocol)) = (metric, protocol)
        && let Some(daemon) = others_with(protocol, metric)
    {
        let message = format!(
            "routes of {daemon} carry protocol {protocol} and metric {metric}: in the same table they count as this agent's own, and \
             those that it does not want are removed; use another metric, or another protocol"
        );
        findings.warn("spec.kernel.metric", Reason::InvalidValue, message);
    }
    Some(KernelConfig {
        // A reflector passes routes on without being on their way.
        install: wanted
            .install
            .unwrap_or_else(|| spec.route_reflector.is_none()),
        metric: metric?,
        table: table?,
        protocol: protocol?,
        accept_default_route: wanted
            .accept_default_route
            .unwrap_or(KERNEL.accept_default_route),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// iproute2's `rt_protos`: 11 zebra, 12 bird, 186 bgp to 192 eigrp; FRR's own to 198. BIRD's manual, kernel protocol: "metric
    /// number [...] Default: 32". zebra: `NL_DEFAULT_ROUTE_METRIC` is 20.
    #[test]
    fn marks_of_other_daemons_are_known() {
        for (protocol, metric, daemon) in [
            (196, 20, Some("FRR")),
            (186, 20, Some("FRR")),
            (11, 20, Some("FRR")),
            (12, 32, Some("BIRD")),
            (12, 20, None),
            (196, 32, None),
            (199, 20, None),
            (KERNEL.protocol, KERNEL.metric, None),
        ] {
            assert_eq!(others_with(protocol, metric), daemon, "{protocol} {metric}");
        }
    }
}
