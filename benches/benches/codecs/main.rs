//! The codec beside four others, on the same messages and in one run.
//!
//! - `visit`: all messages of a stream are framed, validated as RFC 7606 asks as far as each codec does, and every NLRI and every
//!   attribute value goes through a black box: in the form the codec has it in, by itself or in a list.
//! - `own`: the same messages become values that outlive them, in the owned form that each codec has.
//! - `encode`: those values become messages again.
//!
//! All do the same work: before anything is measured, each codec reads each message by itself and has to count what ours counts:
//! NLRI announced and withdrawn, next hops, attributes, and the AS numbers and communities in them ([`codec::Seen`]), on the way and
//! in what it owns; what was encoded is read back and has to count the same. Where that is not so, the codec is left out by name ([`LEFT_OUT`]), and the bench fails
//! when a reason there no longer holds.
//!
//! What is the same work and what is not:
//! - Three of the collector's messages are left out: they have AS4_PATH, which ours merges into AS_PATH (RFC 6793 §4.2.3) and the
//!   others leave beside it.
//! - Ours puts attributes into canonical order, checks them against the kind of the session and reports every error of a message;
//!   netgauze-bgp-pkt, routecore and zettabgp stop at the first, and bgpkit-parser notes it.
//! - The owned form of ours is what a speaker has in its tables: vectors of values for the routes, and for the attributes their
//!   canonical octets, checked, of which values are made when they are asked for. That of routecore is the whole message, checked;
//!   the others have vectors of values.
//! - routecore takes EVPN routes as octets behind their type and Prefix-SID as octets; zettabgp takes Prefix-SID as octets.
//! - The streams have no errors in them: what is measured is the way that all routes of the Internet go.

mod bgp_wire;
mod bgpkit;
mod codec;
mod inputs;
mod netgauze;
mod routecore;
mod zettabgp;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

use bgp_wire::BgpWire;
use bgpkit::Bgpkit;
use codec::{Codec, Seen, Stream};
use inputs::{Input, inputs};
use netgauze::NetGauze;
use routecore::Routecore;
use zettabgp::Zettabgp;

/// What a codec is left out of, and why.
const LEFT_OUT: &[(Job, &str, &str, &str)] = &[
    (
        Job::Read,
        "bgpkit-parser",
        "vpnv4",
        "takes the octets for IPv4 prefixes and refuses their lengths",
    ),
    (
        Job::Read,
        "bgpkit-parser",
        "vpnv6",
        "takes the octets for IPv6 prefixes and refuses their lengths",
    ),
    (
        Job::Read,
        "bgpkit-parser",
        "evpn-mac",
        "does not know AFI 25",
    ),
    (
        Job::Read,
        "bgpkit-parser",
        "evpn-prefix",
        "does not know AFI 25",
    ),
    (
        Job::Read,
        "zettabgp",
        "evpn-mac",
        "looks for the bottom of a label stack in VNIs (RFC 8365 §5.1.3), which have none",
    ),
    (
        Job::Encode,
        "routecore",
        "all",
        "writes from a builder of one type of NLRI that is used up, and IPv4 into MP_REACH_NLRI too",
    ),
    (
        Job::Encode,
        "zettabgp",
        "ipv4-real",
        "writes AGGREGATOR as well-known",
    ),
    (
        Job::Encode,
        "zettabgp",
        "evpn-prefix",
        "writes over half of the gateway of IPv6 prefixes",
    ),
];

/// What a codec can be left out of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Job {
    /// Everything.
    Read,
    /// `encode`.
    Encode,
}

/// Whether a codec does a job on an input: what it does not read it cannot write either.
fn takes_part(job: Job, codec: &str, input: &str) -> bool {
    !LEFT_OUT.iter().any(|(of, name, on, _)| {
        *name == codec && [input, "all"].contains(on) && [Job::Read, job].contains(of)
    })
}

/// Whether a codec counts in each message what is in it, and in what it keeps of it.
fn reads<C: Codec>(codec: &mut C, input: &Input) -> Result<(), String> {
    for (message, expected) in &input.messages {
        let mut all = vec![codec.visit(message)?];
        for owned in codec.own(message)? {
            all.push(codec.look(&owned)?);
        }
        if all != [*expected, *expected] {
            return Err(format!("{all:?} are not {expected:?}"));
        }
    }
    Ok(())
}

/// What a codec writes for the messages of a stream.
fn to_send<C: Codec>(codec: &mut C, stream: &Stream) -> Result<Vec<C::Sent>, String> {
    let owned = codec.own(stream)?;
    Ok(owned.into_iter().map(C::Sent::from).collect())
}

/// Whether what a codec writes says what was read.
fn writes<C: Codec>(codec: &mut C, input: &Input) -> Result<(), String> {
    for (message, expected) in &input.messages {
        let updates = to_send(codec, message)?;
        codec.encode(&updates, message)?;
        let written = Stream {
            bytes: codec.written().to_vec().into(),
            ..message.clone()
        };
        let seen = BgpWire::default().visit(&written)?;
        // Ours writes withdrawals and announcements of one message as two.
        let seen = Seen {
            messages: expected.messages,
            ..seen
        };
        if seen != *expected {
            return Err(format!("{seen:?} was written for {expected:?}"));
        }
    }
    Ok(())
}

/// Where a codec does less or more than is expected of it.
fn surprises<C: Codec + Default>(input: &Input) -> Vec<String> {
    let mut codec = C::default();
    let (name, on) = (C::NAME, input.name);
    let surprise = |job, result: Result<(), String>| match (result, takes_part(job, name, on)) {
        (Err(why), true) => Some(format!("{name} on {on}: {why}")),
        (Ok(()), false) => Some(format!("{name} is left out of {on} and need not be")),
        _ => None,
    };
    let reading = surprise(Job::Read, reads(&mut codec, input));
    let writing =
        takes_part(Job::Read, name, on).then(|| surprise(Job::Encode, writes(&mut codec, input)));
    reading.into_iter().chain(writing.flatten()).collect()
}

fn group<'c>(c: &'c mut Criterion, job: &str, input: &Input) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(format!("{job}/{}", input.name));
    group.throughput(Throughput::Bytes(input.octets()));
    group
}

fn visit<C: Codec + Default>(group: &mut BenchmarkGroup<'_, WallTime>, input: &Input) {
    if !takes_part(Job::Read, C::NAME, input.name) {
        return;
    }
    let mut codec = C::default();
    group.bench_function(C::NAME, |b| {
        b.iter(|| {
            let visits = input.streams.iter().map(|stream| codec.visit(stream));
            visits
                .map(|seen| seen.expect("was checked").announced)
                .sum::<u32>()
        });
    });
}

fn own<C: Codec + Default>(group: &mut BenchmarkGroup<'_, WallTime>, input: &Input) {
    if !takes_part(Job::Read, C::NAME, input.name) {
        return;
    }
    let mut codec = C::default();
    group.bench_function(C::NAME, |b| {
        // They are dropped outside of what is measured.
        b.iter_with_large_drop(|| {
            let owned = input.streams.iter().map(|stream| codec.own(stream));
            owned.collect::<Result<Vec<_>, _>>().expect("was checked")
        });
    });
}

fn encode<C: Codec + Default>(group: &mut BenchmarkGroup<'_, WallTime>, input: &Input) {
    if !takes_part(Job::Encode, C::NAME, input.name) {
        return;
    }
    let mut codec = C::default();
    let all: Vec<_> = input
        .streams
        .iter()
        .map(|stream| (to_send(&mut codec, stream).expect("was checked"), stream))
        .collect();
    group.bench_function(C::NAME, |b| {
        b.iter(|| {
            let written = all
                .iter()
                .map(|(updates, stream)| codec.encode(updates, stream));
            written
                .map(|octets| octets.expect("was checked"))
                .sum::<usize>()
        });
    });
}

fn codecs(c: &mut Criterion) {
    for input in inputs() {
        let surprises = [
            surprises::<BgpWire>(&input),
            surprises::<NetGauze>(&input),
            surprises::<Bgpkit>(&input),
            surprises::<Routecore>(&input),
            surprises::<Zettabgp>(&input),
        ]
        .concat();
        assert!(surprises.is_empty(), "{surprises:#?}");
        macro_rules! all {
            ($job:ident) => {
                let mut group = group(c, stringify!($job), &input);
                $job::<BgpWire>(&mut group, &input);
                $job::<NetGauze>(&mut group, &input);
                $job::<Bgpkit>(&mut group, &input);
                $job::<Routecore>(&mut group, &input);
                $job::<Zettabgp>(&mut group, &input);
                group.finish();
            };
        }
        all!(visit);
        all!(own);
        all!(encode);
    }
}

criterion_group!(benches, codecs);
criterion_main!(benches);
