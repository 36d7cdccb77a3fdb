//! What the kernel of this node cannot do, although others can.

use super::authentication::AoAlgorithm;

/// What is missing. Nothing, where nobody has looked.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Host {
    /// The algorithms of TCP-AO that it does not have, and what it said of each.
    pub without_ao: Vec<(AoAlgorithm, String)>,
}

impl Host {
    /// Why there is no TCP-AO at all.
    pub(super) fn refuses_ao(&self) -> Option<&str> {
        let all = AoAlgorithm::ALL.iter();
        let (_, why) = self.without_ao.first()?;
        all.copied()
            .all(|algorithm| self.refuses(algorithm).is_some())
            .then_some(why)
    }

    /// Why it does not sign in this way.
    pub(super) fn refuses(&self, algorithm: AoAlgorithm) -> Option<&str> {
        let mut all = self.without_ao.iter();
        all.find(|(without, _)| *without == algorithm)
            .map(|(_, why)| why.as_str())
    }
}
