//! Places in a walk, behind the plain numbers that the control protocol carries.
//!
//! A walk has one place at a time, and one request makes one walk after another, so the newest place is all that has to
//! be kept.

use parking_lot::Mutex;

use crate::control::routes::Cursor;

/// The newest place of the walk of one request.
#[derive(Debug, Default)]
pub(super) struct Cursors(Mutex<(u64, Option<rib::Cursor>)>);

impl Cursors {
    /// Keeps a place.
    pub(super) fn put(&self, place: rib::Cursor) -> Cursor {
        let mut kept = self.0.lock();
        kept.0 += 1;
        kept.1 = Some(place);
        Cursor(kept.0)
    }

    /// The place behind a number; none if another was kept since.
    pub(super) fn take(&self, cursor: Cursor) -> Option<rib::Cursor> {
        let kept = self.0.lock();
        if kept.0 == cursor.0 { kept.1 } else { None }
    }
}
