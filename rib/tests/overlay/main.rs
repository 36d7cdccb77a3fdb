//! Routes of VPNs and EVPN, and what of them a peer asks for.

mod evpn;
mod reflector;
mod route_targets;
mod vpn;
