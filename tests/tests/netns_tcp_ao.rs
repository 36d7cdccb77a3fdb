//! TCP-AO on the kernel that is here. Hardly any has it: vm_tcp_ao has sessions.

use anyhow::Result;
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address};
use bgp_tests::manifests;
use bgp_tests::netns::Namespace;
use bgp_tests::scenario::{NODE_ASN, PEER, TOR_ASN};
use bgp_tests::wait::{Look, always, secs};

/// Whether a socket has the option TCP_AO_INFO, by what another program is told: a kernel without TCP-AO knows no such option (ENOPROTOOPT),
/// another one finds no keys on a new socket.
fn has_tcp_ao(namespace: &Namespace) -> Result<bool> {
    let text = "use Socket; socket(S, AF_INET, SOCK_STREAM, 0); getsockopt(S, 6, 40); print $! + 0";
    Ok(namespace.run("perl", &["-e", text])?.trim() != "92")
}

#[test]
fn a_kernel_without_it_says_so_and_the_neighbour_hears_nothing() {
    lab::run("ao-host", |lab| {
        let net = NodeAndTor::new()?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true)).with(
            "tcpAO: {keys: [{sendID: 1, recvID: 1, algorithm: hmac-sha1, secretRef: {name: tor, key: password}}]}",
        );
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            ("secret", manifests::secret("tor", "correct-horse")),
            ("peer", peer.text()),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let (status, reason) = match has_tcp_ao(&net.node)? {
            true => ("True", "ConfigAccepted"),
            false => ("False", "NotSupportedByKernel"),
        };
        let peer = ("peers", PEER);
        agent.await_condition(peer, "Accepted", (status, reason), secs(5))?;
        if status == "True" {
            return agent.stop();
        }
        // Nor is it dialled without.
        always("there is no connection", secs(3), || {
            let connections = net.node.run("ss", &["-Htn", "state", "all"])?;
            let dials = connections.contains(":179");
            let dials = dials && connections.contains("SYN-SENT");
            Ok(Look::when(!dials, || connections))
        })?;
        agent.apply(
            "peer",
            &manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true)).text(),
        )?;
        agent.await_condition(peer, "Accepted", ("True", "ConfigAccepted"), secs(5))?;
        agent.stop()
    });
}
