//! EDGE. The loop of one link: it opens the socket when the link can be used, feeds the machine, sends what it says, and publishes who was seen.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::ndp::{Link, Own};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, watch};

use super::handle::{FindLink, is_held};
use super::sighting::{Found, NamedLink, Sighting, Stage};
use super::socket::RawSocket;
use crate::seldom::Seldom;

/// Messages read in one turn.
const READS: usize = 32;
/// How long a flood waits after a turn that read so many. Two routers send a message every few seconds.
const REST: Duration = Duration::from_millis(20);
/// When a socket that could not be opened is tried again, if nothing changes before.
const AGAIN: Duration = Duration::from_secs(5);

/// See the top of this file.
pub(super) struct LinkTask {
    interface: Arc<str>,
    find: FindLink,
    links: watch::Receiver<()>,
    sighting: watch::Sender<Sighting>,
    news: Arc<Notify>,
    held: Arc<()>,
    seed: u64,
    stage: At,
    unsent: Seldom,
}

/// How far it is.
enum At {
    Waits(Stage),
    Speaks(Box<Speaking>),
}

/// A link that can be used.
struct Speaking {
    named: NamedLink,
    machine: Link,
    socket: AsyncFd<RawSocket>,
}

impl LinkTask {
    pub(super) fn new(
        interface: Arc<str>,
        find: FindLink,
        links: watch::Receiver<()>,
        sighting: watch::Sender<Sighting>,
        news: Arc<Notify>,
        held: Arc<()>,
        seed: u64,
    ) -> Self {
        Self {
            interface,
            find,
            links,
            sighting,
            news,
            held,
            seed,
            stage: At::Waits(Stage::NoInterface),
            unsent: Seldom::default(),
        }
    }

    /// Until it is aborted, or all of the discovery is gone. All that is awaited is cancel-safe.
    pub(super) async fn run(mut self) {
        loop {
            self.look(Instant::now());
            self.say(Instant::now());
            self.publish();
            let due = self.due().into();
            let more = tokio::select! {
                changed = self.links.changed() => match changed {
                    Ok(()) => false,
                    Err(_) => return,
                },
                more = heard(&mut self.stage, &self.held) => more,
                () = tokio::time::sleep_until(due) => false,
            };
            if more {
                tokio::time::sleep(REST).await;
            }
        }
    }

    /// Whether the link is there and can be used, and who we are on it. A link that went down, has another index or another address of
    /// ours is begun with anew: who was on it may not be any more.
    fn look(&mut self, now: Instant) {
        let found = (self.find)(&self.interface);
        if let (At::Speaks(speaking), Some(named)) = (&self.stage, found)
            && speaking.named == named
        {
            return;
        }
        self.stage = match found {
            None => At::Waits(Stage::NoInterface),
            Some(NamedLink { up: false, .. }) => At::Waits(Stage::LinkDown),
            Some(NamedLink { address: None, .. }) => At::Waits(Stage::NoLinkLocal),
            Some(
                named @ NamedLink {
                    address: Some(address),
                    ..
                },
            ) => {
                let own = Own {
                    address,
                    link_address: named.link_address,
                };
                let socket = RawSocket::open(&self.interface, named.index, address);
                match socket.and_then(registered) {
                    Ok(socket) => {
                        tracing::info!(interface = %self.interface, %address, "looking for a neighbour");
                        self.seed = self.seed.rotate_left(7) ^ u64::from(named.index);
                        At::Speaks(Box::new(Speaking {
                            named,
                            machine: Link::new(own, self.seed, now),
                            socket,
                        }))
                    }
                    Err(error) => At::Waits(Stage::Failed(told(&error))),
                }
            }
        };
    }

    /// Sends what is due. What cannot be sent is lost, as on a wire.
    fn say(&mut self, now: Instant) {
        let At::Speaks(speaking) = &mut self.stage else {
            return;
        };
        while let Some(transmit) = speaking.machine.poll_transmit(now) {
            if let Err(error) = speaking.socket.get_ref().send(&transmit)
                && let Some(unsaid) = self.unsent.count(1, now)
            {
                let interface = &self.interface;
                tracing::warn!(%interface, %error, unsaid, "cannot advertise ourselves");
            }
        }
    }

    fn due(&self) -> Instant {
        match &self.stage {
            At::Speaks(speaking) => speaking.machine.poll_timeout(),
            At::Waits(_) => Instant::now() + AGAIN,
        }
    }

    fn publish(&self) {
        let (stage, others) = match &self.stage {
            At::Waits(stage) => (stage.clone(), Vec::new()),
            At::Speaks(speaking) => {
                let link = speaking.named.index;
                let stage = match speaking.machine.neighbour() {
                    Some(address) => Stage::Found(Found { address, link }),
                    None => Stage::Listening,
                };
                (stage, speaking.machine.others().collect())
            }
        };
        let seen = Sighting {
            interface: Arc::clone(&self.interface),
            stage,
            others,
        };
        let before = self.sighting.borrow().clone();
        if seen == before {
            return;
        }
        match (&seen.stage, seen.stage == before.stage) {
            (Stage::Failed(_), false) => tracing::error!("{seen}"),
            _ if !seen.others.is_empty() && seen.others.len() != before.others.len() => {
                tracing::warn!("{seen}");
            }
            (_, false) => tracing::info!("{seen}"),
            _ => {}
        }
        self.sighting.send_replace(seen);
        self.news.notify_one();
    }
}

/// Waits for messages and hands them to the machine. True if there were as many as one turn takes. For ever without a socket.
async fn heard(stage: &mut At, held: &Arc<()>) -> bool {
    let At::Speaks(speaking) = stage else {
        return std::future::pending().await;
    };
    let Speaking {
        machine, socket, ..
    } = &mut **speaking;
    let Ok(mut ready) = socket.readable_mut().await else {
        return true;
    };
    for _ in 0..READS {
        let now = Instant::now();
        let read = ready.try_io(|socket| {
            let (octets, arrival) = socket.get_mut().receive()?;
            Ok(machine.handle_message(octets, &arrival, is_held(held), now))
        });
        match read {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(why))) => tracing::trace!(%why, "message discarded"),
            // What the socket has to say of a link that went down is said by the link, too.
            Ok(Err(error)) => tracing::debug!(%error, "cannot read"),
            Err(_would_block) => return false,
        }
    }
    true
}

/// Has the runtime tell when there is something to read.
fn registered(socket: RawSocket) -> io::Result<AsyncFd<RawSocket>> {
    #[expect(
        unsafe_code,
        reason = "who registers a descriptor has to promise that it stays open"
    )]
    // SAFETY: a RawSocket owns its descriptor, which is the same and open for as long as it lives, and lends it to nobody.
    let registered = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) };
    registered.map_err(|error| error.into_parts().1)
}

fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("{error}; a raw socket needs root or CAP_NET_RAW")
        }
        _ => error.to_string(),
    }
}
