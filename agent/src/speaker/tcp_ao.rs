//! EDGE. TCP-AO (RFC 5925) on sockets: which keys they have, and which of them sign.
//!
//! The kernel signs and checks; here it is told what with. A listening socket has the keys of all neighbours, by address, and
//! a connection that it accepts takes those of its neighbour along. Which key signs is the neighbour's choice: every segment
//! says which key its sender would like to have next (RNextKeyID), and whoever has that key takes it. So both ends change to a
//! key without losing a segment, once both have it.
//!
//! The layouts are those of linux/tcp.h (Linux 6.7 and later).

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;

use ipnet::IpNet;
use socket2::{Domain, SockAddr, Socket, Type};

use super::tcp_options::{Answer, Plain, get, set, sockaddr_bytes};
use crate::desired::{AoAlgorithm, AoKey, AoKeys, Password};

const TCP_AO_ADD_KEY: libc::c_int = 38;
const TCP_AO_DEL_KEY: libc::c_int = 39;
const TCP_AO_INFO: libc::c_int = 40;
const TCP_AO_GET_KEYS: libc::c_int = 41;

/// The longest key of the kernel, in bytes.
const KEY_MAX: usize = 80;
/// As many keys as a connection can have, those of the prefixes that its neighbour is in among them: each has a KeyID of its own.
const MOST_KEYS: usize = 256;

/// The bit `n` of a C bit field of 32 bits.
const fn bit(n: u32) -> u32 {
    if cfg!(target_endian = "big") {
        1 << (31 - n)
    } else {
        1 << n
    }
}

const SET_CURRENT: u32 = bit(0);
const SET_RNEXT: u32 = bit(1);
/// Of [`DeleteKey`]: only on listening sockets.
const ASYNCHRONOUS: u32 = bit(2);
/// The bit of [`Present`] that asks for all keys, in a field of 16 bits.
const GET_ALL: u16 = if cfg!(target_endian = "big") {
    1 << 13
} else {
    1 << 2
};

/// `struct tcp_ao_add`.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct AddKey {
    address: [u8; 128],
    algorithm: [u8; 64],
    interface: i32,
    flags: u32,
    reserved: u16,
    prefix: u8,
    send_id: u8,
    recv_id: u8,
    mac_length: u8,
    key_flags: u8,
    key_length: u8,
    key: [u8; KEY_MAX],
}

/// `struct tcp_ao_del`.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct DeleteKey {
    address: [u8; 128],
    interface: i32,
    flags: u32,
    reserved: u16,
    prefix: u8,
    send_id: u8,
    recv_id: u8,
    current: u8,
    rnext: u8,
    key_flags: u8,
}

/// `struct tcp_ao_info_opt`.
#[repr(C, align(8))]
#[derive(Clone, Copy, Default)]
struct Info {
    flags: u32,
    reserved: u16,
    current: u8,
    rnext: u8,
    good: u64,
    bad: u64,
    key_not_found: u64,
    unsigned: u64,
    dropped_icmp: u64,
}

/// `struct tcp_ao_getsockopt`.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Present {
    address: [u8; 128],
    algorithm: [u8; 64],
    key: [u8; KEY_MAX],
    count: u32,
    flags: u16,
    send_id: u8,
    recv_id: u8,
    prefix: u8,
    mac_length: u8,
    key_flags: u8,
    key_length: u8,
    interface: i32,
    good: u64,
    bad: u64,
}

impl Plain for AddKey {}
impl Plain for DeleteKey {}
impl Plain for Info {}
impl Plain for Present {}

impl Answer for Info {
    fn room(&mut self, _one: u32) {}
}

impl Answer for Present {
    fn room(&mut self, count: u32) {
        self.count = count;
    }
}

impl Present {
    const ANY: Self = Self {
        address: [0; 128],
        algorithm: [0; 64],
        key: [0; KEY_MAX],
        count: 0,
        flags: GET_ALL,
        send_id: 0,
        recv_id: 0,
        prefix: 0,
        mac_length: 0,
        key_flags: 0,
        key_length: 0,
        interface: 0,
        good: 0,
        bad: 0,
    };
}

/// The IDs of a key: what we sign with it says the first, what the neighbour signs the second.
type Ids = (u8, u8);

fn ids(key: &AoKey) -> Ids {
    (key.send_id, key.recv_id)
}

/// Whether the kernel refuses the one while there is the other (RFC 5925 §3.1).
fn overlap(a: Ids, b: Ids) -> bool {
    a.0 == b.0 || a.1 == b.1
}

/// The name that the kernel's cryptography has for it.
fn kernel_name(algorithm: AoAlgorithm) -> &'static [u8] {
    match algorithm {
        AoAlgorithm::HmacSha1 => b"hmac(sha1)",
        AoAlgorithm::Aes128Cmac => b"cmac(aes128)",
        AoAlgorithm::HmacSha256 => b"hmac(sha256)",
    }
}

/// Which keys of a connection sign, by their IDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeysInUse {
    /// The sendID of the key that we sign with.
    pub send: u8,
    /// The recvID of the key that we ask the neighbour to sign with.
    pub asked: u8,
}

/// The algorithms that the kernel does not have, and what it says of each.
#[must_use]
pub fn missing() -> Vec<(AoAlgorithm, String)> {
    let refusal = |algorithm| {
        let key = AoKey {
            send_id: 0,
            recv_id: 0,
            algorithm,
            secret: Password::new(b"a trial, which signs nothing"),
        };
        let remote = IpAddr::from(Ipv4Addr::LOCALHOST);
        let taken = Socket::new(Domain::IPV4, Type::STREAM, None)
            .and_then(|socket| add(&socket, remote.into(), &key, 0));
        taken.err().map(|error| (algorithm, said(&error)))
    };
    AoAlgorithm::ALL.into_iter().filter_map(refusal).collect()
}

/// What the kernel means.
fn said(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOPROTOOPT) => "it does not know the option".to_owned(),
        Some(libc::ENOENT) => "it was built without".to_owned(),
        _ => error.to_string(),
    }
}

/// Gives a socket that is about to connect the keys of its neighbour.
pub(super) fn sign(socket: &impl AsFd, remote: IpAddr, keys: &AoKeys) -> io::Result<()> {
    for key in keys.iter() {
        let first = key == keys.preferred();
        let flags = if first { SET_CURRENT | SET_RNEXT } else { 0 };
        add(socket, remote.into(), key, flags)?;
    }
    Ok(())
}

/// Changes the keys that a listening socket has for the neighbours in `remote`. While one stays, there is no moment without any.
pub(super) fn admit(
    socket: &impl AsFd,
    remote: IpNet,
    old: Option<&AoKeys>,
    new: Option<&AoKeys>,
) -> io::Result<()> {
    let not_in = |keys: Option<&AoKeys>, key: &AoKey| keys.is_none_or(|keys| !keys.has(key));
    let old_keys = old.into_iter().flat_map(AoKeys::iter);
    let new_keys = new.into_iter().flat_map(AoKeys::iter);
    let lost: Vec<_> = old_keys.filter(|key| not_in(new, key)).collect();
    let (late, early): (Vec<_>, Vec<_>) = new_keys
        .filter(|key| not_in(old, key))
        .partition(|key| lost.iter().any(|lost| lost.overlaps(key)));
    for key in early {
        add(socket, remote, key, 0)?;
    }
    for key in lost {
        let lost = Held {
            ids: ids(key),
            address: address(remote),
            prefix: remote.prefix_len(),
        };
        let value = DeleteKey {
            flags: ASYNCHRONOUS,
            ..lost.deletion()
        };
        match set(socket, libc::IPPROTO_TCP, TCP_AO_DEL_KEY, &value) {
            Err(error) if error.raw_os_error() != Some(libc::ENOENT) => return Err(error),
            _ => {}
        }
    }
    for key in late {
        add(socket, remote, key, 0)?;
    }
    Ok(())
}

/// Has a connection go on with the keys `new`, where those that it has are of `had`.
///
/// The neighbour is asked for the preferred key. The key that we sign with changes when the neighbour asks for another one, or when
/// it goes. A connection that is not signed, or has none of these keys, is an error.
pub(super) fn follow(
    connection: &impl AsFd,
    remote: IpAddr,
    had: &AoKeys,
    new: &AoKeys,
) -> io::Result<()> {
    let (kept, lost): (Vec<Held>, Vec<Held>) = held(connection)?.into_iter().partition(|held| {
        let mut same = new.iter().filter(|key| ids(key) == held.ids);
        same.any(|key| had.has(key))
    });
    let kept: Vec<Ids> = kept.into_iter().map(|held| held.ids).collect();
    let before = ids(had.preferred());
    let stay = match kept.contains(&before) {
        true => Some(before),
        false => kept.first().copied(),
    };
    let Some(stay) = stay else {
        return Err(io::Error::other("it has none of the keys of the session"));
    };
    let (late, early): (Vec<&AoKey>, Vec<&AoKey>) = new
        .iter()
        .filter(|key| !kept.contains(&ids(key)))
        .partition(|key| lost.iter().any(|lost| overlap(lost.ids, ids(key))));
    for key in early {
        add(connection, remote.into(), key, 0)?;
    }
    for lost in lost {
        // What is said here holds whatever the neighbour asks for meanwhile.
        let send = Some(in_use(connection)?.send).filter(|send| *send != lost.ids.0);
        let value = DeleteKey {
            flags: SET_CURRENT | SET_RNEXT,
            current: send.unwrap_or(stay.0),
            rnext: stay.1,
            ..lost.deletion()
        };
        set(connection, libc::IPPROTO_TCP, TCP_AO_DEL_KEY, &value)?;
    }
    for key in late {
        add(connection, remote.into(), key, 0)?;
    }
    let ask = Info {
        flags: SET_RNEXT,
        rnext: new.preferred().recv_id,
        ..Info::default()
    };
    set(connection, libc::IPPROTO_TCP, TCP_AO_INFO, &ask)
}

/// Which keys sign a connection now. One that is not signed is an error.
pub(super) fn in_use(connection: &impl AsFd) -> io::Result<KeysInUse> {
    let mut info = [Info::default()];
    get(connection, libc::IPPROTO_TCP, TCP_AO_INFO, &mut info)?;
    let [info] = info;
    Ok(KeysInUse {
        send: info.current,
        asked: info.rnext,
    })
}

/// A key that a socket has.
struct Held {
    ids: Ids,
    address: [u8; 128],
    prefix: u8,
}

impl Held {
    /// What removes it.
    fn deletion(&self) -> DeleteKey {
        DeleteKey {
            address: self.address,
            interface: 0,
            flags: 0,
            reserved: 0,
            prefix: self.prefix,
            send_id: self.ids.0,
            recv_id: self.ids.1,
            current: 0,
            rnext: 0,
            key_flags: 0,
        }
    }
}

/// The keys that a connection has.
fn held(connection: &impl AsFd) -> io::Result<Vec<Held>> {
    let mut keys = vec![Present::ANY; MOST_KEYS];
    get(connection, libc::IPPROTO_TCP, TCP_AO_GET_KEYS, &mut keys)?;
    let count = keys.first().map_or(0, |first| first.count);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let held = keys.into_iter().take(count).map(|key| Held {
        ids: (key.send_id, key.recv_id),
        address: key.address,
        prefix: key.prefix,
    });
    Ok(held.collect())
}

fn add(socket: &impl AsFd, remote: IpNet, key: &AoKey, flags: u32) -> io::Result<()> {
    let secret = key.secret.reveal();
    let mut value = AddKey {
        address: [0; 128],
        algorithm: [0; 64],
        interface: 0,
        flags,
        reserved: 0,
        prefix: remote.prefix_len(),
        send_id: key.send_id,
        recv_id: key.recv_id,
        mac_length: 0, // the usual one: 96 bits (RFC 5926 §3.2)
        key_flags: 0,
        key_length: u8::try_from(secret.len()).unwrap_or(u8::MAX),
        key: [0; KEY_MAX],
    };
    let Some(room) = value.key.get_mut(..secret.len()) else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "a key has {} bytes, the kernel takes at most {KEY_MAX}",
                secret.len()
            ),
        ));
    };
    room.copy_from_slice(secret);
    value.address = address(remote);
    let name = kernel_name(key.algorithm);
    value.algorithm[..name.len()].copy_from_slice(name);
    set(socket, libc::IPPROTO_TCP, TCP_AO_ADD_KEY, &value)
}

/// The address of the neighbours that keys are for, without a port.
fn address(remote: IpNet) -> [u8; 128] {
    let mut all = [0; 128];
    let bytes = sockaddr_bytes(&SockAddr::from(SocketAddr::new(remote.network(), 0)));
    all[..bytes.len()].copy_from_slice(&bytes);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::mem::offset_of;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    /// Offsets by hand from the structures of include/uapi/linux/tcp.h.
    #[test]
    fn structures_are_laid_out_as_the_kernels() {
        assert_eq!(size_of::<AddKey>(), 288);
        assert_eq!(offset_of!(AddKey, algorithm), 128);
        assert_eq!(offset_of!(AddKey, interface), 192);
        assert_eq!(offset_of!(AddKey, flags), 196);
        assert_eq!(offset_of!(AddKey, reserved), 200);
        assert_eq!(offset_of!(AddKey, prefix), 202);
        assert_eq!(offset_of!(AddKey, send_id), 203);
        assert_eq!(offset_of!(AddKey, recv_id), 204);
        assert_eq!(offset_of!(AddKey, mac_length), 205);
        assert_eq!(offset_of!(AddKey, key_flags), 206);
        assert_eq!(offset_of!(AddKey, key_length), 207);
        assert_eq!(offset_of!(AddKey, key), 208);

        assert_eq!(size_of::<DeleteKey>(), 144);
        assert_eq!(offset_of!(DeleteKey, interface), 128);
        assert_eq!(offset_of!(DeleteKey, flags), 132);
        assert_eq!(offset_of!(DeleteKey, prefix), 138);
        assert_eq!(offset_of!(DeleteKey, current), 141);
        assert_eq!(offset_of!(DeleteKey, rnext), 142);
        assert_eq!(offset_of!(DeleteKey, key_flags), 143);

        assert_eq!(size_of::<Info>(), 48);
        assert_eq!(offset_of!(Info, current), 6);
        assert_eq!(offset_of!(Info, rnext), 7);
        assert_eq!(offset_of!(Info, good), 8);

        assert_eq!(size_of::<Present>(), 304);
        assert_eq!(offset_of!(Present, key), 192);
        assert_eq!(offset_of!(Present, count), 272);
        assert_eq!(offset_of!(Present, flags), 276);
        assert_eq!(offset_of!(Present, send_id), 278);
        assert_eq!(offset_of!(Present, recv_id), 279);
        assert_eq!(offset_of!(Present, prefix), 280);
        assert_eq!(offset_of!(Present, key_length), 283);
        assert_eq!(offset_of!(Present, interface), 284);
        assert_eq!(offset_of!(Present, good), 288);
    }

    /// The kernel is asked in another way than `missing` asks: a kernel without TCP-AO has no option 40 to read, and one that has it
    /// finds no keys on a new socket.
    #[test]
    fn a_kernel_without_it_has_no_algorithm() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let answer = in_use(&socket).unwrap_err().raw_os_error();
        let missing = missing();
        match answer {
            Some(libc::ENOPROTOOPT) => {
                let all: Vec<_> = missing.iter().map(|(algorithm, _)| *algorithm).collect();
                assert_eq!(all, AoAlgorithm::ALL);
            }
            Some(libc::ENOENT) => assert_eq!(missing, []),
            other => panic!("{other:?}"),
        }
    }

    fn key(id: u8, algorithm: AoAlgorithm, secret: &str) -> AoKey {
        AoKey {
            send_id: id,
            recv_id: id,
            algorithm,
            secret: Password::new(secret.as_bytes()),
        }
    }

    fn three() -> [AoKey; 3] {
        [
            key(1, AoAlgorithm::HmacSha1, "first"),
            key(2, AoAlgorithm::Aes128Cmac, "second"),
            key(3, AoAlgorithm::HmacSha256, "third"),
        ]
    }

    fn keys(preferred: &AoKey, others: &[&AoKey]) -> AoKeys {
        AoKeys::new(
            preferred.clone(),
            others.iter().map(|&key| key.clone()).collect(),
        )
    }

    /// Connects over the loopback with keys, if any.
    fn dial(listener: &TcpListener, keys: Option<&AoKeys>) -> io::Result<TcpStream> {
        let to = listener.local_addr()?;
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
        if let Some(keys) = keys {
            sign(&socket, to.ip(), keys)?;
        }
        socket.connect_timeout(&to.into(), Duration::from_millis(500))?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(stream)
    }

    /// A byte there, a byte back, and the segments that acknowledge them.
    fn talk(a: &mut TcpStream, b: &mut TcpStream) {
        for _ in 0..2 {
            a.write_all(b"x").unwrap();
            b.read_exact(&mut [0]).unwrap();
            b.write_all(b"y").unwrap();
            a.read_exact(&mut [0]).unwrap();
        }
    }

    fn listener(loopback: &str, keys: &AoKeys) -> TcpListener {
        let listener = TcpListener::bind((loopback, 0)).unwrap();
        let remote = listener.local_addr().unwrap().ip();
        admit(&listener, remote.into(), None, Some(keys)).unwrap();
        listener
    }

    #[test]
    #[ignore = "takes a kernel with TCP-AO: make vm"]
    fn who_has_no_key_or_another_one_gets_no_answer() {
        for loopback in ["127.0.0.1", "::1"] {
            for algorithm in AoAlgorithm::ALL {
                let right = key(1, algorithm, "right");
                let listener = listener(loopback, &keys(&right, &[]));
                dial(&listener, Some(&keys(&right, &[]))).unwrap();
                for wrong in [key(1, algorithm, "wrong"), key(2, algorithm, "right")] {
                    let error = dial(&listener, Some(&keys(&wrong, &[]))).unwrap_err();
                    assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{wrong:?}");
                }
                let error = dial(&listener, None).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            }
        }
    }

    #[test]
    #[ignore = "takes a kernel with TCP-AO: make vm"]
    fn a_connection_changes_its_keys_while_it_is_up() {
        let [one, two, three] = three();
        for loopback in ["127.0.0.1", "::1"] {
            let first = keys(&one, &[]);
            let listener = listener(loopback, &first);
            let remote = listener.local_addr().unwrap().ip();
            let mut ours = dial(&listener, Some(&first)).unwrap();
            let (mut theirs, _) = listener.accept().unwrap();
            talk(&mut ours, &mut theirs);
            // Both have the new one beside the old one; then one end prefers it, then the other; then the old one goes.
            let both = keys(&one, &[&two]);
            follow(&ours, remote, &first, &both).unwrap();
            follow(&theirs, remote, &first, &both).unwrap();
            let (used, wanted) = (in_use(&ours).unwrap(), in_use(&theirs).unwrap());
            assert_eq!((used.send, used.asked), (1, 1));
            assert_eq!(used, wanted);
            let turned = keys(&two, &[&one]);
            follow(&ours, remote, &both, &turned).unwrap();
            talk(&mut ours, &mut theirs);
            let asked = KeysInUse { send: 1, asked: 2 };
            assert_eq!(in_use(&ours).unwrap(), asked, "nobody asked us");
            assert_eq!(in_use(&theirs).unwrap().send, 2, "we asked for it");
            follow(&theirs, remote, &both, &turned).unwrap();
            talk(&mut ours, &mut theirs);
            assert_eq!(in_use(&ours).unwrap(), KeysInUse { send: 2, asked: 2 });
            let last = keys(&two, &[&three]);
            follow(&ours, remote, &turned, &last).unwrap();
            follow(&theirs, remote, &turned, &last).unwrap();
            talk(&mut ours, &mut theirs);
            let ids: Vec<_> = held(&ours).unwrap().iter().map(|held| held.ids).collect();
            assert!(!ids.contains(&(1, 1)) && ids.len() == 2, "{ids:?}");
        }
    }

    #[test]
    #[ignore = "takes a kernel with TCP-AO: make vm"]
    fn a_key_that_signs_is_replaced_by_one_with_its_ids() {
        let [one, two, _] = three();
        let had = keys(&one, &[&two]);
        let listener = listener("::1", &had);
        let remote = listener.local_addr().unwrap().ip();
        let mut ours = dial(&listener, Some(&had)).unwrap();
        let (mut theirs, _) = listener.accept().unwrap();
        let new = keys(&key(1, AoAlgorithm::HmacSha256, "another"), &[&two]);
        follow(&ours, remote, &had, &new).unwrap();
        follow(&theirs, remote, &had, &new).unwrap();
        talk(&mut ours, &mut theirs);
        assert_eq!(in_use(&ours).unwrap(), KeysInUse { send: 1, asked: 1 });
        let none = keys(&key(9, AoAlgorithm::HmacSha1, "x"), &[]);
        assert!(follow(&ours, remote, &new, &none).is_err());
    }

    #[test]
    #[ignore = "takes a kernel with TCP-AO: make vm"]
    fn a_listener_takes_what_its_keys_are_now() {
        let [one, two, _] = three();
        let (first, second) = (keys(&one, &[]), keys(&two, &[]));
        let listener = listener("::1", &first);
        let remote = IpNet::from(listener.local_addr().unwrap().ip());
        admit(&listener, remote, Some(&first), Some(&second)).unwrap();
        dial(&listener, Some(&first)).unwrap_err();
        let stream = dial(&listener, Some(&second)).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        follow(&accepted, remote.addr(), &second, &second).unwrap();
        drop((stream, accepted));
        // The same ID with another secret.
        let third = keys(&key(2, AoAlgorithm::HmacSha1, "third"), &[]);
        admit(&listener, remote, Some(&second), Some(&third)).unwrap();
        dial(&listener, Some(&third)).unwrap();
        listener.accept().unwrap();
        admit(&listener, remote, Some(&third), None).unwrap();
        dial(&listener, None).unwrap();
        let (unsigned, _) = listener.accept().unwrap();
        assert!(follow(&unsigned, remote.addr(), &third, &third).is_err());
    }
}
