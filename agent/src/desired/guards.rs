//! What keeps a session from doing harm: our role towards the neighbour.

use bgp_wire::Role;
use crds::BGPPeerSpec;

use super::build::Findings;
use super::problem::Reason;
use super::types::{PeerRole, Router};

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
