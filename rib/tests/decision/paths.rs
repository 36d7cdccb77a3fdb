//! Paths that own what a `Candidate` borrows, and their one-line text form.

use std::net::{IpAddr, Ipv4Addr};

use bgp_wire::attribute::SegmentKind;
use bgp_wire::{Asn, AttrEditor, AttrSet, Origin, PathId, RouterId};
use rib::decision::{Candidate, DecisionKey, Ineligible, SourceKind};

/// One segment of an AS_PATH.
pub(crate) type Segment = (SegmentKind, Vec<Asn>);

/// One path with everything that the decision may look at.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    pub(crate) name: String,
    pub(crate) kind: SourceKind,
    pub(crate) asn: u32,
    pub(crate) router_id: Ipv4Addr,
    pub(crate) address: IpAddr,
    pub(crate) peer: String,
    pub(crate) path_id: u32,
    pub(crate) next_hop: u32,
    pub(crate) least_preferred: bool,
    pub(crate) igp_metric: u32,
    pub(crate) ineligible: Option<Ineligible>,
    pub(crate) as_path: Vec<Segment>,
    pub(crate) origin: u8,
    pub(crate) local_pref: Option<u32>,
    pub(crate) med: Option<u32>,
    pub(crate) originator: Option<Ipv4Addr>,
    pub(crate) clusters: Vec<Ipv4Addr>,
}

impl Path {
    /// The `n`th path of a case, counted from 1, when nothing is said about it.
    pub(crate) fn plain(name: &str, kind: SourceKind, n: u8) -> Self {
        let asn = if kind == SourceKind::Ebgp {
            65001
        } else {
            65000
        };
        let as_path = match kind {
            SourceKind::Ebgp => vec![(SegmentKind::Sequence, vec![Asn(65001)])],
            _ => Vec::new(),
        };
        Self {
            name: name.to_owned(),
            kind,
            asn,
            router_id: Ipv4Addr::new(10, 0, 0, n),
            address: IpAddr::from([192, 0, 2, n]),
            peer: name.to_owned(),
            path_id: 0,
            next_hop: u32::from(n),
            least_preferred: false,
            igp_metric: 0,
            ineligible: None,
            as_path,
            origin: 0,
            local_pref: None,
            med: None,
            originator: None,
            clusters: Vec::new(),
        }
    }

    /// Reads `NAME KIND [field=value ...]`.
    pub(crate) fn parse(line: &str, n: u8) -> Self {
        let mut words = line.split_whitespace();
        let name = words.next().expect("a path has a name");
        let kind = match words.next() {
            Some("local") => SourceKind::Local,
            Some("ebgp") => SourceKind::Ebgp,
            Some("ibgp") => SourceKind::Ibgp,
            Some("client") => SourceKind::IbgpClient,
            other => panic!("`{line}`: {other:?} is no kind of path"),
        };
        let mut path = Self::plain(name, kind, n);
        for word in words {
            let (field, value) = word.split_once('=').expect("a field has a value");
            path.set(field, value);
        }
        path
    }

    fn set(&mut self, field: &str, value: &str) {
        let number = || value.parse().expect("a number");
        let address = || value.parse().expect("an IPv4 address");
        match field {
            "as" => self.asn = number(),
            "id" => self.router_id = address(),
            "address" => self.address = value.parse().expect("an address"),
            "peer" => self.peer = value.to_owned(),
            "path-id" => self.path_id = number(),
            "stale" => self.least_preferred = value == "long-lived",
            "next-hop" => self.next_hop = number(),
            "metric" => self.igp_metric = number(),
            "out" => self.ineligible = Some(parse_ineligible(value)),
            "as-path" => self.as_path = parse_as_path(value),
            "origin" => {
                self.origin = match value {
                    "igp" => 0,
                    "egp" => 1,
                    "incomplete" => 2,
                    _ => panic!("`{value}` is no origin"),
                }
            }
            "local-pref" => self.local_pref = Some(number()),
            "med" => self.med = Some(number()),
            "originator" => self.originator = Some(address()),
            "clusters" => {
                self.clusters = value
                    .split(',')
                    .map(|id| id.parse().expect("an ID"))
                    .collect();
            }
            _ => panic!("`{field}` is no field of a path"),
        }
    }

    fn attrs(&self) -> AttrSet {
        let mut editor = AttrEditor::new();
        editor.set_origin(Origin::from_u8(self.origin).expect("an origin"));
        let segments: Vec<(SegmentKind, &[Asn])> = self
            .as_path
            .iter()
            .map(|(kind, asns)| (*kind, asns.as_slice()))
            .collect();
        editor.set_as_path_segments(&segments);
        editor.set_local_pref(self.local_pref);
        editor.set_med(self.med);
        editor.set_originator_id(self.originator.map(RouterId::from));
        for id in self.clusters.iter().rev() {
            editor.prepend_cluster_id(RouterId::from(*id));
        }
        editor.to_set()
    }
}

fn parse_ineligible(text: &str) -> Ineligible {
    match text {
        "filtered" => Ineligible::FilteredByPolicy,
        "no-policy" => Ineligible::NoPolicy,
        "as-loop" => Ineligible::AsLoop,
        "originator-loop" => Ineligible::OriginatorLoop,
        "cluster-loop" => Ineligible::ClusterLoop,
        "unreachable" => Ineligible::NextHopUnreachable,
        _ => panic!("`{text}` is no reason"),
    }
}

/// `65001,65002,{65003,65004},(65100)`: a sequence, sets in braces, confederation sequences in
/// parentheses; `-` is the empty path.
fn parse_as_path(text: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut rest = if text == "-" { "" } else { text };
    while !rest.is_empty() {
        let (kind, inside, after) = if let Some(set) = rest.strip_prefix('{') {
            let (inside, after) = set.split_once('}').expect("a closed set");
            (SegmentKind::Set, inside, after)
        } else if let Some(confed) = rest.strip_prefix('(') {
            let (inside, after) = confed.split_once(')').expect("a closed sequence");
            (SegmentKind::ConfedSequence, inside, after)
        } else {
            let end = rest.find(['{', '(']).unwrap_or(rest.len());
            (
                SegmentKind::Sequence,
                rest[..end].trim_end_matches(','),
                &rest[end..],
            )
        };
        let asns = inside
            .split(',')
            .map(|asn| asn.parse().expect("an AS number"))
            .collect();
        segments.push((kind, asns));
        rest = after.trim_start_matches(',');
    }
    segments
}

/// The sets and keys behind the candidates of some paths.
pub(crate) struct Stored {
    paths: Vec<Path>,
    sets: Vec<(AttrSet, DecisionKey)>,
}

impl Stored {
    pub(crate) fn new(paths: Vec<Path>) -> Self {
        let sets = paths
            .iter()
            .map(|path| {
                let set = path.attrs();
                let key = DecisionKey::of(set.as_ref());
                (set, key)
            })
            .collect();
        Self { paths, sets }
    }

    pub(crate) fn candidates(&self) -> Vec<Candidate<'_>> {
        self.paths
            .iter()
            .zip(&self.sets)
            .map(|(path, (set, key))| Candidate {
                key,
                attrs: set.as_ref(),
                kind: path.kind,
                asn: Asn(path.asn),
                router_id: RouterId::from(path.router_id),
                address: path.address,
                name: &path.peer,
                path_id: PathId(path.path_id),
                next_hop: path.next_hop,
                least_preferred: path.least_preferred,
                mobility: 0,
                lowest_pe: None,
                igp_metric: path.igp_metric,
                ineligible: path.ineligible,
            })
            .collect()
    }
}

/// All orders of `0..n`.
pub(crate) fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    orders(n - 1)
        .into_iter()
        .flat_map(|shorter| {
            (0..n).map(move |position| {
                let mut order = shorter.clone();
                order.insert(position, n - 1);
                order
            })
        })
        .collect()
}
