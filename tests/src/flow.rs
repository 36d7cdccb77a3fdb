//! Packets of a flow between two namespaces, there and back, counted.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::Namespace;

/// Packets that leave together, each millisecond.
const BURST: u32 = 4;
/// After the last packet left, echoes may be under way for this long.
const LINGER: Duration = Duration::from_secs(2);
/// So much may wait in a socket: a second of the flow, as the receiving thread may be kept waiting.
const BUFFER: usize = 16 << 20;

fn socket(namespace: &Namespace, at: SocketAddr) -> Result<UdpSocket> {
    let socket = namespace.enter(|| UdpSocket::bind(at).with_context(|| format!("bind {at}")))?;
    rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER)?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    Ok(socket)
}

/// How many packets of a flow came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Sent, each with a number of its own.
    pub sent: u32,
    /// Those whose echo came back.
    pub back: u32,
}

/// Sends `count` UDP packets from one address to the other, whose end sends each back, while `meanwhile` goes on: an echo is lost if
/// there is no way for it in either direction. `meanwhile` is told how many have left.
///
/// # Errors
/// When a socket fails, `meanwhile` does, or it takes longer than the flow.
pub fn echo(
    (client, client_at): (&Namespace, SocketAddr),
    (server, server_at): (&Namespace, SocketAddr),
    count: u32,
    meanwhile: impl FnOnce(&AtomicU32) -> Result<()>,
) -> Result<Counted> {
    let from = socket(client, client_at)?;
    let to = socket(server, server_at)?;
    let (left, over) = (AtomicU32::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let sender = scope.spawn(|| send(&from, server_at, count, &left));
        scope.spawn(|| send_back(&to, &over));
        let receiver = scope.spawn(|| receive(&from, count, &over));
        let result = meanwhile(&left);
        let in_time = left.load(Ordering::Relaxed) < count;
        sender.join().expect("the sender does not panic")?;
        thread::sleep(LINGER);
        over.store(true, Ordering::Relaxed);
        let back = receiver.join().expect("the receiver does not panic");
        result?;
        ensure!(in_time, "the flow was over before the rest");
        Ok(Counted { sent: count, back })
    })
}

fn send(socket: &UdpSocket, to: SocketAddr, count: u32, left: &AtomicU32) -> Result<()> {
    let start = Instant::now();
    for number in 0..count {
        // Without a way there is an error instead of a packet; it is lost all the same.
        let _ = socket.send_to(&number.to_be_bytes(), to);
        left.store(number + 1, Ordering::Relaxed);
        if (number + 1) % BURST == 0 {
            let due = start + Duration::from_millis(u64::from((number + 1) / BURST));
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
    Ok(())
}

fn send_back(socket: &UdpSocket, over: &AtomicBool) {
    let mut packet = [0; 16];
    while !over.load(Ordering::Relaxed) {
        if let Ok((length, from)) = socket.recv_from(&mut packet) {
            let _ = socket.send_to(&packet[..length], from);
        }
    }
}

fn receive(socket: &UdpSocket, count: u32, over: &AtomicBool) -> u32 {
    let mut seen = vec![false; count as usize];
    let mut packet = [0; 16];
    while !over.load(Ordering::Relaxed) {
        if let Ok((4, _)) = socket.recv_from(&mut packet) {
            let number = u32::from_be_bytes([packet[0], packet[1], packet[2], packet[3]]);
            if let Some(seen) = seen.get_mut(number as usize) {
                *seen = true;
            }
        }
    }
    seen.into_iter().map(u32::from).sum()
}
