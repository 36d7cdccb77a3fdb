//! Bounds of numbers: the schemas have them, and whoever carries an object out holds it to them once more, as it may have been admitted by
//! another schema.

use std::fmt;

/// The least and the most that a number may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The least.
    pub min: i64,
    /// The most.
    pub max: i64,
}

impl Bounds {
    const fn new(min: i64, max: i64) -> Self {
        Self { min, max }
    }

    /// Whether a number is neither less nor more.
    #[must_use]
    pub fn contain(self, number: i64) -> bool {
        (self.min..=self.max).contains(&number)
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.min, self.max)
    }
}

/// AS numbers (RFC 6793) that are somebody's: 0 is nobody's (RFC 7607).
pub const ASN: Bounds = Bounds::new(1, u32::MAX as i64);
/// What the protocol gives 32 bits.
pub const U32: Bounds = Bounds::new(0, u32::MAX as i64);
/// TCP ports.
pub const PORT: Bounds = Bounds::new(1, u16::MAX as i64);
/// A TTL that packets can leave with.
pub const TTL: Bounds = Bounds::new(1, 255);
/// Hops that a packet sent with a TTL of 255 may have taken (RFC 5082).
pub const TTL_SECURITY: Bounds = Bounds::new(1, 254);
/// How often our own AS may be in a path.
pub const ALLOW_AS_IN: Bounds = Bounds::new(1, 10);
/// Sessions with dynamic neighbours at a time.
pub const DYNAMIC_NEIGHBORS: Bounds = Bounds::new(1, 10_000);
/// Sessions with dynamic neighbours that a status names.
pub const WORST_SESSIONS: u32 = 16;
/// Paths of one prefix that are sent (RFC 7911).
pub const ADD_PATH_SEND: Bounds = Bounds::new(0, 64);
/// Paths of one prefix that are used at once.
pub const MAXIMUM_PATHS: Bounds = Bounds::new(1, 64);
/// Prefixes of a family.
pub const MAX_PREFIXES: Bounds = Bounds::new(1, u32::MAX as i64);
/// Key IDs of TCP-AO (RFC 5925 §2.2): one octet.
pub const TCP_AO_KEY_ID: Bounds = Bounds::new(0, u8::MAX as i64);
/// Percent, of which there are some.
pub const PERCENT: Bounds = Bounds::new(1, 100);
/// Seconds until a session is tried again: at most a day.
pub const RESTART_AFTER: Bounds = Bounds::new(0, 86_400);
/// Packets of BFD that may be lost.
pub const DETECT_MULTIPLIER: Bounds = Bounds::new(3, 50);
/// Seconds that a neighbour should wait for us; RFC 4724 §3 has room for 4095.
pub const RESTART_TIME: Bounds = Bounds::new(1, 1200);
/// Seconds that routes of a neighbour that restarts are kept: at most a day.
pub const STALE_ROUTES_TIME: Bounds = Bounds::new(1, 86_400);
/// Seconds that a choice among routes waits after our own restart.
pub const SELECTION_DEFERRAL_TIME: Bounds = Bounds::new(0, 3600);
/// Seconds that long-lived stale routes are kept (RFC 9494 §3.1: 24 bits).
pub const LONG_LIVED_STALE_TIME: Bounds = Bounds::new(1, 0x00ff_ffff);
/// Lengths of prefixes of either address family.
pub const PREFIX_LENGTH: Bounds = Bounds::new(0, 128);
/// Lengths of AS paths, which a message bounds.
pub const AS_PATH_LENGTH: Bounds = Bounds::new(0, u16::MAX as i64);
/// How often a policy may put an AS in front of a path.
pub const PREPEND: Bounds = Bounds::new(1, 10);
/// VXLAN network identifiers (RFC 7348 §5): 24 bits.
pub const VNI: Bounds = Bounds::new(0, 0x00ff_ffff);
/// Metrics and tables of kernel routes.
pub const KERNEL: Bounds = Bounds::new(1, u32::MAX as i64);
/// Protocol numbers of kernel routes that no part of the system has (`rtnetlink.h`: above `RTPROT_STATIC`).
pub const KERNEL_PROTOCOL: Bounds = Bounds::new(5, 255);
