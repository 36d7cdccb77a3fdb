//! A phase of a run: the testers do something, and the monitor's view is followed until it is right and the target quiet.

use crate::load::Run;
use crate::proc;
use crate::session::St;
use std::time::{Duration, Instant};

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
