//! PURE. Who wants a session, and what all who share one want together.

use std::net::IpAddr;

use ::bfd::{Config, Hops};

/// What a client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// How far the neighbour is.
    pub hops: Hops,
    /// Our address; `None`: the one that the kernel takes for packets to the neighbour.
    pub local: Option<IpAddr>,
    /// The neighbour's address.
    pub remote: IpAddr,
    /// The link that a link-local address is on; zero for others.
    pub interface: u32,
    /// The parameters.
    pub config: Config,
}

/// RFC 5882 §2 leaves it to us what is done when clients of one session differ; §4.1 has it that "it is generally useful to choose the
/// parameters resulting in the shortest Detection Time". `None` if there are no clients.
pub(super) fn together(all: impl IntoIterator<Item = Config>) -> Option<Config> {
    all.into_iter().reduce(|a, b| Config {
        desired_min_tx: a.desired_min_tx.min(b.desired_min_tx),
        required_min_rx: a.required_min_rx.min(b.required_min_rx),
        detect_mult: a.detect_mult.min(b.detect_mult),
        passive: a.passive && b.passive,
    })
}

#[cfg(test)]
mod tests {
    use ::bfd::Micros;

    use super::*;

    #[test]
    fn the_shortest_detection_time_is_taken() {
        let config = |tx, rx, detect_mult, passive| Config {
            desired_min_tx: Micros(tx),
            required_min_rx: Micros(rx),
            detect_mult,
            passive,
        };
        let both = together([config(1, 5, 3, true), config(2, 4, 5, false)]);
        assert_eq!(both, Some(config(1, 4, 3, false)));
        assert_eq!(together([]), None);
    }
}
