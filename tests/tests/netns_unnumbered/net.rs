//! Two routers on links without addresses, and what all these tests ask of them.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::time::Duration;

use anyhow::Result;
use bgp_tests::kernel::{self, Leg};
use bgp_tests::lab::Lab;
use bgp_tests::manifests;
use bgp_tests::netns::Namespace;
use bgp_tests::peers::{self, Kind, Plan, Router};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, secs, until};

pub(crate) const ROUTES: u16 = 20;
pub(crate) const EXTERNAL: &str = "peerType: external";
pub(crate) const QUICK: &str = "timers: {holdTime: 9, keepalive: 3}";
/// FRR needs a while to listen and to advertise itself.
pub(crate) const UP: Duration = secs(40);

/// Two namespaces with links between them, none of which has an address but its link-local ones.
pub(crate) struct Net {
    pub(crate) node: Namespace,
    pub(crate) tor: Namespace,
}

impl Net {
    pub(crate) fn new(links: usize) -> Result<Self> {
        let (node, tor) = (Namespace::new("node")?, Namespace::new("tor")?);
        for n in 0..links {
            node.veth(&format!("up{n}"), &tor, &format!("down{n}"))?;
        }
        Ok(Self { node, tor })
    }
}

pub(crate) fn router() -> (&'static str, String) {
    let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
    ("router", router.text())
}

pub(crate) fn on(interface: &str, more: &[&str]) -> String {
    manifests::unnumbered(&format!("on-{interface}"), "underlay", interface, more)
}

/// Routes of both families that the node originates.
pub(crate) fn own() -> [(&'static str, String); 2] {
    [(true, "own6"), (false, "own4")].map(|(v6, name)| {
        let all = prefixes(Party::Node, v6, ROUTES);
        (name, manifests::advertisement(name, "underlay", v6, &all))
    })
}

pub(crate) fn frr(lab: &Lab, net: &Net, plan: &Plan) -> Result<Box<dyn Router>> {
    let mut plan = plan.clone();
    for v6 in [true, false] {
        plan.announce.extend(prefixes(Party::Tor, v6, ROUTES));
    }
    peers::start(Kind::Frr, &net.tor, &lab.subdirectory("tor")?, &plan)
}

/// Waits until the kernel has all routes of the other side in both families, each with exactly these ways.
pub(crate) fn await_kernel(namespace: &Namespace, ways: &[(Ipv6Addr, &str)]) -> Result<()> {
    let mut legs: Vec<Leg> = ways
        .iter()
        .map(|(gateway, device)| Leg {
            gateway: Some(gateway.to_string()),
            device: Some((*device).to_owned()),
        })
        .collect();
    legs.sort();
    for v6 in [true, false] {
        let wanted: BTreeSet<String> = match legs.is_empty() {
            true => BTreeSet::new(),
            false => prefixes(Party::Tor, v6, ROUTES).into_iter().collect(),
        };
        until(&format!("the kernel has {legs:?}"), secs(10), || {
            let ours = kernel::ours(namespace, v6)?;
            let found: BTreeSet<String> = ours.iter().map(|route| route.prefix.clone()).collect();
            let so = found == wanted && ours.iter().all(|route| route.legs == legs);
            Ok(Look::when(so, || format!("{:?}", ours.first())))
        })?;
    }
    Ok(())
}

pub(crate) fn await_received(router: &dyn Router) -> Result<()> {
    for v6 in [true, false] {
        let wanted: BTreeSet<_> = prefixes(Party::Node, v6, ROUTES).into_iter().collect();
        until("the other router has our routes", secs(10), || {
            let has = router.received(v6)?;
            Ok(Look::when(wanted.is_subset(&has), || {
                format!("{} routes", has.len())
            }))
        })?;
    }
    Ok(())
}
