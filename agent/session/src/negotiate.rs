//! What two OPENs come to: our own, the judgement on the peer's, and what follows from both for the session.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bgp_wire::{
    AFI_IPV4, AFI_IPV6, AddPathMode, Asn, Capability, Family, FamilySet, Fqdn, HoldTime,
    Notification, Open, PeerKind, Role, RouterId, SessionContext, codes, frame,
};
use bytes::{BufMut, BytesMut};

use crate::collision::Side;
use crate::config::{PeerConfig, RemoteAs};
use crate::input::Refusal;
use crate::restart::{PeerRestart, own_capabilities};
use crate::timer::LONGEST;

/// What both sides agreed on. Known from OpenConfirm on, and not changed until the session ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Negotiated {
    /// What reading and writing messages depends on.
    pub ctx: Arc<SessionContext>,
    /// Who opened the connection.
    pub side: Side,
    /// Our end of the connection.
    pub local: SocketAddr,
    /// The peer's end of the connection.
    pub remote: SocketAddr,
    /// The peer's AS.
    pub remote_as: Asn,
    /// The peer's BGP identifier.
    pub remote_router_id: RouterId,
    /// Everything the peer says it can do.
    pub remote_capabilities: Vec<Capability>,
    /// The lower one of both hold times.
    pub hold_time: HoldTime,
    /// The longest time between two of our messages; `None` if the hold time is zero.
    pub keepalive: Option<Duration>,
    /// How long our writes may make no progress; `None` if the hold time is zero.
    pub send_hold: Option<Duration>,
    /// The families that both sides offer.
    pub families: FamilySet,
    /// The peer understands ROUTE-REFRESH (RFC 2918).
    pub route_refresh: bool,
    /// Both sides understand the markers around a refresh (RFC 7313).
    pub enhanced_refresh: bool,
    /// What the peer says of its restarts; `None` unless both sides offer graceful restart (RFC 4724).
    pub restart: Option<PeerRestart>,
}

impl Negotiated {
    /// Whether the peer's OPEN was without the role that it has to say by now (RFC 9234 §4.2, strict mode).
    pub(crate) fn lacks_role(&self, config: &PeerConfig) -> bool {
        let strict = config.role.is_some_and(|role| role.strict);
        let mut said = self.remote_capabilities.iter();
        strict
            && !config.is_ours(self.remote_as)
            && !said.any(|capability| matches!(capability, Capability::Role(_)))
    }
}

/// Our OPEN, in which we say to be of `own_as`, after a restart of ours or not, with the families whose packets were forwarded all the
/// time.
pub(crate) fn own_open(
    config: &PeerConfig,
    own_as: Asn,
    restarting: bool,
    forwarding: FamilySet,
) -> Open {
    let mut capabilities = Vec::with_capacity(10);
    capabilities.extend(
        config
            .families
            .iter()
            .map(|f| Capability::Multiprotocol(f.family)),
    );
    capabilities.push(Capability::RouteRefresh);
    capabilities.push(Capability::EnhancedRouteRefresh);
    if config.extended_message {
        capabilities.push(Capability::ExtendedMessage);
    }
    let by_ipv6: Vec<(Family, u16)> = config
        .families
        .iter()
        .filter(|f| config.extended_next_hop && takes_ipv6_next_hops(f.family))
        .map(|f| (f.family, AFI_IPV6))
        .collect();
    if !by_ipv6.is_empty() {
        capabilities.push(Capability::ExtendedNextHop(by_ipv6));
    }
    let add_path: Vec<(Family, AddPathMode)> = config
        .families
        .iter()
        .filter_map(|f| {
            Some((
                f.family,
                AddPathMode::new(f.add_path_receive, f.add_path_send)?,
            ))
        })
        .collect();
    if !add_path.is_empty() {
        capabilities.push(Capability::AddPath(add_path));
    }
    // RFC 9234 §4.1: "If the BGP Role is locally configured, the eBGP speaker MUST advertise the BGP Role Capability".
    if let Some(own) = config.role
        && !config.is_internal_only()
    {
        capabilities.push(Capability::Role(own.role));
    }
    capabilities.extend(own_capabilities(config, restarting, forwarding));
    if let Some(hostname) = nonempty(config.hostname.as_deref()) {
        let (hostname, domain) = hostname.split_once('.').unwrap_or((hostname, ""));
        capabilities.push(Capability::Fqdn(Fqdn {
            hostname: head(hostname, 100).to_owned(),
            domain: head(domain, 100).to_owned(),
        }));
    }
    if let Some(version) = nonempty(config.software_version.as_deref()) {
        capabilities.push(Capability::SoftwareVersion(head(version, 64).to_owned()));
    }
    Open::new(own_as, config.hold_time, config.router_id, capabilities)
}

/// What the peer's OPEN and our configuration come to, or the NOTIFICATION that refuses it (RFC 4271 §6.2). What is wrong
/// with an OPEN by itself was found when it was decoded; here is what depends on who we are.
pub(crate) fn negotiate(
    config: &PeerConfig,
    open: Open,
    side: Side,
    local: SocketAddr,
    remote: SocketAddr,
) -> Result<Negotiated, Refusal> {
    let refuse = |subcode, why| Refusal {
        notification: Notification::open(subcode),
        why,
    };
    let remote_as = open.asn();
    // RFC 7705 §4.2: "MUST accept BGP OPEN and establish an iBGP session from configured iBGP peers if the ASN value in 'My Autonomous
    // System' is either the globally configured ASN or a locally configured ASN provided when this capability is utilized."
    let internal = config.is_ours(remote_as);
    let expected = match config.remote_as {
        RemoteAs::Asn(asn) => remote_as == asn || (internal && config.is_internal_only()),
        RemoteAs::Internal => internal,
        RemoteAs::External => !internal,
    };
    if !expected {
        let expected = match (config.remote_as, config.also_as) {
            (RemoteAs::External, _) => format!("another than {}", config.local_as),
            (_, Some(also)) if config.is_internal_only() => {
                format!("{} or {also}, our own", config.local_as)
            }
            (RemoteAs::Internal, _) => format!("{}, our own", config.local_as),
            (RemoteAs::Asn(asn), _) => asn.to_string(),
        };
        let why = format!("the peer is in AS {remote_as}, and expected in {expected}");
        return Err(refuse(codes::open::BAD_PEER_AS, why));
    }
    // RFC 6286 §2.2: "If the BGP Identifier field of the OPEN message is zero, or if it is the same as the BGP
    // Identifier of the local BGP speaker and the message is from an internal peer, then the Error Subcode is set to
    // "Bad BGP Identifier"."
    if internal && open.router_id == config.router_id {
        let why = format!("the peer has our own router ID, {}", open.router_id);
        return Err(refuse(codes::open::BAD_BGP_IDENTIFIER, why));
    }

    if !internal && let Err(why) = check_roles(config, &open) {
        return Err(refuse(codes::open::ROLE_MISMATCH, why));
    }

    let offered: FamilySet = config.families.iter().map(|f| f.family).collect();
    let families = offered.intersection(open.family_set());
    if families.is_empty() {
        return Err(Refusal {
            notification: no_common_family(config),
            why: format!(
                "no family in common: we have {}, the peer {}",
                names(offered),
                names(open.family_set())
            ),
        });
    }

    let add_path = |ours: fn(&crate::FamilyConfig) -> bool, theirs: fn(AddPathMode) -> bool| {
        config
            .families
            .iter()
            .filter(|f| ours(f) && open.add_path(f.family).is_some_and(theirs))
            .map(|f| f.family)
            .collect::<FamilySet>()
            .intersection(families)
    };
    let extended_next_hop = families
        .iter()
        .filter(|f| config.extended_next_hop && takes_ipv6_next_hops(*f))
        .filter(|f| open.extended_next_hop(*f, AFI_IPV6))
        .collect();
    let extended_message = config.extended_message && open.has(&Capability::ExtendedMessage);
    let ctx = SessionContext {
        peer_kind: if internal {
            PeerKind::Internal
        } else {
            PeerKind::External
        },
        asn4: open.asn4().is_some(),
        max_message: if extended_message {
            frame::MAX_EXTENDED_LEN
        } else {
            frame::MAX_LEN
        },
        families,
        add_path_receive: add_path(|f| f.add_path_receive, AddPathMode::sends),
        add_path_send: add_path(|f| f.add_path_send, AddPathMode::receives),
        extended_next_hop,
        accept_as_set: config.accept_as_set,
        enforce_first_as: config.enforce_first_as,
        disable_families: config.disable_families,
        // What comes from inside may be reflected, and who reflects changes nothing (RFC 4456 §10).
        keep_order: internal,
        ..SessionContext::new(
            config.local_as,
            if internal { config.local_as } else { remote_as },
        )
    };

    // RFC 4271 §4.2: "the value of the Hold Timer by using the smaller of its configured Hold Time and the Hold Time
    // received in the OPEN message". Zero is the smallest.
    let hold_time = config.hold_time.min(open.hold_time);
    Ok(Negotiated {
        ctx: Arc::new(ctx),
        side,
        local,
        remote,
        remote_as,
        remote_router_id: open.router_id,
        hold_time,
        keepalive: keepalive(config, hold_time),
        send_hold: send_hold(config, hold_time),
        families,
        route_refresh: open.has(&Capability::RouteRefresh),
        enhanced_refresh: open.has(&Capability::EnhancedRouteRefresh),
        restart: PeerRestart::of(config, &open, families),
        remote_capabilities: open.capabilities,
    })
}

/// Whether the role that an external peer says to have is the counterpart of ours; if not, why.
///
/// RFC 9234 §4.2: "If the BGP Role Capability is advertised, and one is also received from the peer, the Roles MUST
/// correspond to the relationships in Table 2." "If multiple BGP Role Capabilities are received and not all of them have the
/// same value, then the BGP speaker MUST reject the connection", whatever our role is. "If the BGP Role Capability is sent but
/// one is not received, the BGP Speaker SHOULD ignore the absence", but for the strict mode.
fn check_roles(config: &PeerConfig, open: &Open) -> Result<(), String> {
    let theirs: Option<Role> = open.roles().next();
    if let Some(other) = open.roles().find(|role| Some(*role) != theirs) {
        let first = theirs.map_or_else(String::new, |role| role.to_string());
        return Err(format!("the peer says to be {first} and {other}"));
    }
    match (config.role, theirs) {
        (Some(own), Some(theirs)) if own.role.counterpart() != Some(theirs) => Err(format!(
            "the peer says to be {theirs}, which does not go with our role, {}",
            own.role
        )),
        (Some(own), None) if own.strict => {
            Err(format!("the peer says no role, and we are {}", own.role))
        }
        _ => Ok(()),
    }
}

/// Whether IPv6 next hops are to be negotiated for a family (RFC 8950 §4: SAFI 1, 2, 4, 128, 129). RFC 4684 §5 lets route target
/// memberships have them anyway.
fn takes_ipv6_next_hops(family: Family) -> bool {
    family.afi == AFI_IPV4 && family != Family::RTC
}

/// The shortest time between two KEEPALIVEs.
pub(crate) const SHORTEST_KEEPALIVE: Duration = Duration::from_secs(1);

/// RFC 4271 §4.4: "A reasonable maximum time between KEEPALIVE messages would be one third of the Hold Time interval."
pub(crate) fn keepalive(config: &PeerConfig, hold_time: HoldTime) -> Option<Duration> {
    let third = Duration::from_secs(hold_time.secs().into()) / 3;
    let wanted = config.keepalive.filter(|k| !k.is_zero()).unwrap_or(third);
    // Same section: "KEEPALIVE messages MUST NOT be sent more frequently than one per second."
    let wanted = wanted.max(SHORTEST_KEEPALIVE);
    (hold_time != HoldTime::ZERO).then(|| wanted.min(third))
}

/// RFC 9687: the greater of 8 minutes and twice the hold time, if nobody says otherwise; not with a hold time of zero.
pub(crate) fn send_hold(config: &PeerConfig, hold_time: HoldTime) -> Option<Duration> {
    let twice = Duration::from_secs(hold_time.secs().into()) * 2;
    let default = twice.max(Duration::from_secs(8 * 60));
    let wanted = config.send_hold.filter(|s| !s.is_zero()).unwrap_or(default);
    (hold_time != HoldTime::ZERO).then(|| wanted.min(LONGEST))
}

/// RFC 5492 §5: the data of an Unsupported Capability lists the capabilities whose absence is the reason, as in an OPEN.
fn no_common_family(config: &PeerConfig) -> Notification {
    let mut data = BytesMut::with_capacity(config.families.len() * 6);
    for Family { afi, safi } in config.families.iter().map(|f| f.family) {
        data.put_slice(&[1, 4]);
        data.put_u16(afi);
        data.put_slice(&[0, safi]);
    }
    Notification::new(codes::OPEN, codes::open::UNSUPPORTED_CAPABILITY, data)
}

fn names(families: FamilySet) -> String {
    let names: Vec<String> = families.iter().map(|family| family.to_string()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(" and ")
    }
}

fn nonempty(text: Option<&str>) -> Option<&str> {
    text.filter(|t| !t.is_empty())
}

/// The first octets of a text, ending at a character.
fn head(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}
