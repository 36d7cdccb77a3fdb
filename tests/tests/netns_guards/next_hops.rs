//! Next hops that cannot be, and paths that have been here before: without a field, always.

use std::net::IpAddr;

use anyhow::ensure;
use bgp_tests::lab::{self, address, raw_address};
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::secs;

use crate::chain::{Chain, SOURCE_ASN, prefix, update, update_by};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn routes_by_way_of_what_is_no_neighbor_are_not_used_and_told_to_nobody() {
    lab::run("martians", |lab| {
        let chain = Chain::start(lab, |_| {})?;
        chain.agent.await_state("tor", "Established", secs(20))?;
        let mut raw = chain.connect_source()?;
        let martians = [
            ip("::"),
            ip("::1"),
            ip("ff02::1"),
            ip("::ffff:127.0.0.1"),
            ip("::ffff:10.12.0.1"),
            // RFC 4271 section 6.3 a: "It MUST NOT be the IP address of the receiving speaker."
            address(false, true),
        ];
        for (n, martian) in (1..).zip(martians) {
            // First a good one, which the other replaces.
            raw.send(&update(n, &[SOURCE_ASN], &[]))?;
            raw.send(&update_by(n, &[SOURCE_ASN], &[], martian))?;
        }
        let looped = [SOURCE_ASN, NODE_ASN, 7];
        raw.send(&update(100, &looped, &[]))?;
        raw.send(&update_by(101, &[SOURCE_ASN], &[], raw_address(0)))?;
        let good = (101, Some("65201 3320"));
        let mut wanted: Vec<_> = (1..).zip(martians).map(|(n, _)| (n, None)).collect();
        wanted.extend([(100, None), good]);
        chain.await_at_bird(
            "of martians, loops and one good route",
            "BGP.as_path",
            &wanted,
        )?;
        chain.await_routes("of all these", 1)?;

        // What is refused as a route stays to be seen, with the reason.
        let own = chain.agent.json(&["explain", &prefix(6)])?.to_string();
        ensure!(own.contains("next-hop-unreachable"), "{own}");
        let looped = chain.agent.json(&["explain", &prefix(100)])?.to_string();
        ensure!(looped.contains("as-loop"), "{looped}");
        let object = chain.agent.object("peers", "source")?;
        let flaps = object["status"]["routers"][0]["flaps"].as_i64();
        ensure!(flaps == Some(0), "the session was disturbed: {flaps:?}");
        chain.agent.stop()
    });
}
