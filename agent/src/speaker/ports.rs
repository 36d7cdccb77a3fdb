//! The ports that are listened on: opened for the routers that want them, closed when none does, with all peers let in.

use std::io;
use std::sync::Arc;

use ipnet::IpNet;

use super::Speaker;
use super::listener::Listener;

impl Speaker {
    /// Opens the ports that routers want and that are not open, closes those that nobody wants, and lets in all peers
    /// that are not in yet. A port that cannot be opened is tried again at the next change.
    pub(super) fn open_listeners(&mut self) -> Result<(), SpeakerError> {
        let wanted: Vec<u16> = self
            .routers
            .values()
            .filter_map(|router| router.config.listen_port)
            .collect();
        self.listeners.retain(|port, _| {
            let keep = wanted.contains(port);
            if !keep {
                tracing::info!(
                    port,
                    "no longer listening: no router has this port any more"
                );
            }
            keep
        });
        let mut result = Ok(());
        for router in self.routers.values_mut() {
            let Some(port) = router.config.listen_port else {
                continue;
            };
            router.listen_error = None;
            if self.listeners.contains_key(&port) {
                continue;
            }
            match Listener::open(port) {
                Ok(listener) => {
                    tracing::info!(port = listener.port(), "listening");
                    self.listeners.insert(port, listener);
                }
                Err(source) => {
                    let error = SpeakerError::Listen { port, source };
                    router.listen_error = Some(error.to_string());
                    fail(&mut result, error);
                }
            }
        }
        // What one may not have while another one has it, an ID of a key for instance, is free once that one is as it should be.
        if self.admit_peers().is_err() | self.admit_dynamic().is_err() {
            for admitted in [self.admit_peers(), self.admit_dynamic()] {
                if let Err(error) = admitted {
                    fail(&mut result, error);
                }
            }
        }
        result
    }

    /// Lets in the peers that are not in yet.
    fn admit_peers(&mut self) -> Result<(), SpeakerError> {
        let mut result = Ok(());
        for (key, peer) in &mut self.peers {
            let port = self
                .routers
                .get(&key.router)
                .and_then(|router| router.config.listen_port);
            if peer.port.is_some() {
                continue;
            }
            let listener = port.and_then(|port| self.listeners.get(&port));
            let mut refused: Option<Arc<str>> = None;
            if let (Some(listener), Some(remote)) = (listener, peer.remote) {
                let (config, commands) = (&peer.config, peer.commands.clone());
                let signed = config.authentication.as_ref();
                match listener.admit(remote, config.local_address, signed, commands) {
                    Ok(()) => peer.port = port,
                    Err(source) => {
                        refused = Some(source.to_string().into());
                        let remote = remote.to_string();
                        fail(&mut result, SpeakerError::Admit { remote, source });
                    }
                }
            }
            let mut snapshot = peer.snapshot.lock();
            if snapshot.not_let_in != refused {
                snapshot.not_let_in = refused;
                self.events.notify();
            }
        }
        result
    }
}

/// Whoever asked is told of the last thing that went wrong, and the log of those before it.
pub(super) fn fail(result: &mut Result<(), SpeakerError>, error: SpeakerError) {
    if let Err(before) = std::mem::replace(result, Err(error)) {
        tracing::error!(error = %before, "not everything could be applied");
    }
}

/// Why a change could not be carried out in full.
#[derive(Debug, thiserror::Error)]
pub enum SpeakerError {
    /// A port cannot be listened on.
    #[error(
        "cannot listen on TCP port {port}: {} ({})",
        source,
        listen_hint(source)
    )]
    Listen {
        /// The port.
        port: u16,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The keys of dynamic neighbours were refused by the listening socket.
    #[error("cannot set the keys for connections from {prefix}: {source}")]
    AdmitRange {
        /// Where they connect from.
        prefix: IpNet,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A peer's keys were refused by the listening socket.
    #[error("cannot set the keys for connections from {remote}: {source}")]
    Admit {
        /// The peer.
        remote: String,
        /// The kernel's answer.
        source: io::Error,
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
