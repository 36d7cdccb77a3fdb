//! Numbers of a spec, held to the bounds that their schema has.

use crds::bounds::Bounds;

use super::build::Findings;
use super::problem::Reason;

/// The number, or the default where there is none. `None`, and a finding, if it is out of bounds.
pub(super) fn bounded<T: TryFrom<i64>>(
    field: &str,
    value: Option<impl Into<i64>>,
    default: T,
    bounds: Bounds,
    findings: &mut Findings<'_>,
) -> Option<T> {
    match value {
        Some(value) => within(field, value, bounds, findings),
        None => Some(default),
    }
}

/// The number, unless it is out of bounds.
pub(super) fn within<T: TryFrom<i64>>(
    field: &str,
    value: impl Into<i64>,
    bounds: Bounds,
    findings: &mut Findings<'_>,
) -> Option<T> {
    let value = value.into();
    let fits = T::try_from(value).ok().filter(|_| bounds.contain(value));
    if fits.is_none() {
        let message = format!("{value} is out of range; use {bounds}");
        findings.reject(field, Reason::InvalidValue, message);
    }
    fits
}
