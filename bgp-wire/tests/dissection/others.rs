//! Messages that are no UPDATE.

use bgp_wire::{
    AddPathMode, Asn, Capability, Family, Fqdn, GracefulRestart, HoldTime, LongLivedFamily,
    Notification, Open, RefreshSubtype, Role, RouterId, encode_keepalive, encode_route_refresh,
};
use bytes::BytesMut;

use crate::{Sent, sent};

pub(crate) fn messages() -> Vec<Sent> {
    let mut out = BytesMut::new();
    encode_keepalive(&mut out);
    let keepalive = out.split().to_vec();
    encode_route_refresh(&mut out, Family::L2VPN_EVPN, RefreshSubtype::Begin);
    let refresh = out.split().to_vec();
    Notification::cease_shutdown("maintenance").encode(&mut out);
    let notification = out.split().to_vec();
    vec![
        open(),
        sent("KEEPALIVE", keepalive, &[("bgp.type", "4")]),
        sent(
            "ROUTE-REFRESH",
            refresh,
            &[
                ("bgp.route_refresh.afi", "25"),
                ("bgp.route_refresh.safi", "70"),
            ],
        ),
        sent(
            "NOTIFICATION",
            notification,
            &[
                ("bgp.notify.major_error", "6"),
                ("bgp.notify.minor_error_cease", "2"),
                ("bgp.notify.communication", "maintenance"),
            ],
        ),
    ]
}

/// Every capability that we can write.
fn open() -> Sent {
    let (v4, v6) = (Family::IPV4_UNICAST, Family::IPV6_UNICAST);
    let capabilities = vec![
        Capability::Multiprotocol(v4),
        Capability::Multiprotocol(Family::L2VPN_EVPN),
        Capability::RouteRefresh,
        Capability::EnhancedRouteRefresh,
        Capability::ExtendedNextHop(vec![(v4, 2)]),
        Capability::ExtendedMessage,
        Capability::MultipleLabels(vec![(Family::IPV4_LABELED, 3)]),
        Capability::Role(Role::CUSTOMER),
        Capability::GracefulRestart(GracefulRestart {
            restarting: true,
            notification: true,
            restart_time: 120,
            families: vec![(v4, true), (v6, false)],
        }),
        Capability::AddPath(vec![(v4, AddPathMode::Both), (v6, AddPathMode::Receive)]),
        Capability::LongLivedGracefulRestart(vec![LongLivedFamily {
            family: v4,
            forwarding: true,
            stale_time: 3600,
        }]),
        Capability::Fqdn(Fqdn {
            hostname: "node1".into(),
            domain: "example".into(),
        }),
        Capability::SoftwareVersion("cosmos/0.1".into()),
    ];
    let mut out = BytesMut::new();
    Open::new(
        Asn(4_200_000_001),
        HoldTime::default(),
        RouterId(0x0a00_0001),
        capabilities,
    )
    .encode(&mut out)
    .expect("it fits");
    sent(
        "OPEN",
        out.to_vec(),
        &[
            ("bgp.open.myas", "23456"),
            ("bgp.open.identifier", "10.0.0.1"),
            ("bgp.cap.type", "1,1,2,70,5,6,8,9,64,69,71,73,75,65"),
            ("bgp.cap.4as", "4200000001"),
        ],
    )
}
