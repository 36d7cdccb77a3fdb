//! Routes with our marks that nobody wanted, left by an earlier run or put there by someone: noted as they go, for the log.
//!
//! Pure. A handful is named and all are counted, however many there are.

use ipnet::IpNet;

use super::engine::Engine;

/// How many are named between two looks.
const NAMED: usize = 5;

/// What has gone since the last look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemovedStrays {
    /// The first of them, in order.
    pub named: Vec<IpNet>,
    /// How many there were.
    pub all: u64,
}

impl RemovedStrays {
    pub(super) fn note(&mut self, prefix: IpNet) {
        if self.named.len() < NAMED {
            self.named.push(prefix);
        }
        self.all += 1;
    }
}

impl std::fmt::Display for RemovedStrays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, prefix) in self.named.iter().enumerate() {
            write!(f, "{}{prefix}", if n == 0 { "" } else { ", " })?;
        }
        match self.all.saturating_sub(self.named.len() as u64) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl Engine {
    /// What has gone since this was asked last, if anything.
    pub fn removed_strays(&mut self) -> Option<RemovedStrays> {
        let removed = std::mem::take(&mut self.removed_strays);
        (removed.all > 0).then_some(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handful_is_named_and_the_rest_is_counted() {
        let mut removed = RemovedStrays::default();
        for n in 0..2u8 {
            removed.note(IpNet::new([10, n, 0, 0].into(), 16).unwrap());
        }
        assert_eq!(removed.to_string(), "10.0.0.0/16, 10.1.0.0/16");
        for n in 2..100u8 {
            removed.note(IpNet::new([10, n, 0, 0].into(), 16).unwrap());
        }
        assert_eq!(removed.named.len(), NAMED);
        assert!(removed.to_string().ends_with(", 10.4.0.0/16 and 95 more"));
    }
}
