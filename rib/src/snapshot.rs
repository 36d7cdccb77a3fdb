//! What people see of the table: rows a page at a time, what a peer has been told, and why a path is or is not used.
//!
//! A page is owned, plain data; between two pages nothing is locked, and the table may change. It is true for each
//! destination, and good enough for people as a whole. Small results come as one page in order of their prefixes.

use crate::decision::{self, Ineligible, Reason};
use crate::export::{Exported, RejectReason, SourceInfo};
use crate::family_table::FamilyTable;
use crate::group::{ExportView, GroupKey};
use crate::judge::Judge;
use crate::path::{Path, PeerIdx};
use crate::policy::RouteFacts;
use crate::policy_steps::{PolicyStep, of_export, of_import};
use crate::route_key::RouteKey;
use crate::row_query::RowQuery;
use crate::shard_key::TableKey;
use crate::table::{Pin, Rib};
use crate::tables::{ByFamily, FAMILIES, by_family};
use crate::told::told_of;
use bgp_wire::{AttrEditor, AttrRef, AttrSet, Family, Fields, PathId};
use std::sync::Arc;

/// What came in an NLRI beside its key, and what comes of it together with these attributes: the SIDs of SRv6 services, of
/// which a part travels in a label (RFC 9252 §4).
pub(crate) fn detail_of<K: TableKey>(key: &K, detail: &K::Detail, attrs: AttrRef<'_>) -> Fields {
    let mut fields = Fields::new();
    if size_of::<K::Detail>() > 0 {
        key.describe(detail, &mut fields);
    }
    attrs.describe_service_sids(key.label_fields(detail), &mut fields);
    fields
}

/// Where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    family: usize,
    shard: usize,
    at: u32,
}

/// Some rows.
#[derive(Clone, Debug)]
pub struct Page<R> {
    /// The rows; possibly none although there are more.
    pub rows: Vec<R>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
    /// The rows are in order of prefixes, and all there are.
    pub sorted: bool,
}

/// One path of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The destination.
    pub route: RouteKey,
    /// What came with it in the NLRI, by name, and the SIDs of its SRv6 services; nothing where there is nothing of that.
    pub detail: Fields,
    /// Who sent the path.
    pub peer: PeerIdx,
    /// Its name.
    pub peer_name: Arc<str>,
    /// The path id with which it came, 0 without.
    pub path_id: PathId,
    /// Its attributes, after import policy.
    pub attrs: AttrSet,
    /// Its attributes as received, if policy changed them.
    pub received: Option<AttrSet>,
    /// It is the best path.
    pub best: bool,
    /// It is used beside the best path.
    pub multipath: bool,
    /// It is from before a refresh that is not over.
    pub stale: bool,
    /// Why it may not be selected.
    pub ineligible: Option<Ineligible>,
}

/// A route that a group has processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldRoute {
    /// Whose path it is. This peer itself is not told.
    pub source: PeerIdx,
    /// The path id on the wire, 0 without.
    pub path_id: PathId,
    /// What the export policies do with it.
    pub policies: Vec<PolicyStep>,
    /// The attributes as told, or why the group is not told.
    pub outcome: Result<AttrSet, RejectReason>,
}

/// A path, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedPath {
    /// The path.
    pub row: Row,
    /// What the import policies did with it.
    pub policies: Vec<PolicyStep>,
    /// Why it is or is not used. If that names another path, it names its place in the explanation.
    pub reason: Reason,
}

/// What one export group has been told of a prefix.
#[derive(Clone, Debug)]
pub struct ToldGroup {
    /// The peers of the group.
    pub members: Vec<PeerIdx>,
    /// What makes them a group.
    pub key: Arc<GroupKey>,
    /// Something changed that the group has not been told yet.
    pub pending: bool,
    /// The routes; none if there is nothing to tell.
    pub routes: Vec<ToldRoute>,
}

/// All that is known of a destination.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The destination.
    pub route: RouteKey,
    /// Its paths.
    pub paths: Vec<ExplainedPath>,
    /// Who has been told what.
    pub told: Vec<ToldGroup>,
}

/// An export group, for people.
#[derive(Clone, Debug)]
pub struct GroupInfo {
    /// Its number. Numbers are used again.
    pub number: usize,
    /// The peers of the group.
    pub members: Vec<PeerIdx>,
    /// What makes them a group.
    pub key: Arc<GroupKey>,
}

/// Results up to this many paths come sorted, in one page.
pub const SORTED_ROWS: usize = 10_000;
/// Destinations looked at for one page.
const PAGE: usize = 4096;

impl Rib {
    /// The paths of the table. Rows are of about `limit` destinations, beginning at `cursor` or at the beginning.
    pub fn rows(&self, query: &RowQuery, cursor: Option<Cursor>, limit: usize) -> Page<Row> {
        let mut page = self.page(query, cursor, limit, &Paths { query });
        if page.sorted {
            page.rows
                .sort_by_key(|row| (row.route, !row.best, !row.multipath, row.peer, row.path_id));
        }
        page
    }

    /// The destinations of the table that a query means, as [`Rib::rows`]; with `best`, those that have a best
    /// path.
    pub fn destinations(
        &self,
        query: &RowQuery,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Page<RouteKey> {
        let mut page = self.page(query, cursor, limit, &Keys { best: query.best });
        if page.sorted {
            page.rows.sort_unstable();
        }
        page
    }

    /// How many routes a peer has been told in a family.
    pub fn advertised(&self, member: PeerIdx, family: Family) -> u32 {
        let Some((_, view)) = self.export_view(member) else {
            return 0;
        };
        let Some(at) = view
            .key
            .families
            .iter()
            .position(|export| export.family == family)
        else {
            return 0;
        };
        view.told.lock().families[at].of(member)
    }

    /// The export groups there are.
    pub fn export_groups(&self) -> Vec<GroupInfo> {
        let views = self.exports.read();
        let numbered = views
            .iter()
            .enumerate()
            .filter_map(|(number, view)| Some((number, view.as_ref()?)));
        numbered
            .map(|(number, view)| GroupInfo {
                number,
                members: view.members.clone(),
                key: Arc::clone(&view.key),
            })
            .collect()
    }

    /// All that is known of a destination; `None` if it has no path and nobody was told of it.
    pub fn explain(&self, route: impl Into<RouteKey>) -> Option<Explanation> {
        let (rib, route) = (self, route.into());
        by_family(route.family(), Explain { rib, route })
            .flatten()
            .filter(|explained| !explained.paths.is_empty() || !explained.told.is_empty())
    }

    fn explain_in<K: TableKey>(&self, key: K) -> Option<Explanation> {
        let views: Vec<_> = self.exports.read().iter().map(Clone::clone).collect();
        let pin = self.pin();
        let hash = key.keyed_hash(&self.hasher);
        let (paths, groups) =
            self.lock::<K, _>(&pin, self.bits.shard_of(hash), |table, judge| {
                let id = table.find(hash, &key)?;
                let paths = table.paths(id);
                let reasons =
                    decision::explain(&judge.candidates(&paths), judge.max_paths, judge.config);
                let rows: Vec<Row> = rows_of(table, judge, id);
                let facts: Vec<RouteFacts> =
                    paths.iter().map(|path| key.facts(&path.detail)).collect();
                let groups: Vec<_> = views
                    .iter()
                    .enumerate()
                    .filter_map(|(number, view)| {
                        let table = table.group(number)?;
                        Some((view.as_ref()?, table.dirty.contains(id), table.told(id)))
                    })
                    .collect();
                let paths = rows.into_iter().zip(facts).zip(reasons);
                Some((paths.collect::<Vec<_>>(), groups))
            })?;
        let paths = paths
            .into_iter()
            .map(|((row, facts), reason)| {
                let received = row.received.as_ref().unwrap_or(&row.attrs);
                let peer = pin.peers.info(row.peer);
                let received = received.as_ref();
                ExplainedPath {
                    policies: of_import(self.config(), peer, K::FAMILY, received, &facts),
                    row,
                    reason,
                }
            })
            .collect();
        let mut editor = AttrEditor::new();
        let told = groups
            .into_iter()
            .filter(|(view, pending, told)| *pending || !told.is_empty() || has_family::<K>(view))
            .map(|(view, pending, told)| ToldGroup {
                members: view.members.clone(),
                key: Arc::clone(&view.key),
                pending,
                routes: told
                    .iter()
                    .map(|told| {
                        let info = pin.peers.info(told.peer);
                        let source = SourceInfo::of(info);
                        let attrs = pin.interner.entry(told.attrs).attrs();
                        let path_id = PathId(u32::from(told.local_id));
                        let route = (path_id, key, K::Detail::default());
                        let facts = told.facts(key);
                        let told_of =
                            told_of(attrs, &source, &view.key, route, &facts, &mut editor);
                        let outcome = match told_of {
                            Exported::Announce(attrs) => Ok(AttrSet::from(attrs)),
                            Exported::Reject(reason) => Err(reason),
                        };
                        let rules = &view.key.rules;
                        ToldRoute {
                            source: told.peer,
                            path_id,
                            policies: of_export(attrs, &source, K::FAMILY, &facts, rules),
                            outcome,
                        }
                    })
                    .collect(),
            })
            .collect();
        Some(Explanation {
            route: key.route(),
            paths,
            told,
        })
    }

    /// A page of whatever `what` makes of a destination.
    pub(crate) fn page<V: Visit>(
        &self,
        query: &RowQuery,
        cursor: Option<Cursor>,
        limit: usize,
        what: &V,
    ) -> Page<V::Row> {
        let mut page = Page {
            rows: Vec::new(),
            next: None,
            sorted: false,
        };
        if let Some(key) = query.only() {
            page.sorted = true;
            by_family(
                key.family(),
                One {
                    rib: self,
                    key,
                    what,
                    rows: &mut page.rows,
                },
            );
            return page;
        }
        let wanted = |family: Family| query.concerns(family);
        let start = cursor.unwrap_or(Cursor {
            family: 0,
            shard: 0,
            at: 0,
        });
        let all = cursor.is_none() && {
            let paths = |family: &&Family| wanted(**family);
            let n: usize = FAMILIES
                .iter()
                .filter(paths)
                .map(|&family| by_family(family, Count { rib: self }).unwrap_or(0))
                .sum();
            n <= SORTED_ROWS
        };
        page.sorted = all;
        let mut left = if all {
            usize::MAX
        } else {
            limit.clamp(1, PAGE)
        };
        let mut at = start;
        while let Some(&family) = FAMILIES.get(at.family) {
            if at.shard == self.bits.count() || !wanted(family) {
                at = Cursor {
                    family: at.family + 1,
                    shard: 0,
                    at: 0,
                };
                continue;
            }
            if left == 0 {
                page.next = Some(at);
                break;
            }
            let some = Stretch {
                rib: self,
                at,
                max: left.min(PAGE),
                query,
                what,
                rows: &mut page.rows,
            };
            let Some((visited, to)) = by_family(family, some) else {
                break;
            };
            left -= visited.min(left);
            at = match to {
                Some(to) => Cursor { at: to, ..at },
                None => Cursor {
                    shard: at.shard + 1,
                    at: 0,
                    ..at
                },
            };
        }
        page
    }
}

fn has_family<K: TableKey>(view: &ExportView) -> bool {
    view.key
        .families
        .iter()
        .any(|export| export.family == K::FAMILY)
}

/// What is made of a destination.
pub(crate) trait Visit {
    type Row;
    fn visit<K: TableKey>(
        &self,
        pin: &Pin<'_>,
        table: &FamilyTable<K>,
        judge: &Judge<'_>,
        id: u32,
        rows: &mut Vec<Self::Row>,
    );
}

struct Keys {
    best: bool,
}

impl Visit for Keys {
    type Row = RouteKey;

    fn visit<K: TableKey>(
        &self,
        _: &Pin<'_>,
        table: &FamilyTable<K>,
        _: &Judge<'_>,
        id: u32,
        rows: &mut Vec<RouteKey>,
    ) {
        let dest = table.destination(id);
        if dest.has_best() || !self.best {
            rows.push(dest.key.route());
        }
    }
}

struct Paths<'a> {
    query: &'a RowQuery,
}

impl Visit for Paths<'_> {
    type Row = Row;

    fn visit<K: TableKey>(
        &self,
        _: &Pin<'_>,
        table: &FamilyTable<K>,
        judge: &Judge<'_>,
        id: u32,
        rows: &mut Vec<Row>,
    ) {
        let query = self.query;
        rows.extend(rows_of(table, judge, id).into_iter().filter(|row| {
            query.peer.is_none_or(|peer| row.peer == peer) && (!query.best || row.best)
        }));
    }
}

fn rows_of<K: TableKey>(table: &FamilyTable<K>, judge: &Judge<'_>, id: u32) -> Vec<Row> {
    let dest = table.destination(id);
    let paths = table.paths(id);
    let mut used = Vec::new();
    if dest.has_best() {
        judge.multipath(&paths, &mut used);
    }
    let row = |(place, path): (usize, &Path<K::Detail>)| {
        let entry = judge.interner.entry(path.attrs);
        let peer = judge.peer(path.peer);
        Row {
            route: dest.key.route(),
            detail: detail_of(&dest.key, &path.detail, entry.attrs()),
            peer: path.peer,
            peer_name: Arc::clone(&peer.name),
            path_id: PathId(path.path_id),
            attrs: AttrSet::from(entry.attrs()),
            received: entry
                .pre
                .map(|pre| AttrSet::from(judge.interner.entry(pre).attrs())),
            best: place == 0 && dest.has_best(),
            multipath: place != 0 && used.contains(&place),
            stale: path.tag.is_stale(),
            ineligible: judge.ineligible(path),
        }
    };
    paths.iter().enumerate().map(row).collect()
}

struct Count<'a> {
    rib: &'a Rib,
}

impl ByFamily for Count<'_> {
    type Output = usize;

    fn run<K: TableKey>(self) -> usize {
        self.rib
            .shards
            .iter()
            .map(|shard| shard.lock().table::<K>().path_count())
            .sum()
    }
}

struct Explain<'a> {
    rib: &'a Rib,
    route: RouteKey,
}

impl ByFamily for Explain<'_> {
    type Output = Option<Explanation>;

    fn run<K: TableKey>(self) -> Option<Explanation> {
        self.rib.explain_in(K::from_route(self.route)?)
    }
}

struct One<'a, V: Visit> {
    rib: &'a Rib,
    key: RouteKey,
    what: &'a V,
    rows: &'a mut Vec<V::Row>,
}

impl<V: Visit> ByFamily for One<'_, V> {
    type Output = ();

    fn run<K: TableKey>(self) {
        let Self {
            rib,
            key,
            what,
            rows,
        } = self;
        let Some(key) = K::from_route(key) else {
            return;
        };
        let hash = key.keyed_hash(&rib.hasher);
        let pin = rib.pin();
        rib.lock::<K, _>(&pin, rib.bits.shard_of(hash), |table, judge| {
            if let Some(id) = table.find(hash, &key) {
                what.visit(&pin, table, judge, id, rows);
            }
        });
    }
}

/// Some destinations of one shard.
struct Stretch<'a, V: Visit> {
    rib: &'a Rib,
    at: Cursor,
    max: usize,
    query: &'a RowQuery,
    what: &'a V,
    rows: &'a mut Vec<V::Row>,
}

impl<V: Visit> ByFamily for Stretch<'_, V> {
    /// How many were looked at, and where to go on in the shard.
    type Output = (usize, Option<u32>);

    fn run<K: TableKey>(self) -> Self::Output {
        let Self {
            rib,
            at,
            max,
            query,
            what,
            rows,
        } = self;
        let pin = rib.pin();
        rib.lock::<K, _>(&pin, at.shard, |table, judge| {
            let end = table.end();
            let to = at.at.saturating_add(max as u32).min(end);
            for id in at.at..to {
                let dest = table.destination(id);
                if dest.is_in_use() && query.matches(dest.key.route()) {
                    what.visit(&pin, table, judge, id, rows);
                }
            }
            (to.saturating_sub(at.at) as usize, (to < end).then_some(to))
        })
    }
}
