//! The agent and another router, side by side, and how they are set up.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use crate::agent::Agent;
use crate::kernel;
use crate::lab::{Lab, NodeAndTor, address};
use crate::manifests;
use crate::matrix::Feature;
use crate::peers::{self, Kind, Plan, Router};
use crate::routes::{Party, prefixes};
use crate::wait::{Look, secs, until};

/// The AS of the agent.
pub const NODE_ASN: u32 = 65201;
/// The AS of the other router.
pub const TOR_ASN: u32 = 65101;
/// How many routes go each way.
pub const ROUTES: u16 = 1000;
/// The agent's peer.
pub const PEER: &str = "tor";

/// How long a session may take to come up: daemons retry on timers of their own (GoBGP after five seconds).
pub(super) const UP: Duration = secs(40);
/// How long routes may take once the session is up; daemons pace themselves (FRR's route advertisement, GoBGP's streams).
pub(super) const SPREAD: Duration = secs(20);
/// A prefix list in a BGPAdvertisement ends at 256.
pub(super) const IN_ONE_ADVERTISEMENT: usize = 250;

/// The transport and how the session is protected and opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Variant {
    /// Over IPv4; else IPv6.
    pub v4: bool,
    /// TCP-MD5 on both sides.
    pub md5: bool,
    /// TTL security on both sides.
    pub ttl_security: bool,
    /// The agent waits for the connection; else the other router does.
    pub agent_passive: bool,
    /// Both sides connect.
    pub both_active: bool,
    /// The hold time of both sides, in seconds; 0 stands for nine.
    pub hold_time: u16,
}

impl Variant {
    pub(super) fn v6(self) -> bool {
        !self.v4
    }

    /// What an exchange of routes shows to work.
    pub(super) fn feature(self) -> Feature {
        match self {
            Self { md5: true, v4, .. } if v4 => Feature::Md5Ipv4,
            Self { md5: true, .. } => Feature::Md5Ipv6,
            Self {
                agent_passive: true,
                ..
            } => Feature::Passive,
            Self {
                both_active: true, ..
            } => Feature::Collision,
            Self { v4: true, .. } => Feature::Ipv4,
            Self { .. } => Feature::Ipv6,
        }
    }

    pub(super) fn hold(self) -> u16 {
        if self.hold_time == 0 {
            9
        } else {
            self.hold_time
        }
    }
}

pub(super) const PASSWORD: &str = "correct-horse";

/// One running pair of the agent and another router.
#[allow(missing_debug_implementations, reason = "a router behind its trait")]
pub struct Pair<'a> {
    pub(super) lab: &'a Lab,
    /// Where they are.
    pub net: NodeAndTor,
    /// The agent.
    pub agent: Agent,
    /// The other router.
    pub router: Box<dyn Router>,
    pub(super) kind: Kind,
    pub(super) plan: Plan,
    pub(super) variant: Variant,
}

/// The manifests of the agent's side: a router, one peer, and advertisements of `count` prefixes.
#[must_use]
pub fn documents(variant: Variant, count: u16) -> Vec<(String, String)> {
    let hold = variant.hold();
    let tor = address(true, variant.v6());
    let mut peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, tor)
        .with(&format!("holdTime: {hold}s"))
        .with(&format!("keepaliveTime: {}s", hold / 3));
    if variant.agent_passive {
        peer = peer.with("passive: true");
    }
    if variant.ttl_security {
        peer = peer.with("ttlSecurity: 1");
    }
    let mut all = vec![(
        "router".to_owned(),
        manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
    )];
    if variant.md5 {
        peer = peer.with("authSecretRef: {name: tor-password}");
        all.push(("secret".into(), manifests::secret("tor-password", PASSWORD)));
    }
    all.push(("peer".into(), peer.text()));
    let announced = prefixes(Party::Node, variant.v6(), count);
    for (n, chunk) in announced.chunks(IN_ONE_ADVERTISEMENT).enumerate() {
        let name = format!("advertisement-{n}");
        let text = manifests::advertisement(&name, "underlay", variant.v6(), chunk);
        all.push((name, text));
    }
    all
}

/// BIRD as the other router of a test in which that is not the point, with so many IPv6 prefixes; and its plan. What the agent needs to
/// know of it are the [`documents`] of the variant that is the default.
///
/// # Errors
/// When it does not start.
pub fn bird(lab: &Lab, net: &NodeAndTor, count: u16) -> Result<(Plan, Box<dyn Router>)> {
    let mut plan = Plan::new(
        (TOR_ASN, address(true, true)),
        (NODE_ASN, address(false, true)),
    );
    plan.announce = prefixes(Party::Tor, true, count);
    let router = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
    Ok((plan, router))
}

impl<'a> Pair<'a> {
    /// Starts both; the session may still be coming up.
    ///
    /// # Errors
    /// When one of them does not start.
    pub fn start(lab: &'a Lab, kind: Kind, variant: Variant) -> Result<Self> {
        Self::start_with(lab, kind, variant, &[])
    }

    /// As [`Pair::start`], with more arguments of `cosmos run`.
    ///
    /// # Errors
    /// As [`Pair::start`].
    pub fn start_with(lab: &'a Lab, kind: Kind, variant: Variant, more: &[&str]) -> Result<Self> {
        let agent_passive = variant.agent_passive || (variant.md5 && !kind.listens_with_md5());
        let variant = Variant {
            agent_passive,
            ..variant
        };
        let net = NodeAndTor::new()?;
        let v6 = variant.v6();
        let mut plan = Plan::new((TOR_ASN, address(true, v6)), (NODE_ASN, address(false, v6)));
        plan.announce = prefixes(Party::Tor, v6, ROUTES);
        plan.password = variant.md5.then(|| PASSWORD.to_owned());
        plan.passive = !variant.agent_passive && !variant.both_active;
        plan.ttl_security = variant.ttl_security;
        plan.hold_time = variant.hold();
        let router = peers::start(kind, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let documents = documents(variant, ROUTES);
        let agent = Agent::start_with(lab, &net.node, &documents, more)?;
        Ok(Self {
            lab,
            net,
            agent,
            router,
            kind,
            plan,
            variant,
        })
    }

    /// Starts both and waits until all routes are where they should be.
    ///
    /// # Errors
    /// When they are not in time.
    pub fn converged(lab: &'a Lab, kind: Kind, variant: Variant) -> Result<Self> {
        let pair = Self::start(lab, kind, variant)?;
        pair.await_established()?;
        pair.await_everything()?;
        Ok(pair)
    }

    /// Where the files of the test are; those of the other router are in `tor`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.lab.directory()
    }

    pub(super) fn tor_address(&self) -> IpAddr {
        address(true, self.variant.v6())
    }

    /// Both sides say that the session is up.
    ///
    /// # Errors
    /// When they do not in time.
    pub fn await_established(&self) -> Result<()> {
        self.agent.await_state(PEER, "Established", UP)?;
        until(
            &format!("{} says Established", self.router.name()),
            SPREAD,
            || {
                let state = self.router.state()?;
                Ok(Look::when(state == "Established", || state))
            },
        )
    }

    /// The agent says that the session is not up.
    ///
    /// # Errors
    /// When it still does after `limit`.
    pub fn await_down(&self, limit: Duration) -> Result<()> {
        until("the agent's session is down", limit, || {
            let state = self.agent.session_state(PEER)?;
            Ok(Look::when(state != "Established", || state))
        })
    }

    /// Exactly these of the other router's prefixes are in the kernel as the agent's, through its address and the link.
    ///
    /// # Errors
    /// When they are not in time.
    pub fn await_kernel(&self, wanted: &[String], limit: Duration) -> Result<()> {
        let v6 = self.variant.v6();
        let wanted: BTreeSet<String> = wanted.iter().cloned().collect();
        let what = format!("{} routes of the peer in the kernel", wanted.len());
        let routes = until(&what, limit, || {
            let routes = kernel::ours(&self.net.node, v6)?;
            let have: BTreeSet<String> = routes.iter().map(|r| r.prefix.clone()).collect();
            if have == wanted {
                return Ok(Look::Done(routes));
            }
            let example = wanted
                .symmetric_difference(&have)
                .next()
                .cloned()
                .unwrap_or_default();
            Ok(Look::NotYet(format!(
                "{} routes; differs at {example}",
                have.len()
            )))
        })?;
        // IPv6 next hops with a link-local part go by that part.
        let global = self.tor_address().to_string();
        for route in routes {
            let [leg] = &route.legs[..] else {
                bail!("{} legs: {route:?}", route.legs.len())
            };
            let gateway = leg.gateway.as_deref().unwrap_or_default();
            ensure!(
                gateway == global || gateway.starts_with("fe80:"),
                "odd gateway: {route:?}"
            );
            ensure!(
                leg.device.as_deref() == Some("up0"),
                "odd device: {route:?}"
            );
        }
        Ok(())
    }

    /// The other router has exactly these prefixes from the agent.
    ///
    /// # Errors
    /// When it has not in time.
    pub fn await_peer_has(&self, wanted: &[String], limit: Duration) -> Result<()> {
        let wanted: BTreeSet<String> = wanted.iter().cloned().collect();
        let what = format!(
            "{} has {} routes from the agent",
            self.router.name(),
            wanted.len()
        );
        until(&what, limit, || {
            let have = self.router.received(self.variant.v6())?;
            Ok(Look::when(have == wanted, || {
                let example = wanted.symmetric_difference(&have).next().cloned();
                format!(
                    "{} routes; differs at {}",
                    have.len(),
                    example.unwrap_or_default()
                )
            }))
        })
    }

    /// All routes of both are with the other, and in the kernel.
    ///
    /// # Errors
    /// When they are not in time.
    pub fn await_everything(&self) -> Result<()> {
        self.await_kernel(&self.plan.announce, SPREAD)?;
        self.await_peer_has(&prefixes(Party::Node, self.variant.v6(), ROUTES), SPREAD)
    }

    /// Starts the other router, which was killed, on the same configuration.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_router_again(&mut self) -> Result<()> {
        self.router = peers::start(
            self.kind,
            &self.net.tor,
            &self.lab.subdirectory("tor")?,
            &self.plan,
        )?;
        Ok(())
    }

    /// The last error that the agent's status tells of the session, as text.
    ///
    /// # Errors
    /// When the agent does not answer.
    pub fn last_words(&self) -> Result<String> {
        self.agent.ask(&["show", "peer", PEER])
    }
}
