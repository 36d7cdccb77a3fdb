//! What routes of ours have carried, on disk: the next run finds what this one leaves, though its routers carry other
//! marks by then or are gone.
//!
//! Edge. One line for each owner triple: protocol, metric, table. Written before the first route that carries it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use super::model::{LOCAL_TABLE, Ownership};
use crate::state_file::Kept;

const FILE: &str = "kernel-marks";

/// See the top of this file. Without a file it knows only what this run adds.
pub(crate) struct Marks {
    file: Kept,
    /// An earlier run has left a file, though it may be empty.
    kept: bool,
    known: BTreeSet<Ownership>,
}

impl Marks {
    /// Reads what earlier runs have left in a folder.
    pub(crate) fn read(folder: Option<&Path>) -> Self {
        let file = Kept::new(folder, FILE, "what routes are marked with");
        let text = file.read();
        let kept = text.is_some();
        let known = text.unwrap_or_default().lines().filter_map(parse).collect();
        Self { file, kept, known }
    }

    /// Whether the routes of an earlier run carry what is known and nothing else.
    pub(crate) fn are_complete(&self) -> bool {
        self.kept
    }

    /// What is known.
    pub(crate) fn known(&self) -> impl Iterator<Item = Ownership> {
        self.known.iter().copied()
    }

    /// Routes will carry this.
    pub(crate) fn add(&mut self, owner: Ownership) {
        if self.known.insert(owner) {
            self.write();
        }
    }

    /// No route of ours carries these any more.
    pub(crate) fn forget(&mut self, owners: &[Ownership]) {
        let before = self.known.len();
        self.known.retain(|known| !owners.contains(known));
        if self.known.len() < before {
            self.write();
        }
    }

    /// No route of ours is left.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.write();
    }

    /// Writes what could not be written, if it is time.
    pub(crate) fn retry(&mut self, now: Instant) {
        self.file.retry(now);
    }

    fn write(&mut self) {
        let mut text = String::new();
        for owner in &self.known {
            let _ = writeln!(text, "{} {} {}", owner.protocol, owner.metric, owner.table);
        }
        self.file.keep(text.into_bytes(), Instant::now());
    }
}

/// A line, if routes of ours can carry that: what is in the file is removed from the kernel.
fn parse(line: &str) -> Option<Ownership> {
    let mut words = line.split_whitespace();
    let owner = Ownership {
        protocol: words.next()?.parse().ok()?,
        metric: words.next()?.parse().ok()?,
        table: words.next()?.parse().ok()?,
    };
    // As the definition of kernel.protocol, metric and table has it.
    let ours = owner.protocol >= 5 && owner.metric >= 1 && owner.table >= 1;
    (ours && owner.table != LOCAL_TABLE && words.next().is_none()).then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_routes_of_ours_can_carry_is_read() {
        let text = "196 300 254\n2 0 254\n196 300 255\n4 20 254\n196 0 254\n196 300\n196 300 254 1\n196 x 254\n\n300 300 254\n197 4294967295 1000";
        let read: Vec<_> = text.lines().filter_map(parse).collect();
        let tenant = Ownership {
            protocol: 197,
            metric: u32::MAX,
            table: 1000,
        };
        assert_eq!(read, [Ownership::default(), tenant]);
    }
}
