//! The options of a session's socket, as the kernel has them, whoever connected.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, address};
use bgp_tests::peers::Kind;
use bgp_tests::scenario::{Pair, Variant};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::SockRef;

/// The agent's sockets that are connected to an address.
fn sockets(agent: &Agent, remote: IpAddr) -> Result<Vec<OwnedFd>> {
    let pid = Pid::from_raw(agent.pid());
    let process = pidfd_open(pid.expect("a process"), PidfdFlags::empty())?;
    let mut found = Vec::new();
    for file in fs::read_dir(format!("/proc/{}/fd", agent.pid()))? {
        let file = file?;
        // It may be closed by now.
        let Ok(target) = fs::read_link(file.path()) else {
            continue;
        };
        if !target.to_string_lossy().starts_with("socket:") {
            continue;
        }
        let number = file.file_name().to_string_lossy().parse()?;
        let Ok(socket) = pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) else {
            continue;
        };
        let peer = SockRef::from(&socket).peer_addr().ok();
        let peer = peer.and_then(|peer| peer.as_socket());
        if peer.is_some_and(|peer| peer.ip() == remote) {
            found.push(socket);
        }
    }
    Ok(found)
}

/// RFC 4594 section 3.2: network control is CS6, 110000 in the six bits of the DSCP. RFC 9687: what is not taken in for eight minutes, or twice the
/// hold time if that is longer, ends the session; a kernel that goes on for longer keeps what nobody waits for.
fn segments_are_network_control_and_the_kernel_gives_up_with_the_session(v4: bool) {
    for agent_passive in [false, true] {
        let variant = Variant {
            v4,
            agent_passive,
            ..Variant::default()
        };
        lab::run("transport", |lab| {
            let pair = Pair::start_with(lab, Kind::Bird, variant, &[])?;
            pair.await_established()?;
            let sockets = sockets(&pair.agent, address(true, !v4))?;
            ensure!(sockets.len() == 1, "{} sockets", sockets.len());
            for socket in &sockets {
                let socket = SockRef::from(socket);
                let class = match v4 {
                    true => socket.tos_v4()?,
                    false => socket.tclass_v6()?,
                };
                ensure!(class == 0b1100_0000, "{class:#x}");
                let timeout = socket.tcp_user_timeout()?;
                ensure!(timeout == Some(Duration::from_secs(480)), "{timeout:?}");
            }
            Ok(())
        });
    }
}

#[test]
fn over_ipv6() {
    segments_are_network_control_and_the_kernel_gives_up_with_the_session(false);
}

#[test]
fn over_ipv4() {
    segments_are_network_control_and_the_kernel_gives_up_with_the_session(true);
}
