//! Texts that people write. The first octet chooses of what; what is read is printed and read again as it was, and what is
//! wrong is told by a character that is there.
#![no_main]

use std::fmt::Display;
use std::str::FromStr;

use bgp_fuzz::{Input, is_readable, with_bounded_memory};
use bgp_wire::{
    AsPath, Asn, Community, Esi, EvpnRoute, ExtCommunity, Family, Form, Ipv6ExtCommunity, Label,
    LargeCommunity, MacAddr, Nlri, Origin, ParseFamilyError, ParseOriginError, ParseTextError,
    PathId, RouteDistinguisher, RouteTargetMembership, Vpn,
};
use ipnet::{Ipv4Net, Ipv6Net};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let choice = input.octet();
    let Ok(text) = std::str::from_utf8(input.rest()) else {
        return;
    };
    match choice % 16 {
        0 => {
            again::<Asn>(text);
            if let Ok(asn) = text.parse::<Asn>() {
                assert_eq!(asn.dotted().to_string().parse(), Ok(asn));
            }
        }
        1 => again::<Community>(text),
        2 => again::<ExtCommunity>(text),
        3 => again::<Ipv6ExtCommunity>(text),
        4 => again::<LargeCommunity>(text),
        5 => {
            again::<AsPath>(text);
            if let Ok(path) = text.parse::<AsPath>() {
                let dotted = path.as_ref().dotted().to_string();
                assert_eq!(dotted.parse(), Ok(path));
            }
        }
        6 => {
            again::<Esi>(text);
            if let Ok(esi) = text.parse::<Esi>() {
                is_readable(&format!("{:?} {:?}", esi.kind_name(), esi.parts()));
            }
        }
        7 => again::<MacAddr>(text),
        8 => again::<Origin>(text),
        9 => again::<Family>(text),
        10 => again::<Label>(text),
        11 => again::<RouteDistinguisher>(text),
        12 => again::<Vpn<Ipv4Net>>(text),
        13 => again::<Vpn<Ipv6Net>>(text),
        14 => {
            again::<EvpnRoute>(text);
            text.parse::<EvpnRoute>().iter().for_each(sent);
        }
        _ => again::<RouteTargetMembership>(text),
    }
});

/// An error that may name the character that is wrong.
trait Wrong: Display + std::fmt::Debug {
    fn character(&self) -> Option<usize>;
}

impl Wrong for ParseTextError {
    fn character(&self) -> Option<usize> {
        Some(self.character())
    }
}

impl Wrong for ParseFamilyError {
    fn character(&self) -> Option<usize> {
        None
    }
}

impl Wrong for ParseOriginError {
    fn character(&self) -> Option<usize> {
        None
    }
}

fn again<T: FromStr + Display + PartialEq + std::fmt::Debug>(text: &str)
where
    T::Err: Wrong,
{
    match with_bounded_memory(text.len(), || text.parse::<T>()) {
        Ok(read) => {
            let printed = with_bounded_memory(text.len(), || read.to_string());
            is_readable(&printed);
            assert_eq!(
                printed.parse::<T>().expect("what we print"),
                read,
                "{text:?}"
            );
        }
        Err(error) => {
            assert!(error.to_string().len() < 1000 + 4 * text.len());
            // One more than there are: the text ends too early.
            let there = 1..=text.chars().count() + 1;
            assert!(error.character().is_none_or(|at| there.contains(&at)));
        }
    }
}

/// What a text says can be sent, and is read as what it was.
fn sent(route: &EvpnRoute) {
    let mut octets = Vec::new();
    route.encode(&EvpnRoute::withdrawn(), &mut octets);
    let read = EvpnRoute::decode(&mut &octets[..], Form::default(), PathId(0));
    assert_eq!(read.map(|(_, read, _)| read).as_ref(), Some(route));
}
