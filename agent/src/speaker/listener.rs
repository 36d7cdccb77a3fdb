//! EDGE. One listening socket for each port and family, shared by all routers of the node.
//!
//! A connection belongs to the peer whose remote address it comes from; where a peer has a local address of its own, the
//! connection must have come to that one. An address that is link-local is one only together with its link. Whoever is not
//! configured is refused with a reset, before a byte is read, and counted. Where nobody has the remote address, it belongs to
//! the dynamic neighbours whose prefix is the longest.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ipnet::IpNet;
use parking_lot::Mutex;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::connector;
use super::dynamic::DynamicCommand;
use super::guests::{
    AdmitError, Guest, Guests, Host, OTHER_KEYS, Remote, SAME_ADDRESS, told_apart,
};
use super::peer_task::Command;
use super::range_guests::Range;
use super::signature;
use super::tcp_options::{TtlRule, set_class, set_ttl};
use crate::desired::Authentication;
use crate::vital;

/// How many connections the kernel holds for us before we accept them; a rack that restarts dials all at once.
const BACKLOG: i32 = 1024;

/// A port that is listened on, in both families.
pub(super) struct Listener {
    port: u16,
    guests: Arc<Mutex<Guests>>, // leaf lock; held for a look-up, never across an await
    sockets: Vec<Arc<TcpListener>>,
    signed: Mutex<HashMap<IpNet, Authentication>>, // what the sockets have; leaf lock
    tasks: Vec<JoinHandle<()>>,
}

/// Connections refused because nobody with that address is configured, process-wide.
pub(super) static REFUSED: AtomicU64 = AtomicU64::new(0);
/// Connections of configured peers that came faster than the peer's task takes them, process-wide.
static TOO_MANY: AtomicU64 = AtomicU64::new(0);

impl Listener {
    /// Listens on `port` of every address, IPv4 and IPv6.
    pub(super) fn open(port: u16) -> io::Result<Self> {
        let guests = Arc::new(Mutex::new(Guests::default()));
        let mut sockets = Vec::new();
        for address in [
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        ] {
            match bind(SocketAddr::new(address, port)) {
                Ok(socket) => sockets.push(Arc::new(socket)),
                // A node without one of the families is fine; without both there is nothing to listen on.
                Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
                    tracing::info!(%address, port, "address family not available; not listening");
                }
                Err(error) => return Err(error),
            }
        }
        if sockets.is_empty() {
            return Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT));
        }
        let tasks = sockets
            .iter()
            .map(|socket| {
                let accepts = accept_loop(Arc::clone(socket), Arc::clone(&guests));
                vital::spawn(format!("listener on port {port}"), accepts)
            })
            .collect();
        Ok(Self {
            port,
            guests,
            sockets,
            signed: Mutex::default(),
            tasks,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Lets a peer in; its connections go to `commands`. Which peers are wanted beside each other is judged by the ports that routers are to
    /// be on; a router whose port cannot be opened is still on another one, and must not lose its neighbours to those who come.
    pub(super) fn admit(
        &self,
        remote: Remote,
        local: Option<IpAddr>,
        authentication: Option<&Authentication>,
        commands: mpsc::Sender<Command>,
    ) -> Result<(), AdmitError> {
        {
            let guests = self.guests.lock();
            for other in guests.by_remote.get(&remote).into_iter().flatten() {
                if !told_apart(local, other.local) {
                    return Err(AdmitError::Taken);
                }
                if other.authentication.as_ref() != authentication {
                    let error = io::Error::new(io::ErrorKind::AddrInUse, OTHER_KEYS);
                    return Err(error.into());
                }
            }
        }
        self.without_clash(remote, authentication)?;
        self.sign(remote.address.into(), authentication)?;
        let mut guests = self.guests.lock();
        guests.by_remote.entry(remote).or_default().push(Guest {
            local,
            authentication: authentication.cloned(),
            commands,
        });
        Ok(())
    }

    /// Has a peer that is let in signed in another way from now on.
    pub(super) fn protect(
        &self,
        remote: Remote,
        authentication: Option<&Authentication>,
        commands: &mpsc::Sender<Command>,
    ) -> io::Result<()> {
        self.without_clash(remote, authentication)?;
        {
            let mut guests = self.guests.lock();
            let mut list = guests.by_remote.get_mut(&remote).into_iter().flatten();
            let Some(guest) = list.find(|guest| guest.commands.same_channel(commands)) else {
                return Ok(());
            };
            guest.authentication = authentication.cloned();
        }
        self.sign(remote.address.into(), authentication)
    }

    /// Nobody knows beforehand that neighbours on two links will have the same address. The kernel knows keys by address alone: an
    /// interface that goes with a key has to be that of a VRF (`tcp_v6_parse_md5_keys`, `tcp_ao_add_cmd`).
    fn without_clash(&self, remote: Remote, wanted: Option<&Authentication>) -> io::Result<()> {
        let guests = self.guests.lock();
        let mut others = guests.signed(remote.address);
        match others.any(|(other, signed)| other.link != remote.link && signed != wanted) {
            true => Err(io::Error::new(io::ErrorKind::AddrInUse, SAME_ADDRESS)),
            false => Ok(()),
        }
    }

    /// Lets it in no more. The keys are then those of whoever else has the address.
    pub(super) fn dismiss(&self, remote: Remote, commands: &mpsc::Sender<Command>) {
        {
            let mut guests = self.guests.lock();
            let Some(list) = guests.by_remote.get_mut(&remote) else {
                return;
            };
            list.retain(|guest| !guest.commands.same_channel(commands));
            if list.is_empty() {
                guests.by_remote.remove(&remote);
            }
        }
        self.sign_as_others(remote.address.into());
    }

    /// Lets in whoever connects from these prefixes; the connections go to `commands`. Those that were let in for the same before are not
    /// any more; where a key changes, there is no moment without one. After an error nobody is let in for it: not otherwise than as is
    /// wanted.
    pub(super) fn admit_ranges(
        &self,
        ranges: &[Range],
        authentication: Option<&Authentication>,
        commands: &mpsc::Sender<DynamicCommand>,
    ) -> Result<(), (IpNet, AdmitError)> {
        let taken = |range: &&Range| self.guests.lock().ranges.has_other(range, commands);
        if let Some(range) = ranges.iter().find(taken) {
            self.dismiss_ranges(commands);
            return Err((range.prefix, AdmitError::Taken));
        }
        for range in ranges.iter().filter(|_| authentication.is_some()) {
            if let Err(error) = self.sign(range.prefix, authentication) {
                self.dismiss_ranges(commands);
                return Err((range.prefix, error.into()));
            }
        }
        let mut guests = self.guests.lock();
        let before = guests.ranges.admit(ranges, authentication, commands);
        drop(guests);
        for prefix in before {
            self.sign_as_others(prefix);
        }
        Ok(())
    }

    /// Lets them in no more.
    pub(super) fn dismiss_ranges(&self, commands: &mpsc::Sender<DynamicCommand>) {
        let before = self.guests.lock().ranges.dismiss(commands);
        for prefix in before {
            self.sign_as_others(prefix);
        }
    }

    /// Has what comes from `remote` signed as those who are let in from there have it now.
    fn sign_as_others(&self, remote: IpNet) {
        let wanted = self.guests.lock().authentication(remote);
        if let Err(error) = self.sign(remote, wanted.as_ref()) {
            tracing::warn!(%remote, %error, "the keys of others with this address cannot be put back");
        }
    }

    fn sign(&self, remote: IpNet, wanted: Option<&Authentication>) -> io::Result<()> {
        let mut signed = self.signed.lock();
        let had = signed.remove(&remote);
        let change = |had, wanted| {
            for socket in &self.sockets {
                if socket.local_addr()?.is_ipv4() == remote.addr().is_ipv4() {
                    signature::change(socket.as_ref(), remote, had, wanted)?;
                }
            }
            Ok(())
        };
        let result = change(had.as_ref(), wanted);
        let mut has = wanted;
        if result.is_err() {
            // Nothing half: all goes, and what was there before, which somebody else may have too, is put back.
            for keys in [had.as_ref(), wanted] {
                let _ = change(keys, None);
            }
            has = had.as_ref().filter(|had| change(None, Some(had)).is_ok());
        }
        if let Some(has) = has {
            signed.insert(remote, has.clone());
        }
        result
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // RFC 5082 section 3: a peer with TTL security takes no segment with less than 255, and the answer to its SYN is sent from here,
    // before the connection has an owner. Others do not mind, and get their own TTL when the connection is theirs.
    set_ttl(&socket, address.ip(), TtlRule::Send(255))?;
    // What is accepted has it from here (`tcp_v4_syn_recv_sock`, `tcp_v6_syn_recv_sock`).
    set_class(&socket, address.is_ipv4())?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

async fn accept_loop(socket: Arc<TcpListener>, guests: Arc<Mutex<Guests>>) {
    loop {
        match socket.accept().await {
            Ok((stream, remote)) => welcome(stream, remote, &guests),
            Err(error) => {
                // Out of descriptors or memory: waiting is the only thing that can help.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

fn welcome(stream: TcpStream, remote: SocketAddr, guests: &Mutex<Guests>) {
    let local = stream
        .local_addr()
        .ok()
        .map(|address| address.ip().to_canonical());
    let remote = Remote::from(remote);
    let host = guests.lock().host(remote, local);
    let Some(host) = host else {
        let count = REFUSED.fetch_add(1, Ordering::Relaxed) + 1;
        let mut guests = guests.lock();
        if let Some(untold) = guests.is_news(remote.address) {
            let untold = Some(untold).filter(|untold| *untold > 0);
            match guests.elsewhere(remote) {
                Some(wanted) => tracing::warn!(
                    %remote,
                    count,
                    untold,
                    to = local.map(tracing::field::display),
                    local_address = %wanted,
                    "refused a connection: the peer with this address is to connect to its localAddress"
                ),
                None => {
                    tracing::warn!(%remote, count, untold, "refused a connection: no peer has this address");
                }
            }
        }
        refuse(&stream);
        return;
    };
    if let Err(error) = connector::prepare(&stream) {
        tracing::debug!(%remote, %error, "connection went away");
        return;
    }
    // A full channel means the peer's task is far behind; the other side will dial again.
    let taken = match host {
        Host::Peer(commands) => commands
            .try_send(Command::Incoming(Box::new(stream)))
            .is_ok(),
        Host::Dynamic(commands) => commands.try_send(DynamicCommand::Incoming(stream)).is_ok(),
    };
    if !taken {
        let count = TOO_MANY.fetch_add(1, Ordering::Relaxed) + 1;
        // Who connects without end must not fill the log.
        if count.is_power_of_two() {
            tracing::warn!(%remote, count, "dropped a connection: the peer's task is busy");
        }
    }
}

/// Closes with a reset, so that nothing lingers for a stranger.
fn refuse(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::Password;
    use crate::speaker::tcp_options::set_md5;
    use tokio::net::TcpSocket;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn md5(password: &[u8]) -> Option<Authentication> {
        let password = Some(password).filter(|password| !password.is_empty());
        password.map(|password| Authentication::Md5(Password::new(password)))
    }

    /// Connects from 127.0.0.1 to a local address with a key, if it is not empty.
    async fn dial(local: IpAddr, port: u16, md5: &[u8]) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        if !md5.is_empty() {
            set_md5(&socket, local, md5)?;
        }
        let connect = socket.connect(SocketAddr::new(local, port));
        tokio::time::timeout(Duration::from_secs(3), connect).await?
    }

    fn at(address: IpAddr) -> Remote {
        Remote { address, link: 0 }
    }

    #[tokio::test]
    async fn neighbours_of_one_address_on_two_links_have_one_key() -> TestResult {
        let listener = Listener::open(0)?;
        let address = "fe80::1".parse().expect("an address");
        let on = |link| Remote { address, link };
        let (first, _first) = mpsc::channel(1);
        let (second, _second) = mpsc::channel(1);
        listener.admit(on(1), None, md5(b"key").as_ref(), first.clone())?;
        for other in [b"".as_slice(), b"another"] {
            let refused = listener.admit(on(2), None, md5(other).as_ref(), second.clone());
            assert!(
                matches!(&refused, Err(AdmitError::Keys(error)) if error.kind() == io::ErrorKind::AddrInUse),
                "{refused:?}"
            );
        }
        let key = md5(b"key");
        listener.admit(on(2), None, key.as_ref(), second.clone())?;
        for other in [b"".as_slice(), b"another"] {
            let refused = listener.protect(on(2), md5(other).as_ref(), &second);
            assert!(refused.is_err());
        }
        listener.dismiss(on(1), &first);
        {
            let guests = listener.guests.lock();
            let signed: Vec<_> = guests.signed(address).collect();
            assert_eq!(signed, [(on(2), key.as_ref())]);
        }
        assert_eq!(
            listener.signed.lock().get(&IpNet::from(address)),
            key.as_ref()
        );
        listener.protect(on(2), md5(b"another").as_ref(), &second)?;
        listener.dismiss(on(2), &second);
        assert!(listener.signed.lock().is_empty());
        Ok(())
    }

    /// The port of IPv4.
    fn port(listener: &Listener) -> u16 {
        let mut v4 = listener.sockets.iter().flat_map(|s| s.local_addr());
        v4.find(SocketAddr::is_ipv4).map_or(0, |a| a.port())
    }

    #[tokio::test]
    async fn the_key_goes_with_the_last_guest_of_its_address() -> TestResult {
        let listener = Listener::open(0)?;
        let port = port(&listener);
        let remote = IpAddr::from(Ipv4Addr::LOCALHOST);
        let (guest, _commands) = mpsc::channel(1);
        listener.admit(at(remote), None, md5(b"key").as_ref(), guest.clone())?;
        let silent = Duration::from_millis(200);
        let unsigned = tokio::time::timeout(silent, dial(remote, port, b"")).await;
        assert!(unsigned.is_err(), "without the key there is no answer");
        listener.dismiss(at(remote), &guest);
        // Now it is a stranger, who is answered, and refused.
        dial(remote, port, b"").await?;
        Ok(())
    }

    /// The key of a prefix is asked of everybody in it, changes without a moment without one, and goes with its guest.
    #[tokio::test]
    async fn a_prefix_has_a_key_while_somebody_is_let_in_with_it() -> TestResult {
        let listener = Listener::open(0)?;
        let port = port(&listener);
        let here = IpAddr::from(Ipv4Addr::LOCALHOST);
        let range = Range {
            prefix: "127.0.0.0/8".parse().map_err(io::Error::other)?,
            local: None,
        };
        let (task, mut incoming) = mpsc::channel(4);
        let admit = |md5: &[u8]| {
            let admitted = listener.admit_ranges(&[range], self::md5(md5).as_ref(), &task);
            admitted.map_err(|(_, error)| error)
        };
        let silent = |md5: &'static [u8]| async move {
            let dial = dial(here, port, md5);
            tokio::time::timeout(Duration::from_millis(200), dial)
                .await
                .is_err()
        };
        for key in [b"first".as_slice(), b"second"] {
            admit(key)?;
            assert!(silent(b"").await && silent(b"other").await);
            let _stream = dial(here, port, key).await?;
            assert!(matches!(
                incoming.recv().await,
                Some(DynamicCommand::Incoming(_))
            ));
        }
        // A peer of its own within the prefix has its own key.
        let (peer, mut of_peer) = mpsc::channel(1);
        listener.admit(at(here), None, md5(b"own").as_ref(), peer.clone())?;
        assert!(silent(b"second").await);
        let _stream = dial(here, port, b"own").await?;
        assert!(matches!(of_peer.recv().await, Some(Command::Incoming(_))));
        listener.dismiss(at(here), &peer);
        let _stream = dial(here, port, b"second").await?;
        assert!(incoming.recv().await.is_some());
        admit(b"")?;
        let _stream = dial(here, port, b"").await?;
        assert!(incoming.recv().await.is_some());
        listener.dismiss_ranges(&task);
        dial(here, port, b"").await.map(drop)?;
        assert!(incoming.try_recv().is_err(), "now it is a stranger");
        Ok(())
    }

    /// As while a router stays on a port that is not the one it is to have.
    #[tokio::test]
    async fn who_is_let_in_keeps_connections_and_key_when_another_one_of_the_address_comes()
    -> TestResult {
        let listener = Listener::open(0)?;
        let port = port(&listener);
        let remote = IpAddr::from(Ipv4Addr::LOCALHOST);
        let locals = [[127, 0, 0, 2], [127, 0, 0, 3]].map(IpAddr::from);
        let (first, mut incoming) = mpsc::channel(1);
        let (second, _second) = mpsc::channel(1);
        let key = md5(b"first");
        listener.admit(at(remote), Some(locals[0]), key.as_ref(), first.clone())?;
        for other in [b"other".as_slice(), b"", b"first"] {
            for local in [None, Some(locals[0]), Some(locals[1])] {
                let signed = md5(other);
                let refused = listener.admit(at(remote), local, signed.as_ref(), second.clone());
                let reason = refused.as_ref().map_err(AdmitError::reason);
                let wanted = match (local == Some(locals[1]), other == b"first") {
                    (false, _) => Err("PortShared"),
                    (true, false) => Err("KeysRefused"),
                    (true, true) => Ok(&()),
                };
                assert_eq!(reason, wanted, "{local:?}");
                listener.dismiss(at(remote), &second);
                let _stream = dial(locals[0], port, b"first").await?;
                assert!(matches!(incoming.recv().await, Some(Command::Incoming(_))));
            }
        }
        // It is the other one's turn when the first one is on its own port.
        listener.dismiss(at(remote), &first);
        listener.admit(at(remote), None, None, second)?;
        Ok(())
    }

    /// As above, of neighbours that are known by a prefix.
    #[tokio::test]
    async fn a_prefix_stays_with_who_has_it_when_another_one_comes() -> TestResult {
        let listener = Listener::open(0)?;
        let range = |local: Option<&str>| -> Result<Range, std::net::AddrParseError> {
            Ok(Range {
                prefix: IpNet::from(IpAddr::from(Ipv4Addr::LOCALHOST)),
                local: local.map(str::parse).transpose()?,
            })
        };
        let (first, _first) = mpsc::channel(1);
        let (second, _second) = mpsc::channel(1);
        let admit = |range, task| listener.admit_ranges(&[range], None, task);
        let reason =
            |result: Result<(), (IpNet, AdmitError)>| result.map_err(|(_, error)| error.reason());
        assert_eq!(reason(admit(range(None)?, &first)), Ok(()));
        assert_eq!(reason(admit(range(None)?, &first)), Ok(()), "as before");
        let here = range(Some("127.0.0.2"))?;
        assert_eq!(reason(admit(here, &second)), Err("PortShared"));
        assert_eq!(reason(admit(here, &first)), Ok(()));
        assert_eq!(reason(admit(here, &second)), Err("PortShared"));
        let elsewhere = range(Some("127.0.0.3"))?;
        assert_eq!(reason(admit(elsewhere, &second)), Ok(()));
        listener.dismiss_ranges(&first);
        assert_eq!(reason(admit(here, &second)), Ok(()));
        Ok(())
    }
}
