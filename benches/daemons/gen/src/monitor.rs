//! What the monitor was told: for each prefix the length of its AS path, and whether that is the one it should be.

use crate::wire::{self, Family};
use std::time::Instant;

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
