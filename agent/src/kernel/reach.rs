//! The answer to how a next hop is reached. Pure.

use ipnet::IpNet;

use super::model::Legs;
use super::source::HopState;
use super::unreached::Unreached;

/// How a next hop is reached, in full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The ways out, normalised; empty if it is not reached.
    pub legs: Legs,
    /// The IGP cost.
    pub metric: u32,
    /// The route that matched first; none for a link-local address.
    pub via: Option<IpNet>,
    /// Own routes were looked at on the way: it depends on other next hops.
    pub recursive: bool,
    /// Why there is no way out, where there is none.
    pub why: Option<Unreached>,
}

impl Reach {
    /// What the decision process wants to know.
    pub fn state(&self) -> HopState {
        HopState {
            reachable: !self.legs.is_empty(),
            metric: self.metric,
            off_link: matches!(self.why, Some(Unreached::OffLink(_))),
        }
    }

    pub(super) fn none(why: Unreached) -> Self {
        Self {
            why: Some(why),
            ..Self::default()
        }
    }
}
