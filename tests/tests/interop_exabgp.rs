//! The agent and ExaBGP.

bgp_tests::interop!(bgp_tests::peers::Kind::ExaBgp);
