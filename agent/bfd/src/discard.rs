//! Why packets are discarded, and how many were.

use std::fmt;

macro_rules! discards {
    ($($(#[$doc:meta])+ $variant:ident $field:ident $name:literal;)+) => {
        /// Why a packet is discarded.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum Discard {
            $($(#[$doc])+ #[error($name)] $variant,)+
        }

        impl Discard {
            /// All of them, in the order in which a packet is checked.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word for metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        /// How many packets were discarded, by reason.
        #[derive(Clone, Copy, Default, PartialEq, Eq)]
        pub struct Discards {
            $($field: u64,)+
        }

        impl Discards {
            pub(crate) fn count(&mut self, why: Discard) {
                let counter = match why { $(Discard::$variant => &mut self.$field,)+ };
                *counter += 1;
            }

            /// How many went for this reason.
            pub const fn get(&self, why: Discard) -> u64 {
                match why { $(Discard::$variant => self.$field,)+ }
            }
        }
    };
}

discards! {
    /// Not version 1.
    Version version "version";
    /// The Length field, or the datagram, is shorter than a packet is.
    Length length "length";
    /// The Length field says more than there is.
    LengthBeyondPayload length_beyond_payload "length-beyond-payload";
    /// Detect Mult is zero.
    DetectMult detect_mult "detect-mult";
    /// The multipoint bit is set.
    Multipoint multipoint "multipoint";
    /// My Discriminator is zero.
    MyDiscriminator my_discriminator "my-discriminator";
    /// One hop, and the TTL is not 255 (RFC 5881 §5).
    Ttl ttl "ttl";
    /// Your Discriminator is that of no session.
    YourDiscriminator your_discriminator "your-discriminator";
    /// It came to the port for one hop and its session has several, or the other way round.
    Port port "port";
    /// Your Discriminator is zero in a state in which it is known.
    State state "state";
    /// Your Discriminator is zero, and no session is with that neighbour.
    NoSession no_session "no-session";
    /// It is authenticated, and no authentication is in use.
    Authentication authentication "authentication";
    /// The session is administratively down.
    AdminDown admin_down "admin-down";
}

impl Discards {
    /// All reasons with their counts.
    pub fn by_reason(&self) -> impl Iterator<Item = (Discard, u64)> {
        Discard::ALL.iter().map(|why| (*why, self.get(*why)))
    }
}

impl fmt::Debug for Discards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.by_reason().filter(|(_, count)| *count > 0);
        f.debug_map()
            .entries(counted.map(|(why, count)| (why.as_str(), count)))
            .finish()
    }
}
