//! The BFD Control packet (RFC 5880 §4.1) and its octets.
//!
//! ```text
//!     0                   1                   2                   3
//!     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//!    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//!    |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
//!    |                       My Discriminator                        |
//!    |                      Your Discriminator                       |
//!    |                    Desired Min TX Interval                    |
//!    |                   Required Min RX Interval                    |
//!    |                 Required Min Echo RX Interval                 |
//!    |   Auth Type   |   Auth Len    |    Authentication Data...     |
//! ```

use std::fmt;
use std::time::Duration;

use crate::discard::Discard;
use crate::table::State;

/// The octets of a packet without an authentication section.
pub const PACKET_LENGTH: usize = 24;

const POLL: u8 = 0x20;
const FINAL: u8 = 0x10;
const CONTROL_PLANE_INDEPENDENT: u8 = 0x08;
const AUTHENTICATION: u8 = 0x04;
const DEMAND: u8 = 0x02;
const MULTIPOINT: u8 = 0x01;

/// A time in microseconds, the unit of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u32);

impl Micros {
    /// As a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_micros(self.0 as u64)
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 1000 {
            0 => write!(f, "{} ms", self.0 / 1000),
            micros => write!(f, "{}.{micros:03} ms", self.0 / 1000),
        }
    }
}

/// Why a side changed its state last (RFC 5880 §4.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Diagnostic(pub u8);

impl Diagnostic {
    /// No Diagnostic.
    pub const NONE: Self = Self(0);
    /// Control Detection Time Expired.
    pub const DETECTION_TIME_EXPIRED: Self = Self(1);
    /// Neighbor Signaled Session Down.
    pub const NEIGHBOR_DOWN: Self = Self(3);
    /// Administratively Down.
    pub const ADMIN_DOWN: Self = Self(7);
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "No Diagnostic",
            1 => "Control Detection Time Expired",
            2 => "Echo Function Failed",
            3 => "Neighbor Signaled Session Down",
            4 => "Forwarding Plane Reset",
            5 => "Path Down",
            6 => "Concatenated Path Down",
            7 => "Administratively Down",
            8 => "Reverse Concatenated Path Down",
            other => return write!(f, "diagnostic {other}"),
        })
    }
}

/// How a packet is authenticated (RFC 5880 §4.1, §4.2 to §4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthType {
    /// Simple Password.
    SimplePassword,
    /// Keyed MD5.
    KeyedMd5,
    /// Meticulous Keyed MD5.
    MeticulousKeyedMd5,
    /// Keyed SHA1.
    KeyedSha1,
    /// Meticulous Keyed SHA1.
    MeticulousKeyedSha1,
}

impl AuthType {
    /// The type of an authentication section, which begins with its type and length: `None` if the type is unknown, or the
    /// length is not one that the type can have.
    fn of(section: &[u8]) -> Option<Self> {
        let (&[code, length], _) = section.split_first_chunk()?;
        let (kind, lengths) = match code {
            // A password of 1 to 16 octets after type, length and key.
            1 => (Self::SimplePassword, 4..=19),
            2 => (Self::KeyedMd5, 24..=24),
            3 => (Self::MeticulousKeyedMd5, 24..=24),
            4 => (Self::KeyedSha1, 28..=28),
            5 => (Self::MeticulousKeyedSha1, 28..=28),
            _ => return None,
        };
        let fits = lengths.contains(&length) && usize::from(length) <= section.len();
        fits.then_some(kind)
    }
}

impl fmt::Display for AuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SimplePassword => "Simple Password",
            Self::KeyedMd5 => "Keyed MD5",
            Self::MeticulousKeyedMd5 => "Meticulous Keyed MD5",
            Self::KeyedSha1 => "Keyed SHA1",
            Self::MeticulousKeyedSha1 => "Meticulous Keyed SHA1",
        })
    }
}

/// A control packet. The multipoint bit and the echo interval are not here: the first is never set, and there is no echo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlPacket {
    /// Diag.
    pub diagnostic: Diagnostic,
    /// Sta.
    pub state: State,
    /// P: the sender wants an answer with F.
    pub poll: bool,
    /// F: the answer to a P.
    pub final_answer: bool,
    /// C: the sender's BFD does not share fate with its control plane.
    pub control_plane_independent: bool,
    /// A, with the type of the section if it is a known one of the right length.
    pub authentication: Option<Option<AuthType>>,
    /// D: the sender wishes to hear no periodic packets.
    pub demand: bool,
    /// Detect Mult, not zero.
    pub detect_mult: u8,
    /// My Discriminator, not zero.
    pub my_discriminator: u32,
    /// Your Discriminator, zero while it is not known.
    pub your_discriminator: u32,
    /// Desired Min TX Interval.
    pub desired_min_tx: Micros,
    /// Required Min RX Interval.
    pub required_min_rx: Micros,
}

impl ControlPacket {
    /// Reads the payload of a UDP datagram: the checks of RFC 5880 §6.8.6 that need no session, in its order.
    pub fn decode(payload: &[u8]) -> Result<Self, Discard> {
        // "If the version number is not correct (1), the packet MUST be discarded."
        let first = *payload.first().ok_or(Discard::Length)?;
        if first >> 5 != 1 {
            return Err(Discard::Version);
        }
        let Some((head, rest)) = payload.split_first_chunk::<PACKET_LENGTH>() else {
            // Shorter than any length that would be correct.
            return Err(Discard::Length);
        };
        let [_, flags, detect_mult, length, words @ ..] = head;
        let (flags, length) = (*flags, usize::from(*length));
        // "If the Length field is less than the minimum correct value (24 if the A bit is clear, or 26 if the A bit is set), the
        // packet MUST be discarded."
        let authenticated = flags & AUTHENTICATION != 0;
        if length < PACKET_LENGTH + if authenticated { 2 } else { 0 } {
            return Err(Discard::Length);
        }
        // "If the Length field is greater than the payload of the encapsulating protocol, the packet MUST be discarded."
        let section = rest
            .get(..length - PACKET_LENGTH)
            .ok_or(Discard::LengthBeyondPayload)?;
        // "If the Detect Mult field is zero, the packet MUST be discarded."
        if *detect_mult == 0 {
            return Err(Discard::DetectMult);
        }
        // "If the Multipoint (M) bit is nonzero, the packet MUST be discarded."
        if flags & MULTIPOINT != 0 {
            return Err(Discard::Multipoint);
        }
        let mut words = words.as_chunks::<4>().0.iter();
        let mut word = || words.next().map_or(0, |word| u32::from_be_bytes(*word));
        let packet = Self {
            diagnostic: Diagnostic(first & 0x1f),
            state: State::from_bits(flags >> 6),
            poll: flags & POLL != 0,
            final_answer: flags & FINAL != 0,
            control_plane_independent: flags & CONTROL_PLANE_INDEPENDENT != 0,
            authentication: authenticated.then(|| AuthType::of(section)),
            demand: flags & DEMAND != 0,
            detect_mult: *detect_mult,
            my_discriminator: word(),
            your_discriminator: word(),
            desired_min_tx: Micros(word()),
            required_min_rx: Micros(word()),
        };
        // "If the My Discriminator field is zero, the packet MUST be discarded."
        if packet.my_discriminator == 0 {
            return Err(Discard::MyDiscriminator);
        }
        Ok(packet)
    }

    /// The octets of a packet, without authentication.
    pub fn encode(&self) -> [u8; PACKET_LENGTH] {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = self.state.bits() << 6
            | bit(self.poll, POLL)
            | bit(self.final_answer, FINAL)
            | bit(self.control_plane_independent, CONTROL_PLANE_INDEPENDENT)
            | bit(self.demand, DEMAND);
        let [m0, m1, m2, m3] = self.my_discriminator.to_be_bytes();
        let [y0, y1, y2, y3] = self.your_discriminator.to_be_bytes();
        let [t0, t1, t2, t3] = self.desired_min_tx.0.to_be_bytes();
        let [r0, r1, r2, r3] = self.required_min_rx.0.to_be_bytes();
        [
            1 << 5 | (self.diagnostic.0 & 0x1f),
            flags,
            self.detect_mult,
            24, // PACKET_LENGTH
            m0,
            m1,
            m2,
            m3,
            y0,
            y1,
            y2,
            y3,
            t0,
            t1,
            t2,
            t3,
            r0,
            r1,
            r2,
            r3,
            0, // "If this value is zero, the transmitting system does not support the receipt of BFD Echo packets."
            0,
            0,
            0,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written down from the figure of RFC 5880 §4.1: version 1, Neighbor Signaled Session Down, Up with P and C, multiplier 5.
    const FIGURE: [u8; 24] = [
        0x23, 0xe8, 5, 24, //
        0, 0, 0, 0x11, //
        0, 0, 0, 0x22, //
        0, 0x0f, 0x42, 0x40, // one second
        0, 0x00, 0xc3, 0x50, // 50 ms
        0, 0, 0, 0,
    ];

    fn with(at: usize, value: u8) -> [u8; 24] {
        let mut octets = FIGURE;
        octets[at] = value;
        octets
    }

    #[test]
    fn the_fields_lie_where_the_figure_has_them() {
        let packet = ControlPacket::decode(&FIGURE).unwrap();
        let expected = ControlPacket {
            diagnostic: Diagnostic::NEIGHBOR_DOWN,
            state: State::Up,
            poll: true,
            final_answer: false,
            control_plane_independent: true,
            authentication: None,
            demand: false,
            detect_mult: 5,
            my_discriminator: 0x11,
            your_discriminator: 0x22,
            desired_min_tx: Micros(1_000_000),
            required_min_rx: Micros(50_000),
        };
        assert_eq!(packet, expected);
        assert_eq!(packet.encode(), FIGURE);
    }

    /// The checks of §6.8.6 that need no session: what is wrong, and by which sentence it goes.
    #[test]
    fn each_check_has_its_reason() {
        let authenticated = |length: u8| {
            let mut octets = with(1, 0xe8 | AUTHENTICATION);
            octets[3] = length;
            octets
        };
        for (octets, discard) in [
            (with(0, 0x03), Discard::Version),
            (with(0, 0x43), Discard::Version),
            (with(3, 23), Discard::Length),
            (with(3, 0), Discard::Length),
            (authenticated(24), Discard::Length),
            (authenticated(25), Discard::Length),
            (authenticated(26), Discard::LengthBeyondPayload),
            (with(3, 25), Discard::LengthBeyondPayload),
            (with(3, 255), Discard::LengthBeyondPayload),
            (with(2, 0), Discard::DetectMult),
            (with(1, 0xe8 | MULTIPOINT), Discard::Multipoint),
            (with(7, 0), Discard::MyDiscriminator),
        ] {
            assert_eq!(ControlPacket::decode(&octets), Err(discard), "{octets:?}");
        }
        for cut in 0..24 {
            let cut = ControlPacket::decode(&FIGURE[..cut]);
            assert_eq!(cut, Err(Discard::Length));
        }
    }

    /// Where several things are wrong, the sentence that comes first decides.
    #[test]
    fn the_checks_come_in_the_order_of_the_rfc() {
        let mut octets = [0; 24];
        octets[1] = MULTIPOINT;
        let mut reasons = vec![ControlPacket::decode(&octets)];
        for (at, value) in [(0, 0x20), (3, 25), (3, 24), (2, 1), (1, 0), (7, 1)] {
            octets[at] = value;
            reasons.push(ControlPacket::decode(&octets));
        }
        let last = reasons.pop().unwrap();
        assert!(last.is_ok(), "{last:?}");
        let expected = [
            Discard::Version,
            Discard::Length,
            Discard::LengthBeyondPayload,
            Discard::DetectMult,
            Discard::Multipoint,
            Discard::MyDiscriminator,
        ];
        assert_eq!(reasons, expected.map(Err));
    }

    #[test]
    fn octets_after_the_packet_mean_nothing() {
        let mut octets = FIGURE.to_vec();
        octets.extend([1; 40]);
        assert_eq!(
            ControlPacket::decode(&octets),
            ControlPacket::decode(&FIGURE)
        );
    }

    /// The lengths of §4.2 ("equal to the length of the password plus 3"), §4.3 ("always 24") and §4.4 ("always 28").
    #[test]
    fn authentication_sections_have_the_lengths_of_their_types() {
        let kind = |code: u8, length: u8| {
            let mut octets = with(1, 0xe8 | AUTHENTICATION).to_vec();
            octets[3] = 24 + length;
            octets.extend([code, length]);
            octets.resize(24 + usize::from(length), 0);
            ControlPacket::decode(&octets)
                .unwrap()
                .authentication
                .unwrap()
        };
        assert_eq!(kind(1, 4), Some(AuthType::SimplePassword));
        assert_eq!(kind(1, 19), Some(AuthType::SimplePassword));
        assert_eq!(kind(2, 24), Some(AuthType::KeyedMd5));
        assert_eq!(kind(3, 24), Some(AuthType::MeticulousKeyedMd5));
        assert_eq!(kind(4, 28), Some(AuthType::KeyedSha1));
        assert_eq!(kind(5, 28), Some(AuthType::MeticulousKeyedSha1));
        for (code, length) in [
            (0, 24),
            (1, 3),
            (1, 20),
            (2, 23),
            (3, 25),
            (4, 24),
            (5, 29),
            (6, 28),
        ] {
            assert_eq!(kind(code, length), None, "type {code}, length {length}");
        }
    }
}
