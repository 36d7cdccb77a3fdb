//! Real BGP daemons, each in a namespace of its own, in the foreground, with a private directory.
//!
//! All take the same [`Plan`]: who they are, whom they talk to, what they announce. [`start`] writes the configuration and
//! starts one; [`Router`] asks and changes it in the way its own users would (birdc, vtysh, gobgp, bgpctl, ExaBGP's API).

mod bird;
mod exabgp;
mod frr;
mod gobgp;
mod mrt;
mod openbgpd;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use rustix::process::Signal;

use crate::netns::{Namespace, send};
use crate::process::{Daemon, descendants};

/// Which daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// BIRD 2 (package bird2).
    Bird,
    /// FRR's bgpd without zebra (package frr).
    Frr,
    /// GoBGP (package gobgpd).
    GoBgp,
    /// OpenBGPD (package openbgpd).
    OpenBgpd,
    /// ExaBGP (package exabgp).
    ExaBgp,
}

impl Kind {
    /// Whether its listener takes connections with TCP-MD5. OpenBGPD 7.7's on Linux does not get the keys (the kernel counts
    /// `TCPMD5Unexpected`); it protects the connections that it makes.
    #[must_use]
    pub fn listens_with_md5(self) -> bool {
        self != Self::OpenBgpd
    }
}

/// What a daemon is to do: one session, and routes of its own.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its AS.
    pub asn: u32,
    /// Its router id.
    pub router_id: String,
    /// Its address.
    pub local: IpAddr,
    /// The other's address.
    pub remote: IpAddr,
    /// The other's AS.
    pub remote_asn: u32,
    /// It waits for the connection and never makes one.
    pub passive: bool,
    /// The TCP-MD5 password.
    pub password: Option<String>,
    /// TCP-AO keys; BIRD 3 only.
    pub keys: Vec<AoKey>,
    /// Generalised TTL security (RFC 5082) for a direct neighbour.
    pub ttl_security: bool,
    /// Its role (RFC 9234), in its own words; BIRD, FRR and OpenBGPD only.
    pub role: Option<&'static str>,
    /// BFD, 50 ms each way and a multiplier of three; BIRD and FRR only. With graceful restart its end is not that of the session's routes
    /// (RFC 5882 §4.3).
    pub bfd: bool,
    /// The other one is several hops away; BIRD and FRR only.
    pub multihop: bool,
    /// The hold time, in seconds.
    pub hold_time: u16,
    /// What it announces, all of the family of `local`.
    pub announce: Vec<String>,
    /// IPv4 routes with the IPv6 next hop of the session (RFC 8950), beside the session's own family.
    pub announce_v4_over_v6: Vec<String>,
    /// Graceful restart; BIRD, FRR and GoBGP only.
    pub restart: Option<Restart>,
    /// In place of `remote`: whoever is on these interfaces, of another AS, or of its own where both numbers are the same. Routes are
    /// of both families. That is FRR; BIRD has `remote`, which is link-local, on the one interface, and advertises itself there.
    pub interfaces: Vec<&'static str>,
}

/// A TCP-AO key (RFC 5925), as the daemon that has it sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AoKey {
    /// The KeyID of what it signs.
    pub send: u8,
    /// The KeyID of what the other signs.
    pub recv: u8,
    /// How, in BIRD's words.
    pub algorithm: &'static str,
    /// The secret.
    pub secret: String,
    /// It asks for this one.
    pub preferred: bool,
}

/// Graceful restart of a daemon.
#[derive(Clone, Copy, Debug)]
pub struct Restart {
    /// How long the other is to wait for it, in seconds.
    pub time: u16,
    /// How long its routes are long-lived after that; BIRD, FRR and GoBGP only.
    pub long_lived: Option<u32>,
    /// It takes up what a process before it has left.
    pub again: bool,
}

impl Plan {
    /// A plan with a hold time of nine seconds and nothing announced.
    #[must_use]
    pub fn new((asn, local): (u32, IpAddr), (remote_asn, remote): (u32, IpAddr)) -> Self {
        Self {
            asn,
            router_id: "10.255.0.1".into(),
            local,
            remote,
            remote_asn,
            passive: false,
            password: None,
            keys: Vec::new(),
            ttl_security: false,
            role: None,
            bfd: false,
            multihop: false,
            hold_time: 9,
            announce: Vec::new(),
            announce_v4_over_v6: Vec::new(),
            restart: None,
            interfaces: Vec::new(),
        }
    }

    /// The same AS on whoever is on these interfaces.
    #[must_use]
    pub fn by_interface(asn: u32, remote_asn: u32, interfaces: &[&'static str]) -> Self {
        let nobody = IpAddr::from([0u16; 8]);
        Self {
            interfaces: interfaces.to_vec(),
            ..Self::new((asn, nobody), (remote_asn, nobody))
        }
    }

    /// Whether the session, and so its routes, are IPv6.
    #[must_use]
    pub fn v6(&self) -> bool {
        self.local.is_ipv6()
    }
}

/// A running daemon.
pub trait Router {
    /// Its name, for messages.
    fn name(&self) -> &'static str;

    /// The word it has for the state of the session; `Established` when up.
    ///
    /// # Errors
    /// When it does not answer.
    fn state(&self) -> Result<String>;

    /// The prefixes it has from the other, of the family given.
    ///
    /// # Errors
    /// When it does not answer.
    fn received(&self, v6: bool) -> Result<BTreeSet<String>>;

    /// The word it has for the state of BFD, in lower case; `up` when up.
    ///
    /// # Errors
    /// When it does not answer, or has no BFD.
    fn bfd_state(&self) -> Result<String> {
        bail!("{} has no BFD here", self.name())
    }

    /// Takes its BFD down administratively, or up again.
    ///
    /// # Errors
    /// When it refuses, or has no BFD.
    fn shut_bfd(&mut self, _shut: bool) -> Result<()> {
        bail!("{} has no BFD here that can be shut down", self.name())
    }

    /// Announces exactly these instead of what it announced before, on the running session.
    ///
    /// # Errors
    /// When it refuses.
    fn announce(&mut self, prefixes: &[String]) -> Result<()>;

    /// Has these TCP-AO keys instead of those that it had, on the running session.
    ///
    /// # Errors
    /// When it refuses, or has no TCP-AO.
    fn rekey(&mut self, _keys: &[AoKey]) -> Result<()> {
        bail!("{} has no TCP-AO here", self.name())
    }

    /// The daemon that speaks BGP.
    fn daemon(&mut self) -> &mut Daemon;

    /// Ends all its processes without a word.
    fn kill(&mut self) {
        self.daemon().kill();
    }

    /// Stops all its processes where they are: it neither speaks nor closes anything.
    fn pause(&mut self) {
        each_process(self.daemon(), Signal::STOP);
    }

    /// Lets them go on.
    fn resume(&mut self) {
        each_process(self.daemon(), Signal::CONT);
    }
}

fn each_process(daemon: &Daemon, signal: Signal) {
    let pid = daemon.pid();
    std::iter::once(pid)
        .chain(descendants(pid))
        .for_each(|pid| send(pid, signal));
}

/// Starts a daemon. It may take a moment until it answers.
///
/// # Errors
/// When its package is not installed or it does not start.
pub fn start(
    kind: Kind,
    namespace: &Namespace,
    directory: &Path,
    plan: &Plan,
) -> Result<Box<dyn Router>> {
    std::fs::create_dir_all(directory)?;
    Ok(match kind {
        Kind::Bird => Box::new(bird::Bird::start(namespace, directory, plan)?),
        Kind::Frr => Box::new(frr::Frr::start(namespace, directory, plan)?),
        Kind::GoBgp => Box::new(gobgp::GoBgp::start(namespace, directory, plan)?),
        Kind::OpenBgpd => Box::new(openbgpd::OpenBgpd::start(namespace, directory, plan)?),
        Kind::ExaBgp => Box::new(exabgp::ExaBgp::start(namespace, directory, plan)?),
    })
}

/// How long a daemon may take until it answers questions.
const START_LIMIT: Duration = Duration::from_secs(15);

/// What all of them keep.
#[derive(Debug)]
struct Common {
    namespace: String,
    directory: PathBuf,
    plan: Plan,
    daemon: Daemon,
}

impl Common {
    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}
