//! What each codec is asked to do.

use std::hint::black_box;

use bytes::Bytes;

/// Messages of one session, one behind the other as TCP delivers them.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) bytes: Bytes,
    /// The session has AS numbers of four octets.
    pub(crate) asn4: bool,
    /// The sender is in our AS.
    pub(crate) internal: bool,
}

/// What was seen in a stream. Each value went through a black box when it was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) messages: u32,
    pub(crate) announced: u32,
    pub(crate) withdrawn: u32,
    /// Next hops, of NEXT_HOP and of MP_REACH_NLRI.
    pub(crate) next_hops: u32,
    /// Attributes, but for those that carry NLRI or the next hop.
    pub(crate) attributes: u32,
    /// AS numbers and communities of all kinds in them.
    pub(crate) values: u32,
}

impl Seen {
    #[inline]
    pub(crate) fn announce<T>(&mut self, nlri: &T) {
        black_box(nlri);
        self.announced += 1;
    }

    #[inline]
    pub(crate) fn withdraw<T>(&mut self, nlri: &T) {
        black_box(nlri);
        self.withdrawn += 1;
    }

    #[inline]
    pub(crate) fn next_hop<T>(&mut self, next_hop: T) {
        black_box(next_hop);
        self.next_hops += 1;
    }

    /// An attribute that is one value.
    #[inline]
    pub(crate) fn attribute<T>(&mut self, value: T) {
        black_box(value);
        self.attributes += 1;
    }

    /// An attribute that is a list of values.
    #[inline]
    pub(crate) fn list<T>(&mut self, values: impl IntoIterator<Item = T>) {
        self.values(values);
        self.attributes += 1;
    }

    /// Some of the values of a list.
    #[inline]
    pub(crate) fn values<T>(&mut self, values: impl IntoIterator<Item = T>) {
        for value in values {
            black_box(value);
            self.values += 1;
        }
    }
}

/// Why a codec does not take a message.
pub(crate) type Refusal = String;

/// A codec at work on a stream.
pub(crate) trait Codec {
    /// An UPDATE that outlives its message.
    type Owned;
    /// What is written again: the same, or what it was taken apart into.
    type Sent: From<Self::Owned>;

    const NAME: &'static str;

    /// Frames all messages, validates them, and visits every NLRI and every attribute value.
    fn visit(&mut self, stream: &Stream) -> Result<Seen, Refusal>;

    /// Frames all messages, validates them, and keeps what they say.
    fn own(&mut self, stream: &Stream) -> Result<Vec<Self::Owned>, Refusal>;

    /// Visits every NLRI and every attribute value of what was kept.
    fn look(&self, owned: &Self::Owned) -> Result<Seen, Refusal>;

    /// Writes messages that say the same, one behind the other; how many octets these have.
    fn encode(&mut self, updates: &[Self::Sent], stream: &Stream) -> Result<usize, Refusal>;

    /// The octets that [`encode`](Self::encode) wrote last.
    fn written(&self) -> &[u8];
}

/// The next message of a stream and what is behind it, where a codec leaves framing to its user.
#[inline]
pub(crate) fn cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = bytes.get(16..18)?;
    bytes.split_at_checked(usize::from(u16::from_be_bytes([length[0], length[1]])))
}
