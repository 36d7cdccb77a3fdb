//! PURE: the rows of all parts of an answer, a page at a time.
//!
//! Rows are collected until it is known whether there are more than [`SORTED_ROWS`]; if not, they are sorted. If there
//! are more, they go out as they are stored, router by router, family by family; where a prefix is given they come in order.

use std::collections::VecDeque;

use super::answer::PAGE;
use super::protocol::SORTED_ROWS;
use super::routes::{FibRow, RouteRow, Rows};

/// A walk through the parts of an answer (a family of a router each), sorted as long as it is short.
pub(super) struct Walk<T> {
    parts: VecDeque<Rows<T>>,
    /// Rows with the number of their part, until it is known whether there are too many to sort.
    held: Option<Vec<(usize, T)>>,
    /// Rows that wait to be sent.
    ready: VecDeque<T>,
    part: usize,
    /// Rows of one part come in order of their destinations.
    in_order: bool,
    /// What was handed out so far is in order.
    pub(super) sorted: bool,
}

/// What rows of one part are sorted by.
pub(super) trait SortKey {
    fn compare(&self, other: &Self) -> std::cmp::Ordering;
}

impl SortKey for RouteRow {
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        self.key
            .cmp(&other.key)
            .then_with(|| other.best.cmp(&self.best))
            .then_with(|| other.multipath.cmp(&self.multipath))
            .then_with(|| self.peer.cmp(&other.peer))
            .then_with(|| self.path_id.cmp(&other.path_id))
    }
}

impl SortKey for FibRow {
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        (&self.prefix, self.table, self.metric, &self.router).cmp(&(
            &other.prefix,
            other.table,
            other.metric,
            &other.router,
        ))
    }
}

impl<T: SortKey> Walk<T> {
    /// `in_order`: what each part gives is in order of its destinations.
    pub(super) fn new(parts: VecDeque<Rows<T>>, in_order: bool) -> Self {
        Self {
            in_order,
            parts,
            held: Some(Vec::new()),
            ready: VecDeque::new(),
            part: 0,
            sorted: true,
        }
    }

    pub(super) fn finished(&self) -> bool {
        self.parts.is_empty() && self.held.is_none() && self.ready.is_empty()
    }

    /// Looks at one page, or hands out rows that wait.
    pub(super) fn step(&mut self) -> impl Iterator<Item = T> {
        if self.ready.is_empty() {
            self.read();
        }
        let n = self.ready.len().min(PAGE);
        self.ready.drain(..n)
    }

    fn read(&mut self) {
        let Some(part) = self.parts.front_mut() else {
            self.release();
            return;
        };
        let Some(mut rows) = part(PAGE) else {
            self.parts.pop_front();
            self.part += 1;
            return;
        };
        match &mut self.held {
            Some(held) => {
                held.extend(rows.into_iter().map(|row| (self.part, row)));
                if held.len() > SORTED_ROWS {
                    self.sorted = self.in_order;
                    self.release();
                }
            }
            None => {
                if self.sorted {
                    rows.sort_by(SortKey::compare);
                }
                self.ready.extend(rows);
            }
        }
    }

    /// No more rows are held.
    fn release(&mut self) {
        let mut held = self.held.take().unwrap_or_default();
        if self.sorted {
            held.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.compare(&b.1)));
        }
        self.ready.extend(held.into_iter().map(|(_, row)| row));
    }
}
