//! Every class of bad UPDATE and what it leads to, by the letter of RFC 7606 and its successors.
//!
//! Each case names the section its expectation comes from. Messages are built octet by octet in
//! `support`, so that the crate's encoder is not its own judge.

mod evpn;
mod families;
mod framing;
mod labels;
mod lengths;
mod listed;
mod mutations;
mod nlri;
mod optional;
mod overlay;
mod registered;
mod results;
mod support;
mod values;

use bgp_wire::Disposition::{
    self, AfiSafiDisable as A, AttributeDiscard as D, None as N, TreatAsWithdraw as W,
};
use bgp_wire::{
    Asn, AttrCode, AttrScratch, Decoded, Family, FamilySet, MessageError, NextHop, PathId,
    PeerKind, Reason, SessionContext, decode_update,
};
use support::{NEXT_HOP_V6, Parts, attribute, reach, reach_v6, unreach};

/// What a case expects.
enum Expect {
    /// The session stays, with this disposition.
    Stays(Disposition),
    /// The session ends with UPDATE Message Error and this subcode and data.
    Ends(u8, Vec<u8>),
}
use Expect::{Ends, Stays};

struct Case {
    name: &'static str,
    /// Where the expectation comes from.
    rfc: &'static str,
    ctx: SessionContext,
    body: Vec<u8>,
    expect: Expect,
}

fn case(
    name: &'static str,
    rfc: &'static str,
    ctx: &SessionContext,
    parts: Parts,
    expect: Expect,
) -> Case {
    Case {
        name,
        rfc,
        ctx: ctx.clone(),
        body: parts.body(),
        expect,
    }
}

fn external() -> SessionContext {
    SessionContext::new(Asn(65000), Asn(65001))
}

fn internal() -> SessionContext {
    SessionContext::new(Asn(65000), Asn(65000))
}

fn old() -> SessionContext {
    SessionContext {
        asn4: false,
        ..external()
    }
}

/// What an internal peer must send.
fn good_internal() -> Parts {
    Parts::good().with(attribute(0x40, 5, &[0, 0, 0, 100]))
}

/// The same as [`Parts::good`] with two octets for each AS.
fn good_old() -> Parts {
    Parts::good().replaced(2, attribute(0x40, 2, &[2, 2, 0xfd, 0xe9, 0x5b, 0xa0]))
}

/// Attributes without reachable NLRI.
fn nothing_reachable() -> Parts {
    Parts::good().nlri(&[])
}

fn run(cases: Vec<Case>) {
    for Case {
        name,
        rfc,
        ctx,
        body,
        expect,
    } in cases
    {
        let mut scratch = AttrScratch::new();
        let result = decode_update(&body, &ctx, &mut scratch);
        match (result, expect) {
            (Ok(decoded), Stays(wanted)) => {
                assert_eq!(
                    decoded.disposition, wanted,
                    "{name} ({rfc}): {:?}",
                    decoded.findings
                );
                let strongest = decoded
                    .findings
                    .iter()
                    .map(|finding| finding.disposition)
                    .max();
                assert_eq!(
                    strongest.unwrap_or(N),
                    wanted,
                    "{name}: the strongest finding decides"
                );
                if wanted == W {
                    let reach = decoded.update.reach.map_or(0, |reach| reach.nlri.len());
                    assert!(
                        decoded.update.announced.len() + reach > 0,
                        "{name}: what is to be withdrawn must be known"
                    );
                }
                for finding in &decoded.findings {
                    let offset = finding.error.offset;
                    assert!(
                        (19..=19 + body.len()).contains(&offset),
                        "{name}: offset {offset}"
                    );
                }
            }
            (Err(error), Ends(subcode, data)) => {
                assert_eq!(error.notification.code, 3, "{name} ({rfc})");
                assert_eq!(
                    error.notification.subcode, subcode,
                    "{name} ({rfc}): {error}"
                );
                assert_eq!(error.notification.data, data, "{name} ({rfc}): {error}");
                assert!(!error.findings.is_empty(), "{name}");
            }
            (Ok(decoded), Ends(subcode, _)) => {
                panic!(
                    "{name} ({rfc}): expected 3/{subcode}, got {} {:?}",
                    decoded.disposition, decoded.findings
                )
            }
            (Err(error), Stays(wanted)) => {
                panic!("{name} ({rfc}): expected {wanted}, got {error:?}")
            }
        }
    }
}

fn decode<'a>(body: &'a [u8], ctx: &SessionContext, scratch: &'a mut AttrScratch) -> Decoded<'a> {
    decode_update(body, ctx, scratch).unwrap()
}
