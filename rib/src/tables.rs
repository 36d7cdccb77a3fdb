//! The families that have tables, each one line here, and structures that have a part for each of them.

use crate::shard_key::TableKey;
use bgp_wire::{EvpnRoute, Family, RouteTargetMembership, Vpn};
use ipnet::{Ipv4Net, Ipv6Net};

/// Something that there is one of for each family, as a type of the family's key.
pub(crate) trait Part {
    type Of<K: TableKey>;

    fn make<K: TableKey>(&self) -> Self::Of<K>;
}

/// A key whose family has a place in [`Tables`].
pub(crate) trait Placed: Sized {
    fn of<P: Part>(tables: &Tables<P>) -> &P::Of<Self>
    where
        Self: TableKey;
    fn of_mut<P: Part>(tables: &mut Tables<P>) -> &mut P::Of<Self>
    where
        Self: TableKey;
}

/// Something done for a family, whichever it is.
pub(crate) trait ByFamily {
    type Output;
    fn run<K: TableKey>(self) -> Self::Output;
}

/// Something done for every family.
pub(crate) trait ForEach {
    fn visit<K: TableKey>(&mut self);
}

macro_rules! tables {
    ($($field:ident $key:ty;)*) => {
        /// One part for each family.
        pub(crate) struct Tables<P: Part> {
            $($field: P::Of<$key>,)*
        }

        impl<P: Part> Tables<P> {
            pub(crate) fn new(part: &P) -> Self {
                Self { $($field: part.make::<$key>(),)* }
            }
        }

        $(impl Placed for $key {
            #[inline]
            fn of<P: Part>(tables: &Tables<P>) -> &P::Of<Self> {
                &tables.$field
            }

            #[inline]
            fn of_mut<P: Part>(tables: &mut Tables<P>) -> &mut P::Of<Self> {
                &mut tables.$field
            }
        })*

        /// The families that have tables, in the order in which people see them.
        pub(crate) const FAMILIES: [Family; [$(<$key>::FAMILY),*].len()] = [$(<$key>::FAMILY),*];

        /// Runs `what` for the type of a family's keys. `None` for families without tables.
        pub(crate) fn by_family<F: ByFamily>(family: Family, what: F) -> Option<F::Output> {
            $(if family == <$key>::FAMILY {
                return Some(what.run::<$key>());
            })*
            None
        }

        /// Does something for every family.
        pub(crate) fn for_each(what: &mut impl ForEach) {
            $(what.visit::<$key>();)*
        }
    };
}

tables! {
    v4    Ipv4Net;
    v6    Ipv6Net;
    vpnv4 Vpn<Ipv4Net>;
    vpnv6 Vpn<Ipv6Net>;
    evpn  EvpnRoute;
    rtc   RouteTargetMembership;
}
