//! Every class of bad UPDATE and what it leads to, by the letter of RFC 7606 and its successors.
//!
//! Each case names the section its expectation comes from. Messages are built octet by octet in
//! `support`, so that the crate's encoder is not its own judge.

mod everything;
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
mod prefix_sid;
mod registered;
mod results;
mod support;
mod tunnels;
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
    /// The session stays, with this disposition, which is one with consequences.
    Stays(Disposition),
    /// Nothing follows: these are the routes that are announced and withdrawn, and there are no others.
    Routes {
        announced: String,
        withdrawn: String,
    },
    /// Nothing follows: this one is announced, and leads to this next hop.
    Via(&'static str, &'static str),
    /// Nothing follows: routes are announced with this attribute, whose value is this one.
    Uses(u8, Vec<u8>),
    /// Nothing follows: routes are announced without this attribute.
    Ignores(u8),
    /// The session ends with UPDATE Message Error and this subcode and data.
    Ends(u8, Vec<u8>),
}
use Expect::{Ends, Ignores, Stays, Via};

/// Exactly these routes are announced, none for no text.
fn announces(announced: impl Into<String>) -> Expect {
    Expect::Routes {
        announced: announced.into(),
        withdrawn: String::new(),
    }
}

/// Exactly these routes are withdrawn, none for no text.
fn withdraws(withdrawn: impl Into<String>) -> Expect {
    Expect::Routes {
        announced: String::new(),
        withdrawn: withdrawn.into(),
    }
}

/// Routes are announced with this attribute.
fn uses(code: u8, value: &[u8]) -> Expect {
    Expect::Uses(code, value.to_vec())
}

/// The same where nothing follows from an attribute; else what follows.
fn uses_or(disposition: Disposition, code: u8, value: &[u8]) -> Expect {
    match disposition {
        N => uses(code, value),
        other => Stays(other),
    }
}

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
                assert!(wanted > N, "{name}: say what is used");
                check_findings(name, rfc, &body, &decoded, wanted);
                if wanted == W {
                    let (announced, _) = routes(&decoded);
                    assert!(
                        !announced.is_empty(),
                        "{name}: what is to be withdrawn must be known"
                    );
                }
                check_discarded(name, &decoded);
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
            (Ok(decoded), expect) => {
                check_findings(name, rfc, &body, &decoded, N);
                check_used(name, rfc, &decoded, expect);
            }
            (Err(error), _) => panic!("{name} ({rfc}): got {error:?}"),
        }
    }
}

/// The strongest finding decides, and each is within the message.
fn check_findings(name: &str, rfc: &str, body: &[u8], decoded: &Decoded<'_>, wanted: Disposition) {
    let findings = &decoded.findings;
    assert_eq!(decoded.disposition, wanted, "{name} ({rfc}): {findings:?}");
    let strongest = findings.iter().map(|finding| finding.disposition).max();
    assert_eq!(strongest.unwrap_or(N), wanted, "{name}: {findings:?}");
    for finding in findings {
        let offset = finding.error.offset;
        assert!(
            (19..=19 + body.len()).contains(&offset),
            "{name}: offset {offset}"
        );
    }
}

/// What is discarded is not used; where an attribute is repeated, the first is.
fn check_discarded(name: &str, decoded: &Decoded<'_>) {
    let discards = decoded.findings.iter().filter(|one| one.disposition == D);
    for finding in discards {
        let code = finding.attribute.unwrap();
        let repeated = finding.error.reason == Reason::Duplicate;
        let bad = |one: &bgp_wire::Finding| {
            one.attribute == Some(code) && one.error.reason != Reason::Duplicate
        };
        let used = repeated && !decoded.findings.iter().any(bad);
        let there = decoded.update.attrs.get(code).is_some();
        assert_eq!(there, used, "{name}: {code}");
    }
}

/// What is announced, and what is withdrawn.
fn routes(decoded: &Decoded<'_>) -> (String, String) {
    let update = &decoded.update;
    let join = |body: String, mp: Option<String>| {
        let texts = [body, mp.unwrap_or_default()];
        let texts: Vec<_> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        texts.join(" ")
    };
    let reach = update.reach.map(|reach| reach.nlri.to_string());
    let unreach = update.unreach.map(|unreach| unreach.nlri.to_string());
    (
        join(update.announced.to_string(), reach),
        join(update.withdrawn.to_string(), unreach),
    )
}

fn check_used(name: &str, rfc: &str, decoded: &Decoded<'_>, expect: Expect) {
    let (announced, withdrawn) = routes(decoded);
    let attrs = decoded.update.attrs;
    match expect {
        Expect::Routes {
            announced: wanted,
            withdrawn: gone,
        } => assert_eq!((announced, withdrawn), (wanted, gone), "{name} ({rfc})"),
        Via(route, next_hop) => {
            assert_eq!(announced, route, "{name} ({rfc})");
            let found = attrs.next_hop().map(|hop| hop.to_string());
            assert_eq!(found.as_deref(), Some(next_hop), "{name} ({rfc})");
        }
        Expect::Uses(code, value) => {
            assert!(!announced.is_empty(), "{name} ({rfc})");
            let found = attrs.get(AttrCode(code));
            assert_eq!(found, Some(&value[..]), "{name} ({rfc})");
        }
        Ignores(code) => {
            assert!(!announced.is_empty(), "{name} ({rfc})");
            assert_eq!(attrs.get(AttrCode(code)), None, "{name} ({rfc})");
        }
        Stays(_) | Ends(..) => unreachable!("{name}"),
    }
}

fn decode<'a>(body: &'a [u8], ctx: &SessionContext, scratch: &'a mut AttrScratch) -> Decoded<'a> {
    decode_update(body, ctx, scratch).unwrap()
}
