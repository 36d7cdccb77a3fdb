//! What the peers of a group have been told, for people: as [`export`] has it, if it fits into a message of the group's.

use std::sync::Arc;

use bgp_wire::{AttrEditor, AttrRef, AttrSet, Fields, Nlri, PathId, encode_announce};
use bytes::BytesMut;

use crate::export::{Exported, RejectReason, SourceInfo, export, tells_source};
use crate::family_table::FamilyTable;
use crate::group::{ExportView, GroupKey};
use crate::judge::Judge;
use crate::path::PeerIdx;
use crate::policy::RouteFacts;
use crate::route_key::RouteKey;
use crate::row_query::RowQuery;
use crate::shard_key::TableKey;
use crate::snapshot::{Cursor, Page, Visit, detail_of};
use crate::table::{Pin, Rib};

/// One route as a peer has been told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutRow {
    /// The destination.
    pub route: RouteKey,
    /// What goes with it in the NLRI, as [`Row::detail`](crate::Row::detail).
    pub detail: Fields,
    /// Whose path it is.
    pub source: PeerIdx,
    /// The name of that peer.
    pub source_name: Arc<str>,
    /// The path id on the wire, 0 without.
    pub path_id: PathId,
    /// The attributes as told.
    pub attrs: AttrSet,
}

impl Rib {
    /// What a peer has been told, as [`Rib::rows`]. Nothing for a peer that is in no group.
    pub fn adj_out_rows(
        &self,
        member: PeerIdx,
        query: &RowQuery,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Page<OutRow> {
        let Some((group, view)) = self.export_view(member) else {
            return Page {
                rows: Vec::new(),
                next: None,
                sorted: true,
            };
        };
        let told = Told {
            query,
            group,
            view: &view,
            member,
        };
        let mut page = self.page(query, cursor, limit, &told);
        if page.sorted {
            page.rows.sort_by_key(|row| (row.route, row.path_id));
        }
        page
    }

    pub(crate) fn export_view(&self, member: PeerIdx) -> Option<(usize, ExportView)> {
        let views = self.exports.read();
        let numbered = views
            .iter()
            .enumerate()
            .filter_map(|(number, view)| Some((number, view.as_ref()?)));
        numbered
            .filter(|(_, view)| view.members.contains(&member))
            .map(|(number, view)| (number, view.clone()))
            .next()
    }
}

/// What a group is told of this route with this set. As the packer does it (RFC 8654 section 4).
pub(crate) fn told_of<'e, K: TableKey>(
    attrs: AttrRef<'_>,
    source: &SourceInfo,
    group: &GroupKey,
    (path_id, key, detail): (PathId, K, <K as Nlri>::Detail),
    facts: &RouteFacts,
    editor: &'e mut AttrEditor,
) -> Exported<'e> {
    let mut families = group.families.iter();
    let Some(family) = families.find(|family| family.family == K::FAMILY) else {
        return export(attrs, source, K::FAMILY, Some(facts), &group.rules, editor);
    };
    let exported = export(attrs, source, K::FAMILY, Some(facts), &group.rules, editor);
    if let Exported::Reject(reason) = exported {
        return Exported::Reject(reason);
    }
    let set = editor.get();
    let route = [(path_id, key, detail)];
    let mut message = BytesMut::new();
    match encode_announce(&mut message, K::FAMILY, &family.encoding, set, &route) {
        Ok(_) => Exported::Announce(set),
        Err(_) => Exported::Reject(RejectReason::TooLong),
    }
}

struct Told<'a> {
    query: &'a RowQuery,
    group: usize,
    view: &'a ExportView,
    member: PeerIdx,
}

impl Visit for Told<'_> {
    type Row = OutRow;

    fn visit<K: TableKey>(
        &self,
        pin: &Pin<'_>,
        table: &FamilyTable<K>,
        _: &Judge<'_>,
        id: u32,
        rows: &mut Vec<OutRow>,
    ) {
        let Some(group) = table.group(self.group) else {
            return;
        };
        let mut editor = AttrEditor::new();
        for told in group.told(id) {
            let own =
                told.peer == self.member && !tells_source(K::FAMILY, self.view.key.rules.audience);
            if own || self.query.peer.is_some_and(|peer| told.peer != peer) {
                continue;
            }
            let info = pin.peers.info(told.peer);
            let source = SourceInfo::of(info);
            let attrs = pin.interner.entry(told.attrs).attrs();
            let key = table.destination(id).key;
            // What is not told yet of a path that went is its detail.
            let paths = table.paths(id);
            let path = paths
                .iter()
                .find(|path| path.peer == told.peer && path.attrs == told.attrs);
            let path_id = PathId(u32::from(told.local_id));
            let detail = path.map_or_else(K::Detail::default, |path| path.detail);
            let route = (path_id, key, detail);
            if let Exported::Announce(attrs) = told_of(
                attrs,
                &source,
                &self.view.key,
                route,
                &told.facts(key),
                &mut editor,
            ) {
                rows.push(OutRow {
                    route: key.route(),
                    detail: path
                        .map_or_else(Fields::new, |path| detail_of(&key, &path.detail, attrs)),
                    source: told.peer,
                    source_name: Arc::clone(&info.name),
                    path_id,
                    attrs: AttrSet::from(attrs),
                });
            }
        }
    }
}
