//! What is said on a link: recorded by tcpdump, put in order by tshark, cut into messages, attributes and NLRI here, by their lengths alone.
//! What a value means is nobody's business: it is the same octets on both sides of a reflector, or it is not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::netns::{Namespace, run};
use crate::process::{Daemon, require, start_in};
use crate::wait::{Look, secs, until};

/// A recording of the BGP sessions on a device.
#[derive(Debug)]
pub struct Wire {
    file: PathBuf,
    _dump: Daemon,
}

/// A family as numbers: AFI, SAFI.
pub type Numbers = (u16, u8);

/// What tells a route from others: its family and the octets of its NLRI.
pub type Route = (Numbers, Vec<u8>);

/// What was said of a route when it was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The octets of the next hop, as in MP_REACH_NLRI.
    pub next_hop: Vec<u8>,
    /// Flags but "extended length", and value, by code. Without MP_REACH_NLRI.
    pub attributes: BTreeMap<u8, (u8, Vec<u8>)>,
}

/// What one side said.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The newest announcement of each route that was not taken back.
    pub routes: BTreeMap<Route, Announced>,
    /// Announcements of each family, again or not.
    pub announcements: BTreeMap<Numbers, usize>,
    /// Families in the order in which they were first spoken of, End-of-RIB marked by `true`.
    pub order: Vec<(Numbers, bool)>,
}

const HEADER: usize = 19;
const UPDATE: u8 = 2;
const MP_REACH: u8 = 14;
const MP_UNREACH: u8 = 15;
const EXTENDED_LENGTH: u8 = 0x10;

impl Wire {
    /// Records from now on.
    ///
    /// # Errors
    /// When tcpdump is not there or does not start.
    pub fn record(namespace: &Namespace, device: &str, directory: &Path) -> Result<Self> {
        require("tcpdump", "tcpdump")?;
        require("tshark", "tshark")?;
        let file = directory.join(format!("{device}.pcap"));
        let log = directory.join(format!("{device}-tcpdump.log"));
        let words = [
            "tcpdump",
            "-i",
            device,
            "-U",
            "--immediate-mode",
            "-Z",
            "root",
            "-w",
            &file.to_string_lossy(),
            "tcp",
            "port",
            "179",
        ];
        let dump = start_in(namespace, &words, &log)?;
        until("tcpdump listens", secs(10), || {
            Ok(Look::when(dump.said().contains("listening on"), || {
                dump.said()
            }))
        })?;
        Ok(Self { file, _dump: dump })
    }

    /// What `speaker` has said so far on its newest session.
    ///
    /// # Errors
    /// When tshark fails, or what was said is no BGP.
    pub fn said(&self, speaker: IpAddr) -> Result<Said> {
        let file = self.file.to_string_lossy();
        let streams = run(
            "tshark",
            &[
                "-r",
                &file,
                "-Y",
                "bgp.type == 2",
                "-T",
                "fields",
                "-e",
                "tcp.stream",
            ],
        )?;
        let newest = streams
            .lines()
            .filter_map(|line| line.trim().parse::<u32>().ok())
            .max();
        let Some(newest) = newest else {
            return Ok(Said::default());
        };
        let follow = format!("follow,tcp,raw,{newest}");
        let text = run("tshark", &["-q", "-r", &file, "-z", &follow])?;
        let mut said = Said::default();
        for message in messages(&octets_of(&text, speaker)?)? {
            said.hear(message)?;
        }
        Ok(said)
    }

    /// What tshark finds wrong with the BGP messages, in its words.
    ///
    /// # Errors
    /// When tshark fails.
    pub fn malformed(&self) -> Result<BTreeSet<String>> {
        let file = self.file.to_string_lossy();
        let filter = "bgp && (_ws.malformed || _ws.expert.severity >= 0x600000)";
        let text = run(
            "tshark",
            &[
                "-r",
                &file,
                "-Y",
                filter,
                "-T",
                "fields",
                "-e",
                "ip.src",
                "-e",
                "ipv6.src",
                "-e",
                "_ws.expert.message",
            ],
        )?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// The octets of one side of `follow,tcp,raw`: those of the second node are behind a tab.
fn octets_of(text: &str, speaker: IpAddr) -> Result<Vec<u8>> {
    let node = |n: usize| {
        let start = format!("Node {n}: ");
        text.lines()
            .find_map(|line| line.strip_prefix(&start).map(str::to_owned))
    };
    let is_speaker = |node: &String| {
        let address = node.rsplit_once(':').map_or("", |(address, _)| address);
        address.trim_matches(['[', ']']).parse() == Ok(speaker)
    };
    let (first, second) = (
        node(0).context("no first node")?,
        node(1).context("no second node")?,
    );
    let behind_tab = match (is_speaker(&first), is_speaker(&second)) {
        (true, false) => false,
        (false, true) => true,
        _ => bail!("{speaker} is neither {first} nor {second}"),
    };
    let mut octets = Vec::new();
    for line in text.lines() {
        let digits = match line.strip_prefix('\t') {
            Some(digits) if behind_tab => digits,
            None if !behind_tab
                && line.len() % 2 == 0
                && !line.is_empty()
                && line.bytes().all(|c| c.is_ascii_hexdigit()) =>
            {
                line
            }
            _ => continue,
        };
        for pair in digits.trim().as_bytes().chunks(2) {
            octets.push(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
        }
    }
    Ok(octets)
}

/// The bodies of the UPDATEs of a stream, as far as it goes.
fn messages(mut octets: &[u8]) -> Result<Vec<&[u8]>> {
    let mut found = Vec::new();
    while octets.len() >= HEADER {
        ensure!(octets[..16] == [0xff; 16], "a marker is not all ones");
        let length = usize::from(u16::from_be_bytes([octets[16], octets[17]]));
        let Some((message, rest)) = octets.split_at_checked(length) else {
            break;
        };
        if message[18] == UPDATE {
            found.push(&message[HEADER..]);
        }
        octets = rest;
    }
    Ok(found)
}

/// Takes some octets from the front.
fn take<'a>(octets: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    let (taken, rest) = octets.split_at_checked(count).context("cut short")?;
    *octets = rest;
    Ok(taken)
}

fn number(octets: &[u8]) -> usize {
    octets
        .iter()
        .fold(0, |all, octet| all << 8 | usize::from(*octet))
}

impl Said {
    /// Takes in the body of an UPDATE.
    ///
    /// # Errors
    /// When it is none.
    pub fn hear(&mut self, mut body: &[u8]) -> Result<()> {
        let withdrawn = number(take(&mut body, 2)?);
        take(&mut body, withdrawn)?;
        let length = number(take(&mut body, 2)?);
        let mut attributes = take(&mut body, length)?;
        let mut all = BTreeMap::new();
        while !attributes.is_empty() {
            let [flags, code] = *take(&mut attributes, 2)? else {
                bail!("two octets are two")
            };
            let wide = flags & EXTENDED_LENGTH != 0;
            let length = number(take(&mut attributes, if wide { 2 } else { 1 })?);
            let value = take(&mut attributes, length)?.to_vec();
            all.insert(code, (flags & !EXTENDED_LENGTH, value));
        }
        if let Some((_, gone)) = all.remove(&MP_UNREACH) {
            let mut rest = &gone[..];
            let family = family(&mut rest)?;
            self.speaks_of(family, rest.is_empty() && all.is_empty());
            for route in split(family, rest)? {
                self.routes.retain(|known, _| {
                    known.0 != family || key(known) != key(&(family, route.to_vec()))
                });
            }
        }
        if let Some((_, reach)) = all.remove(&MP_REACH) {
            let mut rest = &reach[..];
            let family = family(&mut rest)?;
            self.speaks_of(family, false);
            let length = number(take(&mut rest, 1)?);
            let next_hop = take(&mut rest, length)?.to_vec();
            take(&mut rest, 1)?;
            for route in split(family, rest)? {
                *self.announcements.entry(family).or_default() += 1;
                let announced = Announced {
                    next_hop: next_hop.clone(),
                    attributes: all.clone(),
                };
                self.routes.insert((family, route.to_vec()), announced);
            }
        }
        Ok(())
    }

    fn speaks_of(&mut self, family: Numbers, is_end: bool) {
        if !self.order.contains(&(family, is_end)) {
            self.order.push((family, is_end));
        }
    }

    /// Whether a family's End-of-RIB (RFC 4724 §2) was seen.
    #[must_use]
    pub fn ended(&self, family: Numbers) -> bool {
        self.order.contains(&(family, true))
    }
}

fn family(octets: &mut &[u8]) -> Result<Numbers> {
    let [a, b, safi] = *take(octets, 3)? else {
        bail!("three octets are three")
    };
    Ok((u16::from_be_bytes([a, b]), safi))
}

/// NLRI one by one: with a length in bits, or, of EVPN, a type and a length in octets (RFC 7432 §7).
fn split(family: Numbers, mut octets: &[u8]) -> Result<Vec<&[u8]>> {
    let mut found = Vec::new();
    while !octets.is_empty() {
        let length = match family {
            (25, 70) => 2 + number(octets.get(1..2).context("cut short")?),
            _ => 1 + number(&octets[..1]).div_ceil(8),
        };
        found.push(take(&mut octets, length)?);
    }
    Ok(found)
}

/// What of a route a withdrawal repeats: not the label of a VPN route (RFC 8277 §2.4), nor the ESI, gateway and labels of EVPN types 2 and 5
/// (RFC 7432 §7.2, RFC 9136 §3.1).
fn key((family, nlri): &Route) -> Vec<u8> {
    let rest = |from: usize| nlri.get(from..).unwrap_or_default();
    let part = |from: usize, to: usize| nlri.get(from..to).unwrap_or_default();
    match (*family, nlri.first()) {
        ((_, 128), _) => [part(0, 1), rest(4)].concat(),
        ((25, 70), Some(2)) => {
            let address = usize::from(nlri.get(31).copied().unwrap_or(0)) / 8;
            [part(0, 1), part(2, 10), part(20, 32 + address)].concat()
        }
        ((25, 70), Some(5)) => {
            let address = if nlri.len() > 40 { 16 } else { 4 };
            [part(0, 1), part(2, 10), part(20, 25 + address)].concat()
        }
        _ => nlri.clone(),
    }
}
