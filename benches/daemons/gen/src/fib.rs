//! Kernel routes: a raw batched netlink writer, and a watcher that counts
//! route notifications.

use crate::wire::{self, Family};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex};
use std::time::Instant;

const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
const RTM_NEWNEXTHOP: u16 = 104;
const NLMSG_ERROR: u16 = 2;
const F_REQUEST: u16 = 1;
const F_ACK: u16 = 4;
const F_REPLACE: u16 = 0x100;
const F_EXCL: u16 = 0x200;
const F_CREATE: u16 = 0x400;

pub struct Nl(pub i32);
impl Nl {
    pub fn open(groups: u32, rcv: i32) -> Nl {
        unsafe {
            let fd = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0);
            let mut sa: libc::sockaddr_nl = std::mem::zeroed();
            sa.nl_family = libc::AF_NETLINK as u16;
            sa.nl_groups = groups;
            assert!(fd >= 0 && libc::bind(fd, &sa as *const _ as *const _, 12) == 0, "netlink socket");
            libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &rcv as *const _ as *const _, 4);
            let snd: i32 = 8 << 20;
            libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, &snd as *const _ as *const _, 4);
            let one: i32 = 1;
            libc::setsockopt(fd, 270, 11, &one as *const _ as *const _, 4); // NETLINK_EXT_ACK
            libc::setsockopt(fd, 270, 10, &one as *const _ as *const _, 4); // NETLINK_CAP_ACK
            Nl(fd)
        }
    }
    fn send(&self, b: &[u8]) {
        let r = unsafe { libc::send(self.0, b.as_ptr() as *const _, b.len(), 0) };
        assert!(r == b.len() as isize, "netlink send: {}", std::io::Error::last_os_error());
    }
    /// Reads the answers that are there: (acknowledgements, errors, last errno).
    fn drain(&self, block: bool) -> (usize, usize, i32) {
        let mut buf = vec![0u8; 1 << 16];
        let (mut acks, mut errs, mut last) = (0, 0, 0);
        let mut wait = block;
        loop {
            let r = unsafe { libc::recv(self.0, buf.as_mut_ptr() as *mut _, buf.len(), if wait { 0 } else { libc::MSG_DONTWAIT }) };
            if r <= 0 {
                return (acks, errs, last);
            }
            let mut p = 0;
            while p + 20 <= r as usize {
                let len = u32::from_ne_bytes(buf[p..p + 4].try_into().unwrap()) as usize;
                let kind = u16::from_ne_bytes(buf[p + 4..p + 6].try_into().unwrap());
                if kind == NLMSG_ERROR {
                    let e = i32::from_ne_bytes(buf[p + 16..p + 20].try_into().unwrap());
                    if e == 0 {
                        acks += 1
                    } else {
                        errs += 1;
                        last = -e;
                    }
                }
                p += (len + 3) & !3;
            }
            wait = false;
        }
    }
}

fn rta(b: &mut Vec<u8>, kind: u16, body: &[u8]) {
    b.extend_from_slice(&((4 + body.len()) as u16).to_ne_bytes());
    b.extend_from_slice(&kind.to_ne_bytes());
    b.extend_from_slice(body);
    while b.len() % 4 != 0 {
        b.push(0);
    }
}

#[derive(Clone)]
pub struct Spec {
    pub v6: bool,
    pub ifindex: u32,
    pub gateway: Vec<u8>,
    pub nhid: Option<u32>,
    pub table: u32,
    pub proto: u8,
}

fn route(b: &mut Vec<u8>, s: &Spec, idx: u32, kind: u16, flags: u16, seq: u32) {
    let at = b.len();
    b.extend_from_slice(&[0; 4]);
    b.extend_from_slice(&kind.to_ne_bytes());
    b.extend_from_slice(&(F_REQUEST | flags).to_ne_bytes());
    b.extend_from_slice(&seq.to_ne_bytes());
    b.extend_from_slice(&[0; 4]);
    let (dst, plen): (Vec<u8>, u8) = if s.v6 {
        let (a, l) = wire::v6_prefix(idx);
        (a.to_be_bytes().to_vec(), l)
    } else {
        let (a, l) = wire::v4_prefix(idx);
        (a.to_be_bytes().to_vec(), l)
    };
    let fam = if s.v6 { libc::AF_INET6 } else { libc::AF_INET } as u8;
    let t8 = if s.table < 256 { s.table as u8 } else { 0 };
    b.extend_from_slice(&[fam, plen, 0, 0, t8, s.proto, 0, 1]); // scope universe, unicast
    b.extend_from_slice(&[0; 4]);
    rta(b, 1, &dst);
    if s.table >= 256 {
        rta(b, 15, &s.table.to_ne_bytes());
    }
    if kind == RTM_NEWROUTE {
        if let Some(n) = s.nhid {
            rta(b, 30, &n.to_ne_bytes());
        } else {
            rta(b, 5, &s.gateway);
            rta(b, 4, &s.ifindex.to_ne_bytes());
        }
    }
    if s.v6 {
        rta(b, 6, &1024u32.to_ne_bytes());
    }
    let len = (b.len() - at) as u32;
    b[at..at + 4].copy_from_slice(&len.to_ne_bytes());
}

pub fn add_nexthop(s: &Spec, id: u32) {
    let nl = Nl::open(0, 1 << 20);
    let mut b = Vec::new();
    b.extend_from_slice(&[0; 4]);
    b.extend_from_slice(&RTM_NEWNEXTHOP.to_ne_bytes());
    b.extend_from_slice(&(F_REQUEST | F_ACK | F_CREATE | F_REPLACE).to_ne_bytes());
    b.extend_from_slice(&[0; 8]);
    let fam = if s.v6 { libc::AF_INET6 } else { libc::AF_INET } as u8;
    b.extend_from_slice(&[fam, 0, s.proto, 0, 0, 0, 0, 0]);
    rta(&mut b, 1, &id.to_ne_bytes());
    rta(&mut b, 5, &s.ifindex.to_ne_bytes());
    rta(&mut b, 6, &s.gateway);
    let l = b.len() as u32;
    b[..4].copy_from_slice(&l.to_ne_bytes());
    nl.send(&b);
    let (a, e, errno) = nl.drain(true);
    assert!(a == 1 && e == 0, "nexthop object: errno {errno}");
}

/// Writes `range` in sends of `batch` messages; gives (seconds, errors, errno).
pub fn write(s: &Spec, range: std::ops::Range<u32>, op: &str, batch: usize, ack: &str, sorted: bool) -> (f64, usize, i32) {
    let nl = Nl::open(0, 64 << 20);
    let (kind, flags) = match op {
        "add" => (RTM_NEWROUTE, F_CREATE | F_EXCL),
        "replace" => (RTM_NEWROUTE, F_CREATE | F_REPLACE),
        "del" => (RTM_DELROUTE, 0),
        _ => panic!("operation {op}"),
    };
    let idx: Vec<u32> = if sorted {
        range.collect()
    } else {
        wire::order(&wire::FeedSpec {
            family: Family::V4,
            asn: 0,
            next_hop4: 0,
            next_hop6: 0,
            first: range.start,
            count: range.end - range.start,
            seed: 11,
            sorted: false,
            compat_label: false,
        })
    };
    let mut b = Vec::with_capacity(batch * 80);
    let (mut errs, mut errno) = (0, 0);
    let t = Instant::now();
    for c in idx.chunks(batch) {
        b.clear();
        for (k, &i) in c.iter().enumerate() {
            let a = match ack {
                "each" => F_ACK,
                "last" if k + 1 == c.len() => F_ACK,
                _ => 0,
            };
            route(&mut b, s, i, kind, flags | a, i);
        }
        nl.send(&b);
        if ack != "none" {
            let mut need = if ack == "each" { c.len() } else { 1 };
            while need > 0 {
                let (a, e, n) = nl.drain(true);
                if e > 0 {
                    errno = n;
                }
                errs += e;
                need = need.saturating_sub(a + if ack == "each" { e } else { 0 });
                if ack == "last" && e > 0 && a == 0 {
                    need = 0;
                }
            }
        } else {
            let (_, e, n) = nl.drain(false);
            errs += e;
            if e > 0 {
                errno = n;
            }
        }
    }
    (t.elapsed().as_secs_f64(), errs, errno)
}

struct Shared {
    count: AtomicUsize,
    want: AtomicUsize,
    over: AtomicBool,
    armed: AtomicBool,
    at: Mutex<Option<Instant>>,
    first: Mutex<Option<Instant>>,
}

/// Counts the routes in a namespace's kernel tables by their notifications.
pub struct Watch(Arc<Shared>);
impl Watch {
    pub fn start(netns: String, family: Family, total: usize) -> Watch {
        let sh = Arc::new(Shared {
            count: AtomicUsize::new(0),
            want: AtomicUsize::new(usize::MAX),
            over: AtomicBool::new(false),
            armed: AtomicBool::new(false),
            at: Mutex::new(None),
            first: Mutex::new(None),
        });
        let s2 = sh.clone();
        let (tx, rx) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            use std::os::fd::AsRawFd;
            let f = std::fs::File::open(&netns).expect("network namespace");
            assert!(unsafe { libc::setns(f.as_raw_fd(), libc::CLONE_NEWNET) } == 0, "setns");
            let nl = Nl::open(0x40 | 0x400, 1 << 30); // IPv4 and IPv6 route groups
            tx.send(()).unwrap();
            let mut seen = vec![false; total];
            let mut before = 0;
            let mut buf = vec![0u8; 1 << 16];
            loop {
                let r = unsafe { libc::recv(nl.0, buf.as_mut_ptr() as *mut _, buf.len(), 0) };
                if r < 0 {
                    s2.over.store(true, SeqCst);
                    continue;
                }
                let mut p = 0;
                while p + 28 <= r as usize {
                    let len = u32::from_ne_bytes(buf[p..p + 4].try_into().unwrap()) as usize;
                    let kind = u16::from_ne_bytes(buf[p + 4..p + 6].try_into().unwrap());
                    if kind == RTM_NEWROUTE || kind == RTM_DELROUTE {
                        let mut a = p + 28;
                        while a + 4 <= p + len {
                            let l = u16::from_ne_bytes(buf[a..a + 2].try_into().unwrap()) as usize;
                            let k = u16::from_ne_bytes(buf[a + 2..a + 4].try_into().unwrap());
                            if k == 1 {
                                let d = &buf[a + 4..a + l];
                                let idx = match (family, d.len()) {
                                    (Family::V6, 16) => wire::v6_index(u128::from_be_bytes(d.try_into().unwrap())),
                                    (Family::V4, 4) => wire::v4_index(u32::from_be_bytes(d.try_into().unwrap())),
                                    _ => None,
                                };
                                if let Some(i) = idx.map(|i| i as usize).filter(|i| *i < total) {
                                    let on = kind == RTM_NEWROUTE;
                                    if seen[i] != on {
                                        seen[i] = on;
                                        if on {
                                            s2.count.fetch_add(1, SeqCst);
                                        } else {
                                            s2.count.fetch_sub(1, SeqCst);
                                        }
                                    }
                                }
                            }
                            a += (l.max(4) + 3) & !3;
                        }
                    }
                    p += (len.max(16) + 3) & !3;
                }
                if s2.armed.load(SeqCst) {
                    let count = s2.count.load(SeqCst);
                    if count != before {
                        s2.first.lock().unwrap().get_or_insert_with(Instant::now);
                    }
                    let mut at = s2.at.lock().unwrap();
                    if s2.count.load(SeqCst) == s2.want.load(SeqCst) {
                        at.get_or_insert(Instant::now());
                    } else {
                        *at = None;
                    }
                }
                before = s2.count.load(SeqCst);
            }
        });
        rx.recv().unwrap();
        Watch(sh)
    }
    pub fn expect(&self, n: usize) {
        let mut at = self.0.at.lock().unwrap();
        *at = None;
        *self.0.first.lock().unwrap() = None;
        self.0.want.store(n, SeqCst);
        self.0.armed.store(true, SeqCst);
        if self.0.count.load(SeqCst) == n {
            *at = Some(Instant::now());
        }
    }
    pub fn done(&self) -> Option<Instant> {
        *self.0.at.lock().unwrap()
    }
    /// When the first change since `expect` was seen.
    pub fn first(&self) -> Option<Instant> {
        *self.0.first.lock().unwrap()
    }
    pub fn overflow(&self) -> bool {
        self.0.over.load(SeqCst)
    }
}
