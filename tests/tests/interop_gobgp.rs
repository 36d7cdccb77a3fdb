//! The agent and GoBGP.

bgp_tests::interop!(bgp_tests::peers::Kind::GoBgp);
