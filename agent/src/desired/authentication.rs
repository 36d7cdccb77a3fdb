//! How a session is protected: the signatures of its segments, and the secrets that they are made with.

use std::fmt;
use std::sync::Arc;

/// How the segments of a session are signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Authentication {
    /// TCP-MD5 (RFC 2385), with this password.
    Md5(Password),
    /// TCP-AO (RFC 5925), with these keys.
    Ao(AoKeys),
}

impl Authentication {
    /// The TCP-MD5 password.
    #[must_use]
    pub fn md5(&self) -> Option<&Password> {
        match self {
            Self::Md5(password) => Some(password),
            Self::Ao(_) => None,
        }
    }

    /// The TCP-AO keys.
    #[must_use]
    pub fn ao(&self) -> Option<&AoKeys> {
        match self {
            Self::Md5(_) => None,
            Self::Ao(keys) => Some(keys),
        }
    }
}

/// Whether a session that is signed by `old` can go on under `new`. A connection has TCP-AO from its first segment on or never
/// (RFC 5925 §5.1), and both ends have to know a key before and after the change.
#[must_use]
pub fn goes_on(old: Option<&Authentication>, new: Option<&Authentication>) -> bool {
    match (old, new) {
        (Some(Authentication::Ao(old)), Some(Authentication::Ao(new))) => old.shares_a_key(new),
        _ => old == new,
    }
}

/// The TCP-AO keys of a session: at least one, and none that shares an ID with another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AoKeys {
    preferred: AoKey,
    /// By sendID.
    others: Vec<AoKey>,
}

impl AoKeys {
    /// Keys of which one is preferred.
    #[must_use]
    pub fn new(preferred: AoKey, mut others: Vec<AoKey>) -> Self {
        others.sort_by_key(|key| key.send_id);
        Self { preferred, others }
    }

    /// The key that sessions begin with, and that the neighbour is asked to sign with.
    #[must_use]
    pub fn preferred(&self) -> &AoKey {
        &self.preferred
    }

    /// All keys, the preferred one first.
    pub fn iter(&self) -> impl Iterator<Item = &AoKey> {
        std::iter::once(&self.preferred).chain(&self.others)
    }

    /// Whether this very key is among them.
    #[must_use]
    pub fn has(&self, key: &AoKey) -> bool {
        self.iter().any(|own| own == key)
    }

    fn shares_a_key(&self, other: &Self) -> bool {
        self.iter().any(|key| other.has(key))
    }

    /// Whether a key of the one has an ID that one of the other has. RFC 5925 §3.1: "The IDs of MKTs MUST NOT overlap where their TCP
    /// connection identifiers overlap."
    #[must_use]
    pub fn overlap(&self, other: &Self) -> bool {
        self.iter()
            .any(|ours| other.iter().any(|theirs| ours.overlaps(theirs)))
    }
}

/// One TCP-AO key: a master key tuple (RFC 5925 §3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AoKey {
    /// The KeyID of what we sign with it.
    pub send_id: u8,
    /// The KeyID of what the neighbour signs with it.
    pub recv_id: u8,
    /// How.
    pub algorithm: AoAlgorithm,
    /// The master key.
    pub secret: Password,
}

impl AoKey {
    /// Whether it has an ID in common with the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.send_id == other.send_id || self.recv_id == other.recv_id
    }
}

/// How TCP-AO makes traffic keys and signatures.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AoAlgorithm {
    /// HMAC-SHA-1-96 with `KDF_HMAC_SHA1` (RFC 5926 §3.1.1.1, §3.2.1).
    HmacSha1,
    /// AES-128-CMAC-96 with `KDF_AES_128_CMAC` (RFC 5926 §3.1.1.2, §3.2.2).
    Aes128Cmac,
    /// The same as the first with SHA-256, cut to 96 bits. No RFC has it; the kernel and BIRD do.
    HmacSha256,
}

impl AoAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::HmacSha1, Self::Aes128Cmac, Self::HmacSha256];
}

impl fmt::Display for AoAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HmacSha1 => "hmac-sha1",
            Self::Aes128Cmac => "aes-128-cmac",
            Self::HmacSha256 => "hmac-sha256",
        })
    }
}

impl From<crds::TcpAoAlgorithm> for AoAlgorithm {
    fn from(algorithm: crds::TcpAoAlgorithm) -> Self {
        match algorithm {
            crds::TcpAoAlgorithm::HmacSha1 => Self::HmacSha1,
            crds::TcpAoAlgorithm::Aes128Cmac => Self::Aes128Cmac,
            crds::TcpAoAlgorithm::HmacSha256 => Self::HmacSha256,
        }
    }
}

/// A password. It is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Arc<[u8]>);

impl Password {
    /// Keeps `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes, for the socket option and for nothing else.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u8, secret: &str) -> AoKey {
        AoKey {
            send_id: id,
            recv_id: id,
            algorithm: AoAlgorithm::HmacSha1,
            secret: Password::new(secret.as_bytes()),
        }
    }

    fn ao(preferred: AoKey, others: &[AoKey]) -> Option<Authentication> {
        Some(Authentication::Ao(AoKeys::new(preferred, others.to_vec())))
    }

    #[test]
    fn a_session_goes_on_while_it_keeps_a_key() {
        let one = ao(key(1, "a"), &[]);
        for (new, goes) in [
            (one.clone(), true),
            (ao(key(1, "a"), &[key(2, "b")]), true),
            (ao(key(2, "b"), &[key(1, "a")]), true),
            (ao(key(2, "b"), &[]), false),
            // The ID is the same and the key is not.
            (ao(key(1, "b"), &[]), false),
            (Some(Authentication::Md5(Password::new(b"a"))), false),
            (None, false),
        ] {
            assert_eq!(goes_on(one.as_ref(), new.as_ref()), goes, "{new:?}");
            assert_eq!(goes_on(new.as_ref(), one.as_ref()), goes, "{new:?}");
        }
    }

    #[test]
    fn the_order_of_keys_that_are_not_preferred_says_nothing() {
        let (a, b, c) = (key(1, "a"), key(2, "b"), key(3, "c"));
        assert_eq!(
            ao(a.clone(), &[b.clone(), c.clone()]),
            ao(a.clone(), &[c, b.clone()])
        );
        assert_ne!(ao(a.clone(), std::slice::from_ref(&b)), ao(b, &[a]));
    }

    #[test]
    fn keys_are_not_printed() {
        let printed = format!("{:?}", ao(key(1, "hunter2"), &[key(2, "hunter2")]));
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
