//! A number that stands for a value, where all that matters is whether the next one is the same.

use std::hash::{DefaultHasher, Hash, Hasher};

pub(super) fn digest(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
