//! The load run: P testers and one monitor in one epoll loop.

use crate::fib::Watch;
use crate::proc;
use crate::wire::{self, Family};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

pub struct Config {
    pub target: IpAddr,
    pub port: u16,
    pub target_as: u32,
    pub tester_as: u32,
    pub monitor_as: u32,
    pub addrs: Vec<IpAddr>, // one a tester, the monitor last
    pub family: Family,
    pub peers: usize,
    pub prefixes: u32,
    pub overlap: bool,
    pub sorted: bool,
    pub compat_label: bool,
    pub pids: Vec<u32>,
    pub phases: Vec<String>,
    pub timeout: f64,
    pub prepend: u8, // ASNs that the target adds to the path
    pub netns_watch: Option<String>,
    pub hold: u16,
    /// Sessions that may be between connect and Established at once. Some
    /// daemons listen with a backlog of under ten.
    pub parallel: usize,
}

#[derive(PartialEq, Clone, Copy, Debug)]
enum St {
    Idle,
    Connecting,
    OpenSent,
    OpenConfirm,
    Up,
    Closed,
}

struct Sess {
    fd: RawFd,
    st: St,
    addr: IpAddr,
    asn: u32,
    retry: Instant,
    inbuf: Vec<u8>,
    out: usize, // 0: nothing, 1: announce, 2: withdraw
    pos: usize,
    done: Option<Instant>,
    last_rx: Option<Instant>,
    rx: u64,
    keep: Instant,
    want_out: bool,
    lost: bool,
    up_at: Option<Instant>,
    tries: u32,
    note: Option<(u8, u8)>,
}

pub struct Monitor {
    family: Family,
    prepend: u8,
    want: Vec<u8>,
    have: Vec<u8>,
    pub correct: usize,
    pub present: usize,
    pub reach: u64,
    pub unreach: u64,
    pub updates: u64,
    pub bytes: u64,
    pub alien: u64,
    pub first_rx: Option<Instant>,
    pub last_change: Option<Instant>,
    pub correct_at: Option<Instant>,
    /// First time at which every wanted prefix was there, whatever its path.
    pub present_at: Option<Instant>,
    want_present: usize,
}

impl Monitor {
    pub fn new(family: Family, prepend: u8, total: usize) -> Self {
        Monitor {
            family,
            prepend,
            want: vec![0; total],
            have: vec![0; total],
            correct: total,
            present: 0,
            reach: 0,
            unreach: 0,
            updates: 0,
            bytes: 0,
            alien: 0,
            first_rx: None,
            last_change: None,
            correct_at: None,
            present_at: None,
            want_present: 0,
        }
    }
    pub fn expect(&mut self, want: Vec<u8>) {
        self.want = want;
        self.correct = self.want.iter().zip(&self.have).filter(|(a, b)| a == b).count();
        self.want_present = self.want.iter().filter(|x| **x != 0).count();
        self.reach = 0;
        self.unreach = 0;
        self.updates = 0;
        self.bytes = 0;
        self.first_rx = None;
        self.last_change = None;
        self.correct_at = None;
        self.present_at = None;
    }
    pub fn total(&self) -> usize {
        self.want.len()
    }
    fn set(&mut self, idx: Option<u32>, len: u8) {
        let Some(i) = idx.map(|x| x as usize).filter(|i| *i < self.want.len()) else {
            self.alien += 1;
            return;
        };
        if len == 0 {
            self.unreach += 1;
        } else {
            self.reach += 1;
        }
        let old = self.have[i];
        if old != len {
            let w = self.want[i];
            self.correct = self.correct + (len == w) as usize - (old == w) as usize;
            self.present = self.present + (len != 0) as usize - (old != 0) as usize;
            self.have[i] = len;
        }
    }
    /// One UPDATE, without its header.
    pub fn update(&mut self, b: &[u8], now: Instant) -> Result<(), String> {
        let e = || "malformed UPDATE from the target".to_string();
        self.updates += 1;
        self.bytes += b.len() as u64 + 19;
        let wl = u16::from_be_bytes([*b.first().ok_or_else(e)?, *b.get(1).ok_or_else(e)?]) as usize;
        let mut w = b.get(2..2 + wl).ok_or_else(e)?;
        let al = u16::from_be_bytes([*b.get(2 + wl).ok_or_else(e)?, *b.get(3 + wl).ok_or_else(e)?]) as usize;
        let mut a = b.get(4 + wl..4 + wl + al).ok_or_else(e)?;
        let mut n = &b[4 + wl + al..];
        let empty = w.is_empty() && n.is_empty();
        let mut touched = false;
        while !w.is_empty() {
            let (i, l) = wire::get_nlri(w, Family::V4)?;
            self.set(i, 0);
            w = &w[l..];
            touched = true;
        }
        let mut plen = 0u8;
        let mut reach: &[u8] = &[];
        let mut unreach: &[u8] = &[];
        while a.len() >= 3 {
            let ext = a[0] & 0x10 != 0;
            let (l, h) = if ext { (u16::from_be_bytes([a[2], *a.get(3).ok_or_else(e)?]) as usize, 4) } else { (a[2] as usize, 3) };
            let body = a.get(h..h + l).ok_or_else(e)?;
            match a[1] {
                2 => {
                    let mut p = body;
                    while p.len() >= 2 {
                        plen += if p[0] == 1 { 1 } else { p[1] };
                        p = p.get(2 + p[1] as usize * 4..).unwrap_or(&[]);
                    }
                }
                14 => {
                    let nh = *body.get(3).ok_or_else(e)? as usize;
                    reach = body.get(5 + nh..).ok_or_else(e)?;
                }
                15 => unreach = body.get(3..).ok_or_else(e)?,
                _ => {}
            }
            a = &a[h + l..];
        }
        plen = plen.saturating_sub(self.prepend);
        while !unreach.is_empty() {
            let (i, l) = wire::get_nlri(unreach, self.family)?;
            self.set(i, 0);
            unreach = &unreach[l..];
            touched = true;
        }
        while !reach.is_empty() {
            let (i, l) = wire::get_nlri(reach, self.family)?;
            self.set(i, plen);
            reach = &reach[l..];
            touched = true;
        }
        while !n.is_empty() {
            let (i, l) = wire::get_nlri(n, Family::V4)?;
            self.set(i, plen);
            n = &n[l..];
            touched = true;
        }
        let _ = empty;
        if touched {
            self.first_rx.get_or_insert(now);
            self.last_change = Some(now);
            if self.correct == self.want.len() {
                self.correct_at.get_or_insert(now);
            } else {
                self.correct_at = None;
            }
            if self.present == self.want_present {
                self.present_at.get_or_insert(now);
            }
        }
        Ok(())
    }
}

pub struct Run {
    c: Config,
    ep: RawFd,
    s: Vec<Sess>,
    feeds: Vec<wire::Feed>,
    pub mon: Monitor,
    idle: Duration,
    scratch: Vec<u8>,
    watch: Option<Watch>,
    start: Instant,
    pids: Vec<u32>,
}

fn sockaddr(a: SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    let mut ss: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    match a {
        SocketAddr::V4(v) => {
            let p = &mut ss as *mut _ as *mut libc::sockaddr_in;
            unsafe {
                (*p).sin_family = libc::AF_INET as u16;
                (*p).sin_port = v.port().to_be();
                (*p).sin_addr.s_addr = u32::from(*v.ip()).to_be();
            }
            (ss, std::mem::size_of::<libc::sockaddr_in>() as u32)
        }
        SocketAddr::V6(v) => {
            let p = &mut ss as *mut _ as *mut libc::sockaddr_in6;
            unsafe {
                (*p).sin6_family = libc::AF_INET6 as u16;
                (*p).sin6_port = v.port().to_be();
                (*p).sin6_addr.s6_addr = v.ip().octets();
            }
            (ss, std::mem::size_of::<libc::sockaddr_in6>() as u32)
        }
    }
}

fn connect(from: IpAddr, to: SocketAddr) -> Option<RawFd> {
    unsafe {
        let fam = if to.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let fd = libc::socket(fam, libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0);
        if fd < 0 {
            return None;
        }
        let one: libc::c_int = 1;
        let p = &one as *const _ as *const libc::c_void;
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, p, 4);
        libc::setsockopt(fd, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, p, 4);
        libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, p, 4);
        let (sa, l) = sockaddr(SocketAddr::new(from, 0));
        if libc::bind(fd, &sa as *const _ as *const _, l) < 0 {
            eprintln!("bind {from}: {}", std::io::Error::last_os_error());
            libc::close(fd);
            return None;
        }
        let (sa, l) = sockaddr(to);
        let r = libc::connect(fd, &sa as *const _ as *const _, l);
        if r < 0 && *libc::__errno_location() != libc::EINPROGRESS {
            libc::close(fd);
            return None;
        }
        Some(fd)
    }
}

pub struct PhaseResult {
    pub name: String,
    pub ok: bool,
    pub conv: Option<f64>,
    pub present: Option<f64>,
    pub sent: Option<f64>,
    pub first_rx: Option<f64>,
    pub last_rx: f64,
    pub fib: Option<f64>,
    pub fib_first: Option<f64>,
    pub fib_ok: Option<bool>,
    pub cpu: f64,
    pub peak_kb: u64,
    pub rss_kb: u64,
    pub gen_cpu: f64,
    pub gen_busy: f64,
    pub mon_updates: u64,
    pub mon_reach: u64,
    pub mon_unreach: u64,
    pub mon_bytes: u64,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub missing: usize,
    pub alien: u64,
    pub lost: usize,
}

impl Run {
    pub fn new(c: Config) -> Run {
        let total = if c.overlap { c.prefixes as usize } else { c.prefixes as usize * c.peers };
        assert!(total <= c.family.capacity(), "the index scheme of this family holds {} prefixes", c.family.capacity());
        let feeds: Vec<_> = (0..c.peers)
            .map(|i| {
                let (nh4, nh6) = match c.addrs[i] {
                    IpAddr::V4(a) => (u32::from(a), u128::from(a.to_ipv6_mapped())),
                    IpAddr::V6(a) => (0, u128::from(a)),
                };
                wire::feed(&wire::FeedSpec {
                    family: c.family,
                    asn: c.tester_as + i as u32,
                    next_hop4: nh4,
                    next_hop6: nh6,
                    first: if c.overlap { 0 } else { c.prefixes * i as u32 },
                    count: c.prefixes,
                    seed: 1 + i as u64,
                    sorted: c.sorted,
                    compat_label: c.compat_label,
                })
            })
            .collect();
        let mon = Monitor::new(c.family, c.prepend, total);
        let now = Instant::now();
        let n = c.addrs.len();
        let s = (0..n)
            .map(|i| Sess {
                fd: -1,
                st: St::Idle,
                addr: c.addrs[i],
                asn: if i + 1 == n { c.monitor_as } else { c.tester_as + i as u32 },
                retry: now,
                inbuf: Vec::new(),
                out: 0,
                pos: 0,
                done: None,
                last_rx: None,
                rx: 0,
                keep: now,
                want_out: false,
                lost: false,
                up_at: None,
                tries: 0,
                note: None,
            })
            .collect();
        let watch = c.netns_watch.as_ref().map(|p| Watch::start(p.clone(), c.family, total));
        let pids = proc::tree(&c.pids);
        Run {
            ep: unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) },
            s,
            feeds,
            mon,
            idle: Duration::ZERO,
            scratch: vec![0; 1 << 18],
            watch,
            start: Instant::now(),
            pids,
            c,
        }
    }

    fn ctl(&self, i: usize, op: i32, ev: i32) {
        let mut e = libc::epoll_event { events: ev as u32, u64: i as u64 };
        unsafe { libc::epoll_ctl(self.ep, op, self.s[i].fd, &mut e) };
    }

    fn open_conn(&mut self, i: usize) {
        let to = SocketAddr::new(self.c.target, self.c.port);
        let now = Instant::now();
        let s = &mut self.s[i];
        s.tries += 1;
        match connect(s.addr, to) {
            Some(fd) => {
                s.fd = fd;
                s.st = St::Connecting;
                s.inbuf.clear();
                self.ctl(i, libc::EPOLL_CTL_ADD, libc::EPOLLOUT | libc::EPOLLIN);
            }
            None => s.retry = now + Duration::from_millis(200),
        }
    }

    fn drop_conn(&mut self, i: usize, why: &str) {
        let s = &mut self.s[i];
        if s.fd >= 0 {
            unsafe { libc::close(s.fd) };
        }
        s.fd = -1;
        if s.st == St::Up {
            eprintln!("session {} from {} lost: {why} note {:?}", i, s.addr, s.note);
            s.lost = true;
            s.st = St::Closed;
        } else {
            s.st = St::Idle;
            // Spread the retries, so that a target that refuses is not flooded.
            s.retry = Instant::now() + Duration::from_millis(150 + (i as u64 * 37) % 150);
        }
    }

    fn send_small(&mut self, i: usize, b: &[u8]) {
        let s = &self.s[i];
        let r = unsafe { libc::send(s.fd, b.as_ptr() as *const _, b.len(), libc::MSG_NOSIGNAL) };
        if r != b.len() as isize {
            self.drop_conn(i, "short send");
        }
    }

    fn message(&mut self, i: usize, kind: u8, body: std::ops::Range<usize>, buf: &[u8], now: Instant) -> Result<(), String> {
        let b = &buf[body];
        match kind {
            1 if self.s[i].st == St::OpenSent => {
                self.s[i].st = St::OpenConfirm;
                self.send_small(i, &wire::keepalive());
            }
            4 => {
                if self.s[i].st == St::OpenConfirm {
                    let s = &mut self.s[i];
                    s.st = St::Up;
                    s.up_at = Some(now);
                    s.keep = now;
                    if i + 1 == self.s.len() {
                        self.send_small(i, &wire::end_of_rib(self.c.family));
                    }
                }
            }
            3 => {
                self.s[i].note = Some((*b.first().unwrap_or(&0), *b.get(1).unwrap_or(&0)));
                if self.s[i].tries < 5 || self.s[i].st == St::Up {
                    eprintln!("session {i}: NOTIFICATION {:?} in {:?}", self.s[i].note, self.s[i].st);
                }
            }
            2 if i + 1 == self.s.len() => self.mon.update(b, now)?,
            _ => {}
        }
        Ok(())
    }

    fn readable(&mut self, i: usize) -> Result<(), String> {
        let is_mon = i + 1 == self.s.len();
        let fd = self.s[i].fd;
        // A tester that is up has no use for what it gets: let the kernel drop it.
        if self.s[i].st == St::Up && !is_mon && self.s[i].inbuf.is_empty() {
            let r = unsafe { libc::recv(fd, std::ptr::null_mut(), 1 << 20, libc::MSG_TRUNC | libc::MSG_DONTWAIT) };
            let now = Instant::now();
            if r > 0 {
                self.s[i].rx += r as u64;
                // A lone KEEPALIVE is no sign of routing activity.
                if r != 19 {
                    self.s[i].last_rx = Some(now);
                }
            } else if r == 0 || unsafe { *libc::__errno_location() } != libc::EAGAIN {
                self.drop_conn(i, "closed by the target");
            }
            return Ok(());
        }
        let r = unsafe { libc::recv(fd, self.scratch.as_mut_ptr() as *mut _, self.scratch.len(), 0) };
        let now = Instant::now();
        if r < 0 {
            if unsafe { *libc::__errno_location() } != libc::EAGAIN {
                self.drop_conn(i, "read error");
            }
            return Ok(());
        }
        if r == 0 {
            self.drop_conn(i, "closed by the target");
            return Ok(());
        }
        let r = r as usize;
        self.s[i].rx += r as u64;
        if r != 19 {
            self.s[i].last_rx = Some(now);
        }
        let mut buf = std::mem::take(&mut self.s[i].inbuf);
        buf.extend_from_slice(&self.scratch[..r]);
        let mut p = 0;
        while buf.len() - p >= 19 {
            let len = u16::from_be_bytes([buf[p + 16], buf[p + 17]]) as usize;
            if len < 19 {
                return Err("bad message length from the target".into());
            }
            if buf.len() - p < len {
                break;
            }
            self.message(i, buf[p + 18], p + 19..p + len, &buf, now)?;
            p += len;
        }
        buf.drain(..p);
        self.s[i].inbuf = buf;
        Ok(())
    }

    fn writable(&mut self, i: usize) {
        if self.s[i].st == St::Connecting {
            let mut e: libc::c_int = 0;
            let mut l: libc::socklen_t = 4;
            unsafe { libc::getsockopt(self.s[i].fd, libc::SOL_SOCKET, libc::SO_ERROR, &mut e as *mut _ as *mut _, &mut l) };
            if e != 0 {
                self.drop_conn(i, "connect");
                return;
            }
            self.s[i].st = St::OpenSent;
            let id = 0x0a63_0100 + i as u32;
            let o = wire::open(self.s[i].asn, self.c.hold, id, self.c.family);
            self.send_small(i, &o);
            if self.s[i].fd >= 0 {
                self.ctl(i, libc::EPOLL_CTL_MOD, libc::EPOLLIN);
            }
            return;
        }
        let s = &mut self.s[i];
        let data: &[u8] = match s.out {
            1 => &self.feeds[i].announce,
            2 => &self.feeds[i].withdraw,
            _ => &[],
        };
        if s.pos < data.len() {
            let end = (s.pos + (256 << 10)).min(data.len());
            let r = unsafe { libc::send(s.fd, data[s.pos..end].as_ptr() as *const _, end - s.pos, libc::MSG_NOSIGNAL) };
            if r > 0 {
                s.pos += r as usize;
            } else if unsafe { *libc::__errno_location() } != libc::EAGAIN {
                self.drop_conn(i, "write error");
                return;
            }
        }
        let s = &mut self.s[i];
        let len = match s.out {
            1 => self.feeds[i].announce.len(),
            2 => self.feeds[i].withdraw.len(),
            _ => 0,
        };
        if s.pos >= len {
            let now = Instant::now();
            s.done.get_or_insert(now);
            s.out = 0;
            s.keep = now;
            if s.want_out {
                s.want_out = false;
                self.ctl(i, libc::EPOLL_CTL_MOD, libc::EPOLLIN);
            }
        }
    }

    fn step(&mut self, wait_ms: i32) -> Result<(), String> {
        let mut ev: [libc::epoll_event; 256] = unsafe { std::mem::zeroed() };
        let a = Instant::now();
        let n = unsafe { libc::epoll_wait(self.ep, ev.as_mut_ptr(), 256, wait_ms) };
        self.idle += a.elapsed();
        for e in ev.iter().take(n.max(0) as usize) {
            let i = e.u64 as usize;
            let f = e.events as i32;
            if self.s[i].fd < 0 {
                continue;
            }
            if self.s[i].st == St::Connecting {
                self.writable(i);
                continue;
            }
            if f & (libc::EPOLLIN | libc::EPOLLHUP | libc::EPOLLERR) != 0 {
                self.readable(i)?;
            }
            if f & libc::EPOLLOUT != 0 && self.s[i].fd >= 0 {
                self.writable(i);
            }
        }
        Ok(())
    }

    fn timers(&mut self) {
        let now = Instant::now();
        let ka = wire::keepalive();
        let mut opening = self.s.iter().filter(|s| matches!(s.st, St::Connecting | St::OpenSent | St::OpenConfirm)).count();
        for i in 0..self.s.len() {
            if self.s[i].st == St::Idle && self.s[i].retry <= now && opening < self.c.parallel {
                self.open_conn(i);
                opening += 1;
            }
            if self.s[i].st == St::Up && self.s[i].out == 0 && now - self.s[i].keep > Duration::from_secs(20) {
                self.s[i].keep = now;
                self.send_small(i, &ka);
            }
        }
    }

    pub fn establish(&mut self) -> Result<f64, String> {
        let t0 = Instant::now();
        let mut tick = t0;
        loop {
            self.step(2)?;
            if tick.elapsed() > Duration::from_millis(2) {
                tick = Instant::now();
                self.timers();
            }
            if self.s.iter().all(|s| s.st == St::Up) {
                let last = self.s.iter().filter_map(|s| s.up_at).max().unwrap();
                return Ok((last - t0).as_secs_f64());
            }
            if t0.elapsed().as_secs_f64() > self.c.timeout {
                let up = self.s.iter().filter(|s| s.st == St::Up).count();
                return Err(format!("only {up} of {} sessions came up", self.s.len()));
            }
        }
    }

    pub fn pause(&mut self, sec: f64) -> Result<(), String> {
        let t = Instant::now();
        while t.elapsed().as_secs_f64() < sec {
            self.step(20)?;
            self.timers();
        }
        Ok(())
    }

    fn expectation(&self, live: &dyn Fn(usize) -> bool) -> Vec<u8> {
        let mut w = vec![0u8; self.mon.total()];
        for (i, f) in self.feeds.iter().enumerate().filter(|(i, _)| live(*i)) {
            let _ = i;
            for (k, &l) in f.pathlen.iter().enumerate() {
                let x = &mut w[f.first as usize + k];
                if *x == 0 || l < *x {
                    *x = l;
                }
            }
        }
        w
    }

    pub fn phase(&mut self, name: &str) -> Result<PhaseResult, String> {
        let n = self.c.peers;
        let want = match name {
            "load" => self.expectation(&|_| true),
            "peerdown" => self.expectation(&|i| i != 0),
            "peerup" => self.expectation(&|_| true),
            "withdraw" => vec![0; self.mon.total()],
            _ => return Err(format!("unknown phase {name}")),
        };
        let live = want.iter().filter(|x| **x != 0).count();
        let already = self.mon.correct;
        let _ = already;
        self.mon.expect(want);
        if let Some(w) = &self.watch {
            w.expect(live);
        }
        for s in self.s.iter_mut() {
            s.done = None;
            s.last_rx = None;
            s.rx = 0;
            s.pos = 0;
        }
        self.pids = proc::tree(&self.c.pids);
        let u0 = proc::usage(&self.pids);
        let g0 = proc::self_cpu();
        self.idle = Duration::ZERO;
        let t0 = Instant::now();
        let mut tx = 0u64;
        let mut senders: Vec<usize> = Vec::new();
        match name {
            "load" => senders = (0..n).collect(),
            "withdraw" => senders = (0..n).filter(|i| self.s[*i].st == St::Up).collect(),
            "peerdown" => {
                unsafe { libc::close(self.s[0].fd) };
                self.s[0].fd = -1;
                self.s[0].st = St::Closed;
            }
            "peerup" => {
                self.s[0].st = St::Idle;
                self.s[0].retry = Instant::now();
                self.s[0].tries = 0;
                while self.s[0].st != St::Up {
                    self.step(5)?;
                    self.timers();
                    if t0.elapsed().as_secs_f64() > self.c.timeout {
                        return Err("the closed tester did not come up again".into());
                    }
                }
                senders = vec![0];
            }
            _ => {}
        }
        for &i in &senders {
            self.s[i].out = if name == "withdraw" { 2 } else { 1 };
            tx += if name == "withdraw" { self.feeds[i].withdraw.len() } else { self.feeds[i].announce.len() } as u64;
            self.s[i].want_out = true;
            self.ctl(i, libc::EPOLL_CTL_MOD, libc::EPOLLIN | libc::EPOLLOUT);
        }
        let mut tick = t0;
        let mut ok = false;
        let mut wall_busy = None;
        let mut lost;
        // Until the monitor is right and the kernel table too.
        loop {
            self.step(5)?;
            let sent = senders.iter().all(|&i| self.s[i].done.is_some());
            let fib_done = self.watch.as_ref().map_or(true, |w| w.done().is_some());
            if self.mon.correct_at.is_some() && wall_busy.is_none() {
                wall_busy = Some((self.idle, t0.elapsed(), proc::self_cpu()));
            }
            if self.mon.correct_at.is_none() {
                wall_busy = None;
            }
            if self.mon.correct == self.mon.total() && sent && fib_done {
                // Nothing to tell the monitor counts as done at once.
                self.mon.correct_at.get_or_insert(t0);
                ok = true;
                break;
            }
            if tick.elapsed() > Duration::from_millis(100) {
                tick = Instant::now();
                self.timers();
                if t0.elapsed().as_secs_f64() > self.c.timeout {
                    break;
                }
                lost = self.s.iter().filter(|s| s.lost).count();
                if lost > 0 && self.s.last().unwrap().lost {
                    break;
                }
            }
        }
        let (idle, wall, gcpu) = wall_busy.unwrap_or((self.idle, t0.elapsed(), proc::self_cpu()));
        // Then until the target is quiet: no CPU time and no bytes for 0.4 s.
        let q0 = Instant::now();
        let mut lastcpu = proc::usage(&self.pids).cpu;
        while q0.elapsed().as_secs_f64() < 40.0 {
            let t = Instant::now();
            while t.elapsed() < Duration::from_millis(400) {
                self.step(20)?;
            }
            self.timers();
            let c = proc::usage(&self.pids).cpu;
            let newest = self.s.iter().filter_map(|s| s.last_rx).max();
            let quiet = newest.map_or(true, |x| x < t);
            if c - lastcpu <= 0.02 && quiet {
                break;
            }
            lastcpu = c;
        }
        let u1 = proc::usage(&self.pids);
        let sec = |t: Option<Instant>| t.map(|t| t.saturating_duration_since(t0).as_secs_f64());
        let sent = if senders.iter().all(|&i| self.s[i].done.is_some()) { senders.iter().filter_map(|&i| self.s[i].done).max() } else { None };
        let last_rx = self.s.iter().filter_map(|s| s.last_rx).max();
        lost = self.s.iter().filter(|s| s.lost).count();
        // Overlap may correct a path after the first time all were right: it cannot here,
        // as every tester sends each prefix once and only shorter paths replace longer ones.
        let m = &self.mon;
        if m.correct != m.total() {
            ok = false;
        }
        Ok(PhaseResult {
            name: name.into(),
            ok: ok && lost == 0,
            conv: sec(m.correct_at),
            present: sec(m.present_at),
            sent: sec(sent),
            first_rx: sec(m.first_rx),
            last_rx: sec(last_rx).unwrap_or(0.0),
            fib: self.watch.as_ref().and_then(|w| sec(w.done())),
            fib_first: self.watch.as_ref().and_then(|w| sec(w.first())),
            fib_ok: self.watch.as_ref().map(|w| !w.overflow()),
            cpu: u1.cpu - u0.cpu,
            peak_kb: u1.peak_kb,
            rss_kb: u1.rss_kb,
            gen_cpu: gcpu - g0,
            gen_busy: 1.0 - idle.as_secs_f64() / wall.as_secs_f64().max(1e-9),
            mon_updates: m.updates,
            mon_reach: m.reach,
            mon_unreach: m.unreach,
            mon_bytes: m.bytes,
            rx_bytes: self.s.iter().map(|s| s.rx).sum(),
            tx_bytes: tx,
            missing: m.total() - m.correct,
            alien: m.alien,
            lost,
        })
    }

    pub fn run(&mut self) -> String {
        let mut o = String::from("{");
        let total = self.mon.total();
        let upd: u64 = self.feeds.iter().map(|f| f.updates).sum();
        o += &format!(
            "\"family\":\"{:?}\",\"peers\":{},\"prefixes\":{},\"distinct\":{},\"overlap\":{},\"updates\":{},\"load_before\":\"{}\",",
            self.c.family, self.c.peers, self.c.prefixes, total, self.c.overlap, upd, proc::loadavg()
        );
        self.start = Instant::now();
        match self.establish() {
            Ok(t) => o += &format!("\"establish_s\":{t:.4},"),
            Err(e) => {
                o += &format!("\"error\":\"{e}\"}}");
                return o;
            }
        }
        let ue = proc::usage(&proc::tree(&self.c.pids));
        o += &format!("\"establish_cpu_s\":{:.2},\"idle_rss_kb\":{},\"threads\":{},", ue.cpu, ue.rss_kb, ue.threads);
        let tries: u32 = self.s.iter().map(|s| s.tries).sum();
        o += &format!("\"connect_tries\":{tries},\"phases\":[");
        let mut err = None;
        if let Err(e) = self.pause(1.5) {
            err = Some(e);
        }
        for (k, name) in self.c.phases.clone().iter().enumerate() {
            match self.phase(name) {
                Ok(p) => {
                    let f = |x: Option<f64>| x.map_or("null".to_string(), |v| format!("{v:.4}"));
                    if k > 0 {
                        o += ",";
                    }
                    o += &format!(
                        "{{\"phase\":\"{}\",\"ok\":{},\"conv_s\":{},\"present_s\":{},\"sent_s\":{},\"first_s\":{},\"all_rx_s\":{:.4},\"fib_s\":{},\"fib_first_s\":{},\"fib_ok\":{},\"cpu_s\":{:.2},\"peak_rss_kb\":{},\"rss_kb\":{},\"gen_cpu_s\":{:.2},\"gen_busy\":{:.3},\"mon_updates\":{},\"mon_reach\":{},\"mon_unreach\":{},\"mon_bytes\":{},\"rx_bytes\":{},\"tx_bytes\":{},\"missing\":{},\"alien\":{},\"lost\":{}}}",
                        p.name, p.ok, f(p.conv), f(p.present), f(p.sent), f(p.first_rx), p.last_rx, f(p.fib), f(p.fib_first),
                        p.fib_ok.map_or("null".into(), |b| b.to_string()), p.cpu, p.peak_kb, p.rss_kb, p.gen_cpu, p.gen_busy,
                        p.mon_updates, p.mon_reach, p.mon_unreach, p.mon_bytes, p.rx_bytes, p.tx_bytes, p.missing, p.alien, p.lost
                    );
                    if !p.ok {
                        break;
                    }
                }
                Err(e) => {
                    err = Some(e);
                    break;
                }
            }
        }
        o += "]";
        if let Some(e) = err {
            o += &format!(",\"error\":\"{e}\"");
        }
        o += &format!(",\"load_after\":\"{}\"}}", proc::loadavg());
        o
    }
}
