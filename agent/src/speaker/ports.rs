//! The ports that are listened on: opened for the routers that want them, closed when none does, with all peers let in.

use std::collections::btree_map::Entry;
use std::io;
use std::time::{Duration, Instant};

use ipnet::IpNet;

use super::Speaker;
use super::guests::AdmitError;
use super::listener::Listener;
use crate::desired::NotLetIn;

/// Between two attempts to open a port that someone else has.
const RETRY: Duration = Duration::from_secs(5);

impl Speaker {
    /// Opens the ports that routers want and that are not open, lets in all peers that are not in yet, and closes the ports that no router
    /// is on any more. A router whose new port cannot be opened stays on the one that it is on. Whoever asked is told of the last thing
    /// that went wrong, and the log of those before it.
    pub(super) fn open_listeners(&mut self) -> Result<(), SpeakerError> {
        let mut errors = self.try_listeners();
        let last = errors.pop();
        for error in errors {
            tracing::error!(%error, "not everything could be applied");
        }
        last.map_or(Ok(()), Err)
    }

    fn try_listeners(&mut self) -> Vec<SpeakerError> {
        let mut errors = Vec::new();
        for router in self.routers.values_mut() {
            router.listen_error = None;
            let Some(port) = router.config.listen_port else {
                router.port = None;
                continue;
            };
            if let Entry::Vacant(place) = self.listeners.entry(port) {
                match Listener::open(port) {
                    Ok(listener) => {
                        tracing::info!(port = listener.port(), "listening");
                        place.insert(listener);
                    }
                    Err(source) => {
                        let stays = router.port;
                        let error = SpeakerError::Listen {
                            port,
                            source,
                            stays,
                        };
                        router.listen_error = Some(error.to_string());
                        errors.push(error);
                        continue;
                    }
                }
            }
            router.port = Some(port);
        }
        // What one may not have while another one has it, an ID of a key for instance, is free once that one is as it should be.
        if !(self.admit_peers().is_empty() & self.admit_dynamic().is_empty()) {
            errors.extend(self.admit_peers());
            errors.extend(self.admit_dynamic());
        }
        let routers = &self.routers;
        self.listeners.retain(|port, _| {
            let keep = routers.values().any(|router| router.port == Some(*port));
            if !keep {
                tracing::info!(
                    port,
                    "no longer listening: no router has this port any more"
                );
            }
            keep
        });
        errors
    }

    /// Tries again to open the ports that could not be opened, now and then. True if one is open now, or has become unneeded.
    pub fn retry_listeners(&mut self, now: Instant) -> bool {
        let waits = |speaker: &Self| {
            let routers = speaker.routers.values();
            routers
                .filter(|router| router.listen_error.is_some())
                .count()
        };
        let before = waits(self);
        if before == 0
            || self
                .retried
                .is_some_and(|at| now.duration_since(at) < RETRY)
        {
            return false;
        }
        self.retried = Some(now);
        // What was said when it failed first is so still.
        self.try_listeners();
        waits(self) < before
    }

    /// Lets in the peers that are not in yet.
    fn admit_peers(&mut self) -> Vec<SpeakerError> {
        let mut errors = Vec::new();
        for (key, peer) in &mut self.peers {
            let port = self.routers.get(&key.router).and_then(|router| router.port);
            if let (Some(before), Some(remote)) = (peer.port, peer.remote) {
                if peer.port == port {
                    continue;
                }
                peer.port = None;
                if let Some(listener) = self.listeners.get(&before) {
                    listener.dismiss(remote, &peer.commands);
                }
            }
            let listener = port.and_then(|port| self.listeners.get(&port));
            let mut refused = None;
            if let (Some(listener), Some(remote)) = (listener, peer.remote) {
                let (config, commands) = (&peer.config, peer.commands.clone());
                let signed = config.authentication.as_ref();
                match listener.admit(remote, config.local_address, signed, commands) {
                    Ok(()) => peer.port = port,
                    Err(source) => {
                        refused = Some(NotLetIn {
                            reason: source.reason(),
                            why: source.to_string().into(),
                        });
                        let remote = remote.to_string();
                        errors.push(SpeakerError::Admit { remote, source });
                    }
                }
            }
            let mut snapshot = peer.snapshot.lock();
            if snapshot.not_let_in != refused {
                snapshot.not_let_in = refused;
                self.events.notify();
            }
        }
        errors
    }
}

/// Why a change could not be carried out in full.
#[derive(Debug, thiserror::Error)]
pub enum SpeakerError {
    /// A port cannot be listened on.
    #[error(
        "cannot listen on TCP port {port}: {} ({}){}",
        source,
        listen_hint(source),
        staying(*stays)
    )]
    Listen {
        /// The port.
        port: u16,
        /// The kernel's answer.
        source: io::Error,
        /// The port that the router is on all the same.
        stays: Option<u16>,
    },
    /// Dynamic neighbours are not let in.
    #[error("connections from {prefix} are not taken: {source}")]
    AdmitRange {
        /// Where they connect from.
        prefix: IpNet,
        /// Why.
        source: AdmitError,
    },
    /// A peer is not let in.
    #[error("connections from {remote} are not taken: {source}")]
    Admit {
        /// The peer.
        remote: String,
        /// Why.
        source: AdmitError,
    },
}

fn listen_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another BGP daemon, or another cosmos, has it; stop that one, or set spec.listenPort of the BGPRouter"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need root or CAP_NET_BIND_SERVICE; or set spec.listenPort of the BGPRouter"
        }
        _ => "see spec.listenPort of the BGPRouter",
    }
}

fn staying(port: Option<u16>) -> String {
    port.map_or_else(String::new, |port| {
        format!("; port {port} stays in use until that one is free")
    })
}
