//! A BGPPeer that is known by its interface: what fits that and what does not.

use std::sync::Arc;

use crds::BGPPeerSpec;

use super::build::Findings;
use super::problem::Reason;

/// The longest name that Linux has for an interface (IFNAMSIZ, less the zero).
const NAME_MAX: usize = 15;

/// The interface, if that is how the neighbour is known. The neighbour's address is on the link, and so is ours: what would have the
/// session begin or end elsewhere contradicts it.
pub(super) fn interface(spec: &BGPPeerSpec, findings: &mut Findings<'_>) -> Option<Arc<str>> {
    let name = spec.interface.as_deref()?;
    let odd = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.len() > NAME_MAX || name.contains(odd) || [".", ".."].contains(&name)
    {
        let message = format!(
            "no interface can be named {name:?}; give its name as `ip link` has it, such as eth0"
        );
        findings.reject("spec.interface", Reason::InvalidValue, message);
    }
    if name == "lo" {
        let message = "there is no neighbour on the loopback interface; name that of a link";
        findings.reject("spec.interface", Reason::InvalidValue, message);
    }
    if spec.local_address.is_some() {
        let message =
            "our end of a session by interface is our link-local address there; remove it";
        findings.reject("spec.localAddress", Reason::InvalidAddress, message);
    }
    let several = |hops: Option<i32>| hops.is_some_and(|hops| hops > 1);
    let bfd = spec.bfd.as_ref().filter(|bfd| bfd.enabled == Some(true));
    for (field, far) in [
        ("spec.ebgpMultiHop", spec.ebgp_multi_hop == Some(true)),
        ("spec.ebgpMultihop", several(spec.ebgp_multihop_ttl)),
        ("spec.ttlSecurity", several(spec.ttl_security)),
        (
            "spec.bfd.multiHop",
            bfd.is_some_and(|bfd| bfd.multi_hop == Some(true)),
        ),
    ] {
        if far {
            let message = "the neighbour on an interface is one hop away; remove it";
            findings.reject(field, Reason::InvalidValue, message);
        }
    }
    Some(name.into())
}
