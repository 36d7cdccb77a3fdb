//! The Kubernetes resources that Cosmos reads.
