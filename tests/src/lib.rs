//! Tests of the whole: simulation, network namespaces, real peers.
