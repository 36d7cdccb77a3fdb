//! A peer made of a TCP socket and bytes: for what no real daemon would say.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use bgp_wire::{Asn, AttrScratch, NextHop, SessionContext, decode_update};
use ipnet::IpNet;
use rustix::net::sockopt::Timeout;
use rustix::net::{self, AddressFamily, SocketType};

use crate::netns::Namespace;

/// A BGP message as it stands on the wire: its type and what follows the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// 1 OPEN, 2 UPDATE, 3 NOTIFICATION, 4 KEEPALIVE, 5 ROUTE-REFRESH.
    pub kind: u8,
    /// The body.
    pub body: Vec<u8>,
}

/// A connection to the agent.
#[derive(Debug)]
pub struct RawPeer {
    stream: TcpStream,
    heard: Vec<u8>,
    /// What the UPDATEs taken in by [`RawPeer::await_told`] came to.
    told: Told,
}

/// Each prefix that the agent announces, with its next hop.
pub type Told = BTreeMap<IpNet, NextHop>;

/// Puts the header (marker, length, type) in front of a body.
#[must_use]
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(19 + body.len()).unwrap_or(u16::MAX);
    let mut out = vec![0xff; 16];
    out.extend(length.to_be_bytes());
    out.push(kind);
    out.extend(body);
    out
}

/// An OPEN with four-octet AS and both unicast families.
#[must_use]
pub fn open(asn: u32, hold_time: u16, router_id: [u8; 4]) -> Vec<u8> {
    open_with(asn, hold_time, router_id, &[])
}

/// As [`open`], with more capabilities, as they stand on the wire.
#[must_use]
pub fn open_with(asn: u32, hold_time: u16, router_id: [u8; 4], more: &[u8]) -> Vec<u8> {
    let mut capabilities = vec![1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 65, 4];
    capabilities.extend(asn.to_be_bytes());
    capabilities.extend(more);
    let mut body = vec![4];
    body.extend(u16::try_from(asn).unwrap_or(23456).to_be_bytes());
    body.extend(hold_time.to_be_bytes());
    body.extend(router_id);
    let length = u8::try_from(capabilities.len()).unwrap_or(u8::MAX);
    body.extend([length + 2, 2, length]);
    body.extend(capabilities);
    message(1, &body)
}

/// An UPDATE that announces IPv4 prefixes, as they stand on the wire, with this ORIGIN, an AS_PATH of one AS, and the router's end of
/// the link as the next hop.
#[must_use]
pub fn ipv4_update(asn: u32, origin: u8, nlri: &[u8]) -> Vec<u8> {
    let [a, b, c, d] = asn.to_be_bytes();
    let attributes = [
        &[0x40, 1, 1, origin][..],
        &[0x40, 2, 6, 2, 1, a, b, c, d],
        &[0x40, 3, 4, 10, 12, 0, 1],
    ]
    .concat();
    let length = u8::try_from(attributes.len()).unwrap_or(u8::MAX);
    message(2, &[&[0, 0, 0, length], &attributes[..], nlri].concat())
}

/// A KEEPALIVE.
#[must_use]
pub fn keepalive() -> Vec<u8> {
    message(4, &[])
}

impl RawPeer {
    /// Connects from an address inside a namespace, trying until `limit` passes.
    ///
    /// # Errors
    /// When the connection is not made in time.
    pub fn connect(namespace: &Namespace, remote: IpAddr, limit: Duration) -> Result<Self> {
        let remote = SocketAddr::new(remote, 179);
        let stream = namespace.enter(|| {
            let start = Instant::now();
            loop {
                match TcpStream::connect_timeout(&remote, limit) {
                    Ok(stream) => return Ok(stream),
                    Err(error) if start.elapsed() > limit => {
                        return Err(error).with_context(|| format!("cannot connect to {remote}"));
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(50)),
                }
            }
        })?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            heard: Vec::new(),
            told: Told::new(),
        })
    }

    /// Connects from one of several addresses of a namespace.
    ///
    /// # Errors
    /// When it is refused, or there is no answer in time.
    pub fn connect_from(
        namespace: &Namespace,
        local: IpAddr,
        remote: IpAddr,
        limit: Duration,
    ) -> Result<Self> {
        let stream = namespace.enter(|| {
            let family = match local {
                IpAddr::V4(_) => AddressFamily::INET,
                IpAddr::V6(_) => AddressFamily::INET6,
            };
            let socket = net::socket(family, SocketType::STREAM, None)?;
            // That is how long connect(2) waits.
            net::sockopt::set_socket_timeout(&socket, Timeout::Send, Some(limit))?;
            net::bind(&socket, &SocketAddr::new(local, 0))?;
            net::connect(&socket, &SocketAddr::new(remote, 179))?;
            Ok(TcpStream::from(socket))
        })?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            heard: Vec::new(),
            told: Told::new(),
        })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection is closed.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("cannot send")
    }

    /// Sends the same bytes again and again until then, without reading anything, and says how often. The last time is cut short
    /// when the agent takes nothing more for long.
    ///
    /// # Errors
    /// When the connection is closed.
    pub fn flood(&mut self, bytes: &[u8], until: Instant) -> Result<u64> {
        const PATIENCE: Duration = Duration::from_secs(2);
        self.stream
            .set_write_timeout(Some(Duration::from_millis(100)))?;
        let (mut times, mut at) = (0, 0);
        while Instant::now() < until || (at > 0 && Instant::now() < until + PATIENCE) {
            match self.stream.write(&bytes[at..]) {
                Ok(count) => at += count,
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                Err(e) => return Err(e).context("cannot send"),
            }
            if at == bytes.len() {
                (times, at) = (times + 1, 0);
            }
        }
        self.stream.set_write_timeout(None)?;
        Ok(times)
    }

    /// The next message; `None` when the agent has closed the connection.
    ///
    /// # Errors
    /// When none comes in time or what comes is not BGP.
    pub fn receive(&mut self, limit: Duration) -> Result<Option<Message>> {
        let end = Instant::now() + limit;
        loop {
            if let Some(message) = self.take_message()? {
                return Ok(Some(message));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("no message within {:.1} s", limit.as_secs_f64());
            }
            self.stream.set_read_timeout(Some(left))?;
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(n) => self.heard.extend(&buffer[..n]),
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                Err(e) if e.kind() == ErrorKind::ConnectionReset => return Ok(None),
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// The next message of a type; others before it are passed over.
    ///
    /// # Errors
    /// When the connection ends first or none comes in time.
    pub fn await_kind(&mut self, kind: u8, limit: Duration) -> Result<Message> {
        let end = Instant::now() + limit;
        loop {
            match self.receive(end.saturating_duration_since(Instant::now()))? {
                Some(message) if message.kind == kind => return Ok(message),
                Some(_) => {}
                None => bail!("the connection was closed before a message of type {kind}"),
            }
        }
    }

    /// Takes in UPDATEs of the agent, of AS `asn`, until what it has told is `wanted`.
    ///
    /// # Errors
    /// When it is not in time, or the session ends.
    pub fn await_told(&mut self, asn: u32, wanted: &Told, limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        while self.told != *wanted {
            let left = end.saturating_duration_since(Instant::now());
            let changes = self.update(asn, left).with_context(|| {
                let told = &self.told;
                format!("told so far: {told:?}, wanted: {wanted:?}")
            })?;
            for (prefix, next_hop) in changes {
                match next_hop {
                    Some(next_hop) => self.told.insert(prefix, next_hop),
                    None => self.told.remove(&prefix),
                };
            }
        }
        Ok(())
    }

    /// What UPDATEs of the agent, of AS `asn`, announce (true) or withdraw, in order, until it is at least `n` prefixes.
    ///
    /// # Errors
    /// As [`RawPeer::await_told`].
    pub fn changes(&mut self, asn: u32, n: usize, limit: Duration) -> Result<Vec<(bool, IpNet)>> {
        let end = Instant::now() + limit;
        let mut changes = Vec::new();
        while changes.len() < n {
            let left = end.saturating_duration_since(Instant::now());
            let update = self.update(asn, left)?;
            changes.extend(
                update
                    .into_iter()
                    .map(|(prefix, to)| (to.is_some(), prefix)),
            );
        }
        Ok(changes)
    }

    /// What the next UPDATE says: the next hop of each prefix, none if it is withdrawn.
    fn update(&mut self, asn: u32, limit: Duration) -> Result<Vec<(IpNet, Option<NextHop>)>> {
        let session = SessionContext::new(Asn(0), Asn(asn));
        let mut scratch = AttrScratch::new();
        let message = self.receive(limit)?.context("the connection was closed")?;
        match message.kind {
            2 => {}
            3 => bail!("NOTIFICATION {:?}", message.body),
            _ => return Ok(Vec::new()),
        }
        let decoded = decode_update(&message.body, &session, &mut scratch)
            .map_err(|error| anyhow!("an UPDATE that is none: {error:?}"))?;
        let update = decoded.update;
        let mut changes: Vec<(IpNet, Option<NextHop>)> = Vec::new();
        changes.extend(
            update
                .withdrawn
                .iter_v4()
                .map(|(_, net)| (net.into(), None)),
        );
        let unreach = update.unreach.iter().flat_map(|u| u.nlri.iter_v6());
        changes.extend(unreach.map(|(_, net)| (net.into(), None)));
        if let Some(next_hop) = update.attrs.next_hop() {
            let announced = update.announced.iter_v4();
            changes.extend(announced.map(|(_, net)| (net.into(), Some(next_hop))));
        }
        if let (Some(reach), Some(next_hop)) =
            (update.reach, update.mp_attrs.and_then(|a| a.next_hop()))
        {
            let announced = reach.nlri.iter_v6();
            changes.extend(announced.map(|(_, net)| (net.into(), Some(next_hop))));
        }
        Ok(changes)
    }

    /// Code and subcode of the NOTIFICATION that comes.
    ///
    /// # Errors
    /// As [`RawPeer::await_kind`].
    pub fn await_notification(&mut self, limit: Duration) -> Result<(u8, u8)> {
        let message = self.await_kind(3, limit)?;
        match message.body[..] {
            [code, subcode, ..] => Ok((code, subcode)),
            _ => bail!("a NOTIFICATION without code and subcode"),
        }
    }

    /// Speaks OPEN and KEEPALIVE until the session is up.
    ///
    /// # Errors
    /// When the agent says something else.
    pub fn establish(&mut self, asn: u32, hold_time: u16, limit: Duration) -> Result<()> {
        self.establish_with(&open(asn, hold_time, [10, 255, 0, 9]), limit)
    }

    /// As [`RawPeer::establish`], with this OPEN.
    ///
    /// # Errors
    /// When the agent says something else.
    pub fn establish_with(&mut self, open: &[u8], limit: Duration) -> Result<()> {
        self.send(open)?;
        self.await_kind(1, limit)?;
        self.send(&keepalive())?;
        self.await_kind(4, limit)?;
        Ok(())
    }

    fn take_message(&mut self) -> Result<Option<Message>> {
        if self.heard.len() < 19 {
            return Ok(None);
        }
        if self.heard[..16] != [0xff; 16] {
            bail!(
                "the agent sent a marker that is none: {:02x?}",
                &self.heard[..16]
            );
        }
        let length = usize::from(u16::from_be_bytes([self.heard[16], self.heard[17]]));
        if length < 19 {
            bail!("the agent sent a message of length {length}");
        }
        if self.heard.len() < length {
            return Ok(None);
        }
        let message: Vec<u8> = self.heard.drain(..length).collect();
        Ok(Some(Message {
            kind: message[18],
            body: message[19..].to_vec(),
        }))
    }
}
