//! What it costs to read and write the updates of a real route collector.

use std::hint::black_box;

use bgp_benches::{RealMessage, context, real_messages};
use bgp_wire::{AttrScratch, Encoding, Message, MessageType, decode_update, next_frame};
use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// The updates in 4-octet form and the bytes they have.
fn updates() -> (Vec<RealMessage>, u64) {
    let mut all = real_messages();
    all.retain(|m| m.bytes[18] == 2);
    let bytes = all.iter().map(|m| m.bytes.len() as u64).sum();
    (all, bytes)
}

fn frames(c: &mut Criterion) {
    let (all, bytes) = updates();
    let stream: Vec<u8> = all.iter().flat_map(|m| m.bytes.clone()).collect();
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("split into frames", |b| {
        b.iter(|| {
            let mut rest = &stream[..];
            let mut updates = 0;
            while let Some((frame, consumed)) = next_frame(rest, 4096).expect("real messages") {
                updates += usize::from(frame.kind == MessageType::Update);
                rest = &rest[consumed..];
            }
            updates
        });
    });
    group.finish();
}

fn decode(c: &mut Criterion) {
    let (all, bytes) = updates();
    let contexts = [context(false), context(true)];
    let mut scratch = AttrScratch::new();
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("decode", |b| {
        b.iter(|| {
            let mut prefixes = 0;
            for message in &all {
                let context = &contexts[usize::from(message.asn4)];
                let Ok(decoded) = decode_update(&message.bytes[19..], context, &mut scratch) else {
                    continue;
                };
                let update = &decoded.update;
                prefixes += update.announced.iter_v4().count() + update.withdrawn.iter_v4().count();
                prefixes += update
                    .reach
                    .as_ref()
                    .map_or(0, |reach| reach.nlri.iter_v6().count());
                black_box(update.attrs);
            }
            prefixes
        });
    });
    group.finish();
}

fn decode_and_encode(c: &mut Criterion) {
    let (all, bytes) = updates();
    let contexts = [context(false), context(true)];
    let encodings = [false, true].map(|asn4| Encoding {
        asn4,
        ..bgp_benches::ENCODING
    });
    let mut scratch = AttrScratch::new();
    let mut out = BytesMut::with_capacity(1 << 20);
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("decode and encode", |b| {
        b.iter(|| {
            out.clear();
            for message in &all {
                let context = &contexts[usize::from(message.asn4)];
                let Ok(Some((frame, _))) = next_frame(&message.bytes, 4096) else {
                    continue;
                };
                let Ok(decoded) = Message::decode(frame, context, &mut scratch) else {
                    continue;
                };
                let _ = black_box(decoded.encode(&mut out, &encodings[usize::from(message.asn4)]));
            }
            out.len()
        });
    });
    group.finish();
}

criterion_group!(benches, frames, decode, decode_and_encode);
criterion_main!(benches);
