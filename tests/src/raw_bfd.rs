//! A BFD neighbour played by hand: a thread that sends a control packet every 50 ms, as it is told, and follows the state machine of
//! RFC 5880 §6.2 unless it is told otherwise. For what real daemons do not do when asked.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::netns::Namespace;

const INTERVAL: Duration = Duration::from_millis(50);
const DISCRIMINATOR: u32 = 0x0051_0001;

/// The states, as the Sta field has them.
pub const ADMIN_DOWN: u8 = 0;
/// Down.
pub const DOWN: u8 = 1;
/// Init.
pub const INIT: u8 = 2;
/// Up.
pub const UP: u8 = 3;

/// What the neighbour is and sends.
#[derive(Clone, Debug)]
pub struct RawBfd {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    state: Mutex<State>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    own: u8,
    /// Say this whatever is heard.
    forced: Option<u8>,
    theirs: Option<[u8; 24]>,
    heard: Option<Instant>,
    /// TTL and ports of what came, by the last packet.
    from: Option<SocketAddr>,
    sent: Option<Instant>,
}

impl RawBfd {
    /// Begins to speak from `local` to `remote`, with this TTL.
    ///
    /// # Errors
    /// When its sockets cannot be made.
    pub fn start(namespace: &Namespace, local: IpAddr, remote: IpAddr, ttl: u32) -> Result<Self> {
        let (ears, mouth) = namespace.enter(|| {
            let ears = UdpSocket::bind((local, 3784)).context("port 3784")?;
            let mouth = UdpSocket::bind((local, 50_000))?;
            mouth.set_ttl(ttl)?;
            mouth.connect((remote, 3784))?;
            Ok((ears, mouth))
        })?;
        ears.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            state: Mutex::new(State {
                own: DOWN,
                ..State::default()
            }),
            thread: Mutex::new(None),
        });
        let speaker = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            while !speaker.stop.load(Ordering::SeqCst) {
                let mut packet = [0; 64];
                while let Ok((length, from)) = ears.recv_from(&mut packet) {
                    if let Some(packet) = packet[..length].first_chunk::<24>() {
                        speaker.hear(*packet, from);
                    }
                }
                let words = speaker.words();
                let _ = mouth.send(&words);
                speaker.state.lock().expect("unpoisoned").sent = Some(Instant::now());
                thread::sleep(INTERVAL);
            }
        });
        *shared.thread.lock().expect("unpoisoned") = Some(thread);
        Ok(Self { shared })
    }

    /// Says nothing any more; when the last word was.
    #[must_use]
    pub fn silence(&self) -> Option<Instant> {
        self.shared.stop.store(true, Ordering::SeqCst);
        let thread = self.shared.thread.lock().expect("unpoisoned").take();
        let _ = thread.map(JoinHandle::join);
        self.shared.state.lock().expect("unpoisoned").sent
    }

    /// Says that it is in this state, whatever it hears; `None`: in the one that it should be in.
    pub fn force(&self, state: Option<u8>) {
        let mut own = self.shared.state.lock().expect("unpoisoned");
        own.forced = state;
        own.own = DOWN;
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> u8 {
        self.shared.state.lock().expect("unpoisoned").own
    }

    /// The last packet that it heard, and where that came from.
    #[must_use]
    pub fn heard(&self) -> Option<([u8; 24], SocketAddr)> {
        let state = self.shared.state.lock().expect("unpoisoned");
        state.theirs.zip(state.from)
    }
}

impl Shared {
    fn hear(&self, packet: [u8; 24], from: SocketAddr) {
        let mut state = self.state.lock().expect("unpoisoned");
        let theirs = packet[1] >> 6;
        state.theirs = Some(packet);
        state.from = Some(from);
        state.heard = Some(Instant::now());
        state.own = match (state.own, theirs) {
            (_, ADMIN_DOWN) => DOWN,
            (DOWN, DOWN) => INIT,
            (DOWN, INIT) | (INIT, INIT | UP) => UP,
            (UP, DOWN) => DOWN,
            (own, _) => own,
        };
    }

    fn words(&self) -> [u8; 24] {
        let state = self.state.lock().expect("unpoisoned");
        let mut packet = [0; 24];
        packet[0] = 1 << 5;
        // A poll is answered with the next packet.
        let polled = state.theirs.is_some_and(|theirs| theirs[1] & 0x20 != 0);
        packet[1] = state.forced.unwrap_or(state.own) << 6 | if polled { 0x10 } else { 0 };
        packet[2] = 3;
        packet[3] = 24;
        packet[4..8].copy_from_slice(&DISCRIMINATOR.to_be_bytes());
        if let Some(theirs) = state.theirs {
            packet[8..12].copy_from_slice(&theirs[4..8]);
        }
        let interval = 50_000u32.to_be_bytes();
        packet[12..16].copy_from_slice(&interval);
        packet[16..20].copy_from_slice(&interval);
        packet
    }
}

impl Drop for RawBfd {
    fn drop(&mut self) {
        if Arc::strong_count(&self.shared) <= 2 {
            let _ = self.silence();
        }
    }
}
