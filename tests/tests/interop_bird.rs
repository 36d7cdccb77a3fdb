//! The agent and BIRD 2.

bgp_tests::interop!(bgp_tests::peers::Kind::Bird);

#[test]
fn exchanges_ipv4_over_an_ipv6_session() {
    scenario::exchanges_ipv4_over_an_ipv6_session(bgp_tests::peers::Kind::Bird);
}
