//! RFC 4684 §6: VPN routes follow what the peer says that it wants.

use bgp_wire::*;
use rib::export::{Audience, ExportRules};
use rib::*;
use std::sync::Arc;

const LOCAL_AS: Asn = Asn(65000);

fn encoding() -> Encoding {
    Encoding {
        asn4: true,
        add_path: false,
        max_message: 4096,
        mp_ipv4: false,
    }
}

fn key(wanted: RouteTargets) -> GroupKey {
    let family = |family| FamilyExport {
        family,
        encoding: encoding(),
        add_path: 0,
    };
    GroupKey {
        rules: ExportRules {
            audience: Audience::IbgpClient,
            local_as: LOCAL_AS,
            router_id: RouterId(1),
            cluster_id: RouterId(1),
            own_ipv4: Some(NextHop::V4([10, 0, 0, 9].into())),
            own_ipv6: None,
            ipv6_next_hops: FamilySet::EMPTY,
            wanted: Some(Arc::new(wanted)),
            asks_for_everything: false,
            next_hop_self: false,
            graceful_shutdown: false,
            role: None,
            long_lived: true,
            as_path: AsPathRules::default(),
            policy: RoutePolicy::AcceptAll,
        },
        families: [Family::RTC, Family::IPV4_UNICAST, Family::IPV4_VPN]
            .map(family)
            .into_iter()
            .collect(),
    }
}

fn originate(rib: &Rib, route: &str, target: &str) {
    let mut editor = AttrEditor::new();
    editor.set_origin(Origin::Igp);
    editor.set_ext_communities([target.parse().unwrap()]);
    rib.originate(route.parse::<RouteKey>().unwrap(), editor.finish(), 1);
}

/// What a member was told since the last time, in words.
fn heard(exporter: &mut Exporter, rib: &Rib, queue: &MemberQueue) -> Vec<String> {
    while exporter.drain(rib, 100).more {}
    let families = [Family::RTC, Family::IPV4_UNICAST, Family::IPV4_VPN];
    let ctx = SessionContext {
        families: families.into(),
        ..SessionContext::new(LOCAL_AS, LOCAL_AS)
    };
    let mut words = Vec::new();
    while let Some(chunk) = queue.pop() {
        let mut rest = &chunk.bytes[..];
        while let Some(length) = rest.get(16..18) {
            let (message, after) =
                rest.split_at(usize::from(u16::from_be_bytes([length[0], length[1]])));
            let mut scratch = AttrScratch::new();
            let update = decode_update(&message[19..], &ctx, &mut scratch)
                .unwrap()
                .update;
            words.extend(update.end_of_rib.map(|family| format!("end of {family}")));
            words.extend(update.reach.map(|reach| format!("+ {}", reach.nlri)));
            words.extend(
                update
                    .unreach
                    .filter(|_| update.end_of_rib.is_none())
                    .map(|gone| format!("- {}", gone.nlri)),
            );
            rest = after;
        }
    }
    words
}

#[test]
fn vpn_routes_and_their_end_of_rib_wait_until_it_is_known_what_is_wanted() {
    let rib = Rib::new(RibConfig {
        shards: 2,
        local_as: LOCAL_AS,
        router_id: RouterId(1),
        cluster_id: None,
        selection: Selection {
            decision: DecisionConfig::default(),
            max_paths: 1,
            require_reachable: false,
        },
        next_hops: Arc::new(AllReachable),
    });
    originate(&rib, "65000:1:192.0.2.0/24", "rt:65000:1");
    originate(&rib, "65000:2:192.0.2.0/24", "rt:65000:2");
    let member = rib.add_peer(PeerInfo {
        name: "client".into(),
        address: [10, 0, 0, 1].into(),
        kind: SourceKind::IbgpClient,
        asn: LOCAL_AS,
        router_id: RouterId(2),
        link: 0,
        one_hop: false,
        long_lived: false,
        allow_as_in: 0,
        rules: ImportRules::default(),
        import: RoutePolicy::AcceptAll,
    });
    let member = member.unwrap();
    let mut exporter = Exporter::new(&rib, Arc::new(()));
    let queue = Arc::new(MemberQueue::new(Arc::new(())));

    exporter.join(
        &rib,
        member,
        key(RouteTargets::awaited()),
        Arc::clone(&queue),
    );
    assert_eq!(
        heard(&mut exporter, &rib, &queue),
        ["end of ipv4/rtc", "end of ipv4/unicast"]
    );
    // A refresh that is asked for meanwhile waits too.
    exporter.refresh(&rib, member, Family::IPV4_VPN, false);
    originate(&rib, "65000:3:192.0.2.0/24", "rt:65000:1");
    assert!(heard(&mut exporter, &rib, &queue).is_empty());

    let wants = |targets: &[&str]| -> RouteTargets {
        let memberships = targets
            .iter()
            .map(|target| RouteTargetMembership::new(LOCAL_AS, target.parse().unwrap()));
        memberships.collect()
    };
    assert!(exporter.rekey(&rib, member, key(wants(&["rt:65000:1"]))));
    let mut told = heard(&mut exporter, &rib, &queue);
    // The initial routes, their End-of-RIB, and then the refresh.
    assert!(told.contains(&"end of ipv4/vpn".to_owned()), "{told:?}");
    told.retain(|words| words.starts_with('+'));
    let all = told.join(" ");
    assert!(
        all.contains("65000:1:") && all.contains("65000:3:") && !all.contains("65000:2:"),
        "{all}"
    );

    assert!(exporter.rekey(&rib, member, key(wants(&["rt:65000:2"]))));
    let told = heard(&mut exporter, &rib, &queue);
    let of = |sign: char| -> String {
        told.iter()
            .filter(|words| words.starts_with(sign))
            .map(String::as_str)
            .collect()
    };
    assert_eq!(of('+').matches("65000:").count(), 1, "{told:?}");
    assert!(of('+').contains("65000:2:192.0.2.0/24"), "{told:?}");
    assert!(of('-').contains("65000:1:192.0.2.0/24"), "{told:?}");
    assert!(of('-').contains("65000:3:192.0.2.0/24"), "{told:?}");

    // Nothing at all is known too: the End-of-RIB does not wait for something to say.
    let other = Arc::new(MemberQueue::new(Arc::new(())));
    exporter.join(
        &rib,
        member,
        key(RouteTargets::awaited()),
        Arc::clone(&other),
    );
    heard(&mut exporter, &rib, &other);
    assert!(exporter.rekey(&rib, member, key(RouteTargets::default())));
    assert_eq!(heard(&mut exporter, &rib, &other), ["end of ipv4/vpn"]);
}
