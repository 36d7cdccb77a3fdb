//! Peers, the exporter, sweeps and people's questions at the same time.

mod support;

use bgp_wire::*;
use rib::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use support::*;

const PEERS: usize = 4;
const PREFIXES: u32 = 600;

/// A peer that announces, changes and withdraws for a while, and in the end has every third prefix announced.
fn chatter(rib: &Rib, idx: PeerIdx, asn: Asn, seed: u64) {
    let mut inbound = Inbound::new(idx);
    let mut ctx = SessionContext::new(LOCAL_AS, asn);
    ctx.enforce_first_as = false;
    let encoding = Encoding {
        asn4: true,
        add_path: false,
        max_message: 4096,
        mp_ipv4: false,
    };
    let mut random = seed;
    let mut next = move || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) as u32
    };
    let mut scratch = AttrScratch::default();
    let mut send = |inbound: &mut Inbound, n: u32, choice: Option<u32>| {
        let ipnet::IpNet::V4(prefix) = net(2 * n) else {
            unreachable!("even ones are IPv4")
        };
        let mut out = bytes::BytesMut::new();
        match choice {
            Some(choice) => {
                let attrs = set(FAMILIES[0], asn, 1 + (choice % 5) as u8, |editor| {
                    editor.set_med(Some(choice % 50));
                });
                let nlri = [(PathId(0), prefix)];
                encode_announce(&mut out, FAMILIES[0], &encoding, attrs.as_ref(), &nlri).unwrap();
            }
            None => {
                encode_withdraw(&mut out, FAMILIES[0], &encoding, &[(PathId(0), prefix)]);
            }
        }
        let decoded = decode_update(&out[19..], &ctx, &mut scratch).unwrap();
        inbound.update(rib, &decoded, &ctx);
    };
    for round in 0..150 {
        for _ in 0..40 {
            let (n, choice) = (next() % PREFIXES, next());
            send(&mut inbound, n, (choice % 4 != 0).then_some(choice));
        }
        inbound.flush(rib);
        if round == 70 {
            let mut walk = rib.peer_down(idx);
            while !walk.step(rib, 50) {}
        }
    }
    for n in 0..PREFIXES {
        send(&mut inbound, n, n.is_multiple_of(3).then_some(n));
    }
    inbound.flush(rib);
}

#[test]
fn everything_at_once_ends_as_it_should() {
    let mut world = World::new(4, 2);
    for n in 0..PEERS as u32 {
        world.add(SourceKind::Ebgp, Asn(64500 + n / 2));
    }
    let listeners = [
        world.add(SourceKind::Ebgp, Asn(64900)),
        world.add(SourceKind::Ebgp, Asn(64901)),
        world.add(SourceKind::IbgpClient, LOCAL_AS),
    ];
    for peer in 0..PEERS {
        world.join(peer, 0);
    }
    for (peer, add_path) in listeners.into_iter().zip([0, 3, 0]) {
        world.join_with(peer, add_path, 4096);
    }
    world.rib.open_fib_reader(std::sync::Arc::new(()), None);
    let done = AtomicBool::new(false);
    let senders: Vec<_> = world.peers[..PEERS]
        .iter()
        .map(|peer| (peer.idx, peer.asn))
        .collect();
    let World {
        rib,
        exporter,
        peers,
        fib,
        ..
    } = &mut world;
    let rib = &*rib;
    std::thread::scope(|scope| {
        let chatterers: Vec<_> = senders
            .iter()
            .enumerate()
            .map(|(n, &(idx, asn))| scope.spawn(move || chatter(rib, idx, asn, n as u64 + 7)))
            .collect();
        let done = &done;
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                rib.sweep();
                let mut cursor = None;
                loop {
                    let page = rib.rows(&RowQuery::default(), cursor, 100);
                    cursor = page.next;
                    if cursor.is_none() {
                        break;
                    }
                }
                for n in 0..20 {
                    rib.explain(net(2 * n));
                    rib.lookup(net(2 * n).addr(), 128);
                }
                rib.counts();
            }
        });
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let mut changes = Vec::new();
                rib.drain_fib(64, &mut changes);
                for change in changes {
                    let paths = change
                        .paths
                        .iter()
                        .map(|path| (path.next_hop, path.peer))
                        .collect();
                    fib.insert(change.prefix, paths);
                }
            }
        });
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                exporter.drain(rib, 100);
                for told in peers.iter_mut().filter_map(|peer| peer.told.as_mut()) {
                    told.receive_one();
                }
            }
        });
        for chatterer in chatterers {
            chatterer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    world.settle();
    for peer in 0..world.peers.len() {
        world.check_told(peer);
    }
    let rows = world.rows();
    assert_eq!(rows.len(), PEERS * PREFIXES as usize / 3);
    let best: BTreeMap<_, _> = rows
        .iter()
        .filter(|row| row.best)
        .map(|row| (row.route.net().unwrap(), row.peer))
        .collect();
    world.fib.retain(|_, paths| !paths.is_empty());
    assert_eq!(best.len(), world.fib.len());
    assert!(
        best.iter()
            .all(|(prefix, peer)| world.fib[prefix][0].1 == *peer)
    );
    assert_eq!(world.exporter.groups(), 3);
}
