//! The load run: P testers and one monitor in one epoll loop.

use crate::fib::Watch;
use crate::monitor::Monitor;
use crate::proc;
use crate::session::{connect, Sess, St};
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

pub struct Run {
    pub c: Config,
    ep: RawFd,
    pub s: Vec<Sess>,
    pub feeds: Vec<wire::Feed>,
    pub mon: Monitor,
    pub idle: Duration,
    scratch: Vec<u8>,
    pub watch: Option<Watch>,
    pub start: Instant,
    pub pids: Vec<u32>,
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

    pub fn ctl(&self, i: usize, op: i32, ev: i32) {
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

    pub fn step(&mut self, wait_ms: i32) -> Result<(), String> {
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

    pub fn timers(&mut self) {
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
}
