//! What the log says of routes that the kernel refuses: once for each router and reason, and once when that is over.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::kernel::Refused;

/// The refusals that the log has told: router and reason.
#[derive(Default)]
pub(super) struct ToldRefused(BTreeSet<(Arc<str>, String)>);

impl ToldRefused {
    /// Whether something was told that may be over by now.
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Tells what is new among the refusals as they are now, and what is over.
    pub(super) fn tell(&mut self, refused: &[Refused]) {
        let now: BTreeSet<_> = refused
            .iter()
            .map(|refused| (refused.router.clone(), refused.reason.clone()))
            .collect();
        for refused in refused {
            if !self
                .0
                .contains(&(refused.router.clone(), refused.reason.clone()))
            {
                tracing::warn!(router = %refused.router, "{}", words(refused));
            }
        }
        for (router, reason) in self.0.difference(&now) {
            tracing::info!(%router, "no longer so: routes refused by the kernel: {reason}");
        }
        self.0 = now;
    }
}

fn words(refused: &Refused) -> String {
    let Refused {
        routes,
        example,
        reason,
        ..
    } = refused;
    match routes {
        1 => format!("1 route refused by the kernel: {example}: {reason}"),
        _ => format!(
            "{routes} routes refused by the kernel, {example} for one: {reason}; `cosmos show fib` has them all"
        ),
    }
}
