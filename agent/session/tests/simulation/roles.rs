//! BGP Roles (RFC 9234 §4): who may be what to whom.

use bgp_session::{Effect, PeerConfig, RemoteAs, RoleConfig, State, effect_of};
use bgp_wire::{Capability, Role};

use crate::messages::Lone;
use crate::pair::{A, B, Pair, config, ups};
use crate::raw::{RawOpen, keepalive};

fn with_role(role: Option<Role>, strict: bool) -> PeerConfig {
    PeerConfig {
        role: role.map(|role| RoleConfig { role, strict }),
        ..config(A)
    }
}

/// An OPEN with a capability for each of these roles.
fn open(roles: &[u8]) -> RawOpen {
    let capabilities: Vec<u8> = roles.iter().flat_map(|role| [9, 1, *role]).collect();
    RawOpen::with_capabilities(&capabilities)
}

/// What comes of an OPEN: a session, or a NOTIFICATION with its code and subcode.
fn outcome(config: PeerConfig, open: &RawOpen) -> Result<(), (u8, u8)> {
    let mut lone = Lone::new(config);
    lone.feed(&[open.bytes(), keepalive()].concat());
    if lone.peer.state() == State::Established {
        return Ok(());
    }
    assert!(lone.closed());
    match &lone.sent()[..] {
        [(3, Some((code, subcode, data)))] if data.is_empty() => Err((*code, *subcode)),
        other => panic!("{other:?}"),
    }
}

const MISMATCH: Result<(), (u8, u8)> = Err((2, 11));

/// RFC 9234 §4.1, table 1 (values) and §4.2, table 2 (pairs): "If the Roles do not correspond, the BGP speaker MUST reject
/// the connection using the Role Mismatch Notification (code 2, subcode 11)." The values from 5 on are not assigned and
/// correspond to nothing.
#[test]
fn only_the_pairs_of_the_table_make_a_session() {
    const PROVIDER: u8 = 0;
    const RS: u8 = 1;
    const RS_CLIENT: u8 = 2;
    const CUSTOMER: u8 = 3;
    const PEER: u8 = 4;
    let table = [
        (PROVIDER, CUSTOMER),
        (CUSTOMER, PROVIDER),
        (RS, RS_CLIENT),
        (RS_CLIENT, RS),
        (PEER, PEER),
    ];
    let mut sessions = 0;
    for local in PROVIDER..=PEER {
        for remote in (0..=8).chain([255]) {
            let wanted = if table.contains(&(local, remote)) {
                sessions += 1;
                Ok(())
            } else {
                MISMATCH
            };
            let config = with_role(Some(Role(local)), false);
            assert_eq!(
                outcome(config, &open(&[remote])),
                wanted,
                "{local} and {remote}"
            );
        }
    }
    assert_eq!(sessions, table.len());
}

/// §4.2: "if the BGP Role Capability is sent but one is not received, the BGP Speaker SHOULD ignore the absence", and "when
/// operating in the strict mode" the connection is rejected. Whoever has no role does not ask for one.
#[test]
fn a_peer_without_a_role_is_refused_in_strict_mode_alone() {
    let own = Some(Role::CUSTOMER);
    assert_eq!(outcome(with_role(own, false), &open(&[])), Ok(()));
    assert_eq!(outcome(with_role(own, true), &open(&[])), MISMATCH);
    assert_eq!(outcome(with_role(own, true), &open(&[0])), Ok(()));
    assert_eq!(outcome(with_role(None, false), &open(&[0])), Ok(()));
    // What is malformed was not received (RFC 5492 leaves it to the receiver).
    let malformed = RawOpen::with_capabilities(&[9, 2, 1, 1]);
    assert_eq!(outcome(with_role(own, false), &malformed), Ok(()));
    assert_eq!(outcome(with_role(own, true), &malformed), MISMATCH);
}

/// §4.2: "multiple but identical BGP Role Capabilities" are "a single BGP Role Capability"; "If multiple BGP Role
/// Capabilities are received and not all of them have the same value, then the BGP speaker MUST reject the connection".
#[test]
fn a_role_may_be_repeated_but_not_contradicted() {
    for own in [Some(Role::CUSTOMER), None] {
        let config = || with_role(own, false);
        assert_eq!(outcome(config(), &open(&[0, 0, 0])), Ok(()), "{own:?}");
        assert_eq!(outcome(config(), &open(&[0, 0, 1])), MISMATCH, "{own:?}");
        assert_eq!(outcome(config(), &open(&[3, 0])), MISMATCH, "{own:?}");
    }
}

/// §4.1 is about "each eBGP session".
#[test]
fn roles_mean_nothing_inside_of_an_as() {
    let internal = PeerConfig {
        remote_as: RemoteAs::Internal,
        ..with_role(Some(Role::PROVIDER), true)
    };
    for roles in [&[][..], &[0], &[0, 1]] {
        let open = RawOpen {
            my_as: 65001,
            ..open(roles)
        };
        assert_eq!(outcome(internal.clone(), &open), Ok(()), "{roles:?}");
    }
}

#[test]
fn a_role_is_told_to_external_peers_and_why_it_was_refused_to_people() {
    let mut configs = [config(A), config(B)];
    for (config, role) in configs.iter_mut().zip([Role::PROVIDER, Role::CUSTOMER]) {
        config.role = Some(RoleConfig { role, strict: true });
    }
    let mut pair = Pair::with(configs.clone(), 1);
    pair.establish();
    for (node, role) in [(A, Role::CUSTOMER), (B, Role::PROVIDER)] {
        let negotiated = pair.nodes[node].peer.negotiated().unwrap();
        let told = Capability::Role(role);
        assert!(negotiated.remote_capabilities.contains(&told));
        assert_eq!(ups(&pair, node), 1);
    }
    // Inside of an AS, nothing is told.
    let other = config(B);
    for config in &mut configs {
        config.remote_as = RemoteAs::Internal;
        config.local_as = other.local_as;
    }
    let mut pair = Pair::with(configs, 1);
    pair.establish();
    let negotiated = pair.nodes[A].peer.negotiated().unwrap();
    let is_role = |one: &&Capability| matches!(one, Capability::Role(_));
    assert_eq!(negotiated.remote_capabilities.iter().find(is_role), None);

    let mut lone = Lone::new(with_role(Some(Role::PEER), false));
    lone.feed(&open(&[0]).bytes());
    let errors = format!("{:?}", lone.peer.last_errors());
    assert!(
        errors.contains("Provider") && errors.contains("Peer"),
        "{errors}"
    );
}

#[test]
fn another_role_takes_another_session() {
    let old = with_role(Some(Role::PEER), false);
    for new in [
        with_role(None, false),
        with_role(Some(Role::CUSTOMER), false),
    ] {
        assert_eq!(effect_of(&old, &new), Effect::Reset);
    }
}

#[test]
fn a_session_outlives_strictness_if_the_peer_has_said_its_role() {
    let [lax, strict] = [false, true].map(|strict| with_role(Some(Role::CUSTOMER), strict));
    for (said, effect, state) in [
        (&[0][..], Effect::InPlace, State::Established),
        (&[], Effect::Reset, State::Idle),
    ] {
        let mut lone = Lone::established(lax.clone(), &open(said));
        let now = lone.now;
        assert_eq!(
            lone.peer.reconfigure(strict.clone(), now),
            effect,
            "{said:?}"
        );
        assert_eq!(lone.peer.state(), state, "{said:?}");
    }
    // Who asks for less asks for nothing.
    let mut lone = Lone::established(strict, &open(&[0]));
    let now = lone.now;
    assert_eq!(lone.peer.reconfigure(lax, now), Effect::InPlace);
    assert_eq!(lone.peer.state(), State::Established);
}
