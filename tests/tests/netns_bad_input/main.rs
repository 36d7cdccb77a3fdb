//! Bad input costs what it must and no more: garbage its own session, a bad manifest its own object, a bad start a clear line.

mod bad_manifests;
mod garbage;
mod second_agent;
mod starts;

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use bgp_tests::lab::{Lab, address};
use bgp_tests::scenario::{NODE_ASN, PEER, TOR_ASN};
use bgp_tests::{manifests, netns};

/// Runs an agent that must not start: status not 0, and one line on standard error that has these words.
fn must_fail(mut command: Command, words: &[&str]) -> Result<()> {
    let output = netns::finish(&mut command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "it ran, and said:\n{said}");
    // The log is on standard error too; the reason is its last line, and it stands alone.
    let last = said.lines().last().unwrap_or_default();
    for word in words {
        ensure!(
            last.to_lowercase().contains(&word.to_lowercase()),
            "no word of {word:?} in: {last}\nall of it:\n{said}"
        );
    }
    ensure!(!said.contains("panicked"), "{said}");
    Ok(())
}

fn plain_manifests(lab: &Lab) -> Result<std::path::PathBuf> {
    let folder = lab.subdirectory("manifests")?;
    fs::write(
        folder.join("router.yaml"),
        manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
    )?;
    let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
    fs::write(folder.join("peer.yaml"), peer.text())?;
    Ok(folder)
}
