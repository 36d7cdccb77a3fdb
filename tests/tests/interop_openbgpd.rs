//! The agent and OpenBGPD.

bgp_tests::interop!(bgp_tests::peers::Kind::OpenBgpd);
