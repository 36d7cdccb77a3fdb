//! FRR by interface at both ends, and the agent between them: no link has an address, and packets of both families get through.

use std::net::IpAddr;

use bgp_tests::agent::Agent;
use bgp_tests::kernel::{self, Leg};
use bgp_tests::lab;
use bgp_tests::netns::Namespace;
use bgp_tests::peers::{self, Kind, Plan};
use bgp_tests::raw_router::link_local;
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, secs, until};

use crate::net::{EXTERNAL, UP, on, router};

/// The addresses of an end, which it has on its loopback interface and announces.
fn of_end(n: u16) -> [IpAddr; 2] {
    [
        [10, 90, 0, n as u8].into(),
        [0xfd00, 0x90, 0, 0, 0, 0, 0, n].into(),
    ]
}

fn host(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

#[test]
fn packets_of_both_families_pass_between_two_of_frr_through_us() {
    lab::run("unnumbered-transit", |lab| {
        let node = Namespace::new("node")?;
        let ends = [(1, "up0"), (2, "up1")];
        let mut documents = vec![router()];
        let mut running = Vec::new();
        for (n, up) in ends {
            let end = Namespace::new("end")?;
            node.veth(up, &end, "link0")?;
            let mut plan = Plan::by_interface(TOR_ASN + u32::from(n), NODE_ASN, &["link0"]);
            plan.router_id = format!("10.255.1.{n}");
            for address in of_end(n) {
                end.ip(&format!("address add {} dev lo", host(address)))?;
                plan.announce.push(host(address));
            }
            let folder = lab.subdirectory(up)?;
            running.push((peers::start(Kind::Frr, &end, &folder, &plan)?, end));
            documents.push((up, on(up, &[EXTERNAL])));
        }
        let agent = Agent::start(lab, &node, &documents)?;
        for (_, up) in ends {
            agent.await_state(&format!("on-{up}"), "Established", UP)?;
        }
        for ((n, up), (_, end)) in ends.into_iter().zip(&running) {
            let via = Leg {
                gateway: Some(link_local(&node, up)?.to_string()),
                device: Some("link0".into()),
            };
            for (own, other) in of_end(n).into_iter().zip(of_end(3 - n)) {
                until(
                    &format!("{other} is reached by way of us"),
                    secs(20),
                    || {
                        let mut routes = kernel::routes(end, other.is_ipv6())?;
                        routes.retain(|route| route.prefix == host(other));
                        let so = matches!(&routes[..], [one] if one.legs == [via.clone()]);
                        Ok(Look::when(so, || format!("{routes:?}")))
                    },
                )?;
                let (own, other) = (own.to_string(), other.to_string());
                let ping = ["-n", "-c", "3", "-i", "0.2", "-W", "2", "-I", &own, &other];
                until("packets come back", secs(10), || {
                    Ok(Look::Done(end.run("ping", &ping).map(drop)?))
                })?;
            }
        }
        agent.stop()
    });
}
