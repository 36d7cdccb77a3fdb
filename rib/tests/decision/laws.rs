//! What holds for all paths, not only for the named ones.
//!
//! The decision is compared with the elimination of RFC 4271 §9.1.2.2 written out on sets of
//! paths, which shares no code with it.

use std::cmp::Reverse;

use bgp_wire::Asn;
use bgp_wire::attribute::SegmentKind;
use proptest::prelude::*;
use rib::decision::{
    DecisionConfig, Ineligible, Reason, SourceKind, compare, explain, multipath, select,
};

use crate::paths::{Path, Segment, Stored};

fn path_len(path: &Path) -> usize {
    path.as_path
        .iter()
        .map(|(kind, asns)| match kind {
            SegmentKind::Sequence => asns.len(),
            SegmentKind::Set => 1,
            SegmentKind::ConfedSequence | SegmentKind::ConfedSet => 0,
        })
        .sum()
}

fn neighbor(path: &Path) -> Option<u32> {
    let confed = [SegmentKind::ConfedSequence, SegmentKind::ConfedSet];
    let first = path.as_path.iter().find(|(kind, _)| !confed.contains(kind));
    let first = first
        .filter(|(kind, _)| *kind == SegmentKind::Sequence)
        .map(|(_, asns)| asns[0].0);
    first.or_else(|| (path.kind == SourceKind::Ebgp).then_some(path.asn))
}

/// Keeps what has the lowest key.
fn keep_lowest<K: Ord>(left: &mut Vec<usize>, key: impl Fn(usize) -> K) {
    if let Some(lowest) = left.iter().map(|&i| key(i)).min() {
        left.retain(|&i| key(i) == lowest);
    }
}

/// The paths that are left when the metric has been looked at.
fn reference_equals(paths: &[Path], config: &DecisionConfig) -> Vec<usize> {
    let mut left: Vec<usize> = (0..paths.len())
        .filter(|&i| paths[i].ineligible.is_none())
        .collect();
    keep_lowest(&mut left, |i| paths[i].kind != SourceKind::Local);
    keep_lowest(&mut left, |i| Reverse(paths[i].local_pref.unwrap_or(100)));
    keep_lowest(&mut left, |i| path_len(&paths[i]));
    keep_lowest(&mut left, |i| paths[i].origin);
    let med = |i: usize| paths[i].med.unwrap_or(0);
    let before = left.clone();
    left.retain(|&i| {
        !before.iter().any(|&j| {
            med(j) < med(i)
                && (config.always_compare_med || neighbor(&paths[j]) == neighbor(&paths[i]))
        })
    });
    keep_lowest(&mut left, |i| {
        matches!(paths[i].kind, SourceKind::Ibgp | SourceKind::IbgpClient)
    });
    keep_lowest(&mut left, |i| paths[i].igp_metric);
    left
}

/// The tie-breaks, applied until one path is left.
fn reference_first(paths: &[Path], mut left: Vec<usize>, config: &DecisionConfig) -> Option<usize> {
    if config.compare_router_id || left.iter().any(|&i| paths[i].kind != SourceKind::Ebgp) {
        keep_lowest(&mut left, |i| {
            paths[i].originator.unwrap_or(paths[i].router_id)
        });
    }
    keep_lowest(&mut left, |i| paths[i].clusters.len());
    keep_lowest(&mut left, |i| paths[i].address);
    keep_lowest(&mut left, |i| &paths[i].peer);
    keep_lowest(&mut left, |i| paths[i].path_id);
    assert!(left.len() <= 1, "the tie-breaks end with one path");
    left.first().copied()
}

fn reference_multipath(paths: &[Path], width: u8, config: &DecisionConfig) -> Vec<usize> {
    let mut left = reference_equals(paths, config);
    let mut used: Vec<usize> = Vec::new();
    while let Some(first) = reference_first(paths, left.clone(), config) {
        left.retain(|&i| i != first);
        if used
            .iter()
            .all(|&i| paths[i].next_hop != paths[first].next_hop)
        {
            used.push(first);
        }
    }
    used.truncate(usize::from(width));
    used
}

fn kind() -> impl Strategy<Value = SourceKind> {
    prop_oneof![
        1 => Just(SourceKind::Local),
        10 => Just(SourceKind::Ebgp),
        6 => Just(SourceKind::Ibgp),
        6 => Just(SourceKind::IbgpClient),
    ]
}

fn as_path() -> impl Strategy<Value = Vec<Segment>> {
    let asns = || proptest::collection::vec((65001u32..65004).prop_map(Asn), 1..3);
    let segment = |kind: SegmentKind| asns().prop_map(move |asns| (kind, asns));
    let sequence = || segment(SegmentKind::Sequence);
    prop_oneof![
        8 => sequence().prop_map(|only| vec![only]),
        1 => segment(SegmentKind::Set).prop_map(|only| vec![only]),
        1 => (segment(SegmentKind::Set), sequence()).prop_map(|(set, after)| vec![set, after]),
        1 => (segment(SegmentKind::ConfedSequence), sequence())
            .prop_map(|(confed, after)| vec![confed, after]),
        1 => Just(Vec::new()),
    ]
}

/// Few values for each field, so that many paths are equal at many steps.
fn path() -> impl Strategy<Value = Path> {
    let attrs = (
        as_path(),
        prop_oneof![8 => Just(0u8), 1 => 1u8..3],
        prop_oneof![8 => Just(None), 1 => (99u32..102).prop_map(Some)],
        prop_oneof![1 => Just(None), 1 => (0u32..3).prop_map(Some)],
        proptest::option::of((1u8..4).prop_map(|n| [10, 0, 0, n].into())),
        proptest::collection::vec((1u8..4).prop_map(|n| [1, 1, 1, n].into()), 0..3),
    );
    let source = (
        kind(),
        1u8..4,
        1u8..4,
        65001u32..65003,
        0u32..3,
        1u32..4,
        prop_oneof![1 => Just(0u32), 1 => 5u32..7],
        prop_oneof![8 => Just(None), 1 => Just(Some(Ineligible::NextHopUnreachable))],
    );
    (attrs, source).prop_map(
        |(
            (as_path, origin, local_pref, med, originator, clusters),
            (kind, id, address, asn, path_id, next_hop, igp_metric, ineligible),
        )| Path {
            asn,
            router_id: [10, 0, 0, id].into(),
            address: [192, 0, 2, address].into(),
            path_id,
            next_hop,
            igp_metric,
            ineligible,
            as_path,
            origin,
            local_pref,
            med,
            originator,
            clusters,
            ..Path::plain("", kind, 1)
        },
    )
}

fn named(mut paths: Vec<Path>) -> Vec<Path> {
    for (i, path) in paths.iter_mut().enumerate() {
        path.name = format!("p{i}");
        path.peer.clone_from(&path.name);
    }
    paths
}

fn paths() -> impl Strategy<Value = Vec<Path>> {
    proptest::collection::vec(path(), 0..12).prop_map(named)
}

fn config() -> impl Strategy<Value = DecisionConfig> {
    (any::<bool>(), any::<bool>()).prop_map(|(always_compare_med, compare_router_id)| {
        DecisionConfig {
            always_compare_med,
            compare_router_id,
        }
    })
}

fn used(paths: &[Path], width: u8, config: &DecisionConfig) -> (Option<usize>, Vec<usize>) {
    let stored = Stored::new(paths.to_vec());
    let candidates = stored.candidates();
    let best = select(&candidates, config);
    let mut used = Vec::new();
    if let Some(best) = best {
        multipath(&candidates, best, width, config, &mut used);
    }
    (best, used)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn selection_is_the_elimination_of_the_standard(
        paths in paths(), config in config(), width in 1u8..6,
    ) {
        let (best, used) = used(&paths, width, &config);
        prop_assert_eq!(best, reference_first(&paths, reference_equals(&paths, &config), &config));
        prop_assert_eq!(used, reference_multipath(&paths, width, &config));
    }

    #[test]
    fn any_order_of_arrival_gives_the_same_selection(
        (paths, shuffled) in paths().prop_flat_map(|paths| {
            (Just(paths.clone()), Just(paths).prop_shuffle())
        }),
        config in config(),
        width in 1u8..6,
    ) {
        let names = |paths: &[Path]| {
            let (best, used) = used(paths, width, &config);
            (
                best.map(|i| paths[i].name.clone()),
                used.into_iter().map(|i| paths[i].name.clone()).collect::<Vec<_>>(),
            )
        };
        prop_assert_eq!(names(&paths), names(&shuffled));
    }

    #[test]
    fn every_path_has_the_reason_that_forwarding_acts_on(
        paths in paths(), config in config(), width in 1u8..6,
    ) {
        let (best, used) = used(&paths, width, &config);
        let stored = Stored::new(paths.clone());
        let candidates = stored.candidates();
        let reasons = explain(&candidates, width, &config);
        prop_assert_eq!(reasons.len(), paths.len());
        for (i, reason) in reasons.iter().enumerate() {
            prop_assert_eq!(*reason == Reason::Best, Some(i) == best);
            prop_assert_eq!(reason.is_used(), used.contains(&i));
            prop_assert_eq!(
                matches!(reason, Reason::Ineligible(_)),
                paths[i].ineligible.is_some()
            );
            if let Some(loss) = reason.loss() {
                let verdict = compare(&candidates[loss.against], &candidates[i], &config);
                prop_assert!(verdict.first_wins());
                prop_assert_eq!(verdict.step, loss.step);
                prop_assert_ne!(&loss.ours, &loss.theirs);
            }
        }
    }

    #[test]
    fn without_med_the_comparison_is_a_total_order(paths in paths(), config in config()) {
        let without_med: Vec<Path> =
            paths.into_iter().map(|path| Path { med: None, ..path }).collect();
        let stored = Stored::new(without_med);
        let candidates = stored.candidates();
        let order = |i: usize, j: usize| compare(&candidates[i], &candidates[j], &config).order;
        for i in 0..candidates.len() {
            for j in 0..candidates.len() {
                prop_assert_eq!(order(i, j), order(j, i).reverse());
                prop_assert_eq!(order(i, j).is_eq(), i == j);
                for k in 0..candidates.len() {
                    if order(i, j).is_le() && order(j, k).is_le() {
                        prop_assert!(order(i, k).is_le(), "{} {} {}", i, j, k);
                    }
                }
            }
        }
    }
}
