//! Peers that are known by their interface: who is there is seen by the room `ndp`, and what follows from it is done here.

use std::sync::Arc;

use super::settings::Settings;
use super::{Command, Speaker, SpeakerError};
use crate::desired::Peer;
use crate::ndp::{Discovery, Watch};

impl Speaker {
    /// Who is on the links that peers name: rung when that is somebody else.
    pub fn discovery(&self) -> Discovery {
        self.discovery.clone()
    }

    /// Begins to look for a peer, if it is known by its interface.
    pub(super) fn watch(&self, peer: &Peer) -> Option<Watch> {
        let interface = peer.interface.as_ref()?;
        Some(self.discovery.watch(interface))
    }

    /// Somebody came, went, or has another address: peers are told of it, and connections are taken from where they are now.
    pub async fn neighbours_changed(&mut self) -> Result<(), SpeakerError> {
        for (key, peer) in &mut self.peers {
            let (Some(watch), Some(router)) = (&peer.watch, self.routers.get(&key.router)) else {
                continue;
            };
            let (config, addresses) = (peer.config.clone(), Arc::clone(&self.addresses));
            let settings =
                Settings::new(config, Arc::clone(&router.config), addresses).seen(Some(watch));
            if peer.snapshot.lock().settings.sighting() == settings.sighting()
                && peer.remote == settings.remote()
            {
                continue;
            }
            let before = std::mem::replace(&mut peer.remote, settings.remote());
            if before != peer.remote
                && let Some(port) = peer.port.take()
                && let (Some(listener), Some(remote)) = (self.listeners.get(&port), before)
            {
                listener.dismiss(remote, &peer.commands);
            }
            // A task that is gone is being removed.
            let _ = peer
                .commands
                .send(Command::Configure(Box::new(settings)))
                .await;
        }
        self.open_listeners()
    }
}
