//! The manifests of tests, as text: what a person would write into the folder.

use std::fmt::Write;
use std::net::IpAddr;

/// A BGPRouter of node `node-1`.
#[derive(Clone, Debug)]
pub struct Router {
    /// `metadata.name`.
    pub name: String,
    /// `spec.localASN`.
    pub asn: u32,
    /// `spec.routerID`.
    pub router_id: String,
    /// More lines of `spec`, each with its newline, indented by two.
    pub more: String,
}

impl Router {
    /// A router with both unicast families.
    #[must_use]
    pub fn new(name: &str, asn: u32, router_id: &str) -> Self {
        Self {
            name: name.into(),
            asn,
            router_id: router_id.into(),
            more: String::new(),
        }
    }

    /// Adds a line to `spec`.
    #[must_use]
    pub fn with(mut self, line: &str) -> Self {
        let _ = writeln!(self.more, "  {line}");
        self
    }

    /// The manifest.
    #[must_use]
    pub fn text(&self) -> String {
        let Self {
            name,
            asn,
            router_id,
            more,
        } = self;
        format!(
            "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {{name: {name}, namespace: default}}
spec:
  targetRef: {{kind: Node, name: node-1}}
  roles: [fabric]
  localASN: {asn}
  routerID: {router_id}
  addressFamilies:
  - {{afi: ipv6, safi: unicast}}
  - {{afi: ipv4, safi: unicast}}
{more}"
        )
    }
}

/// A BGPPeer.
#[derive(Clone, Debug)]
pub struct Peer {
    /// `metadata.name`.
    pub name: String,
    /// `spec.routerRef.name`.
    pub router: String,
    /// `spec.peerASN`.
    pub asn: u32,
    /// `spec.address`.
    pub address: IpAddr,
    /// The families, as `ipv6` or `ipv4`.
    pub families: Vec<&'static str>,
    /// More lines of `spec`.
    pub more: String,
}

impl Peer {
    /// A peer with the unicast family of its own address.
    #[must_use]
    pub fn new(name: &str, router: &str, asn: u32, address: IpAddr) -> Self {
        let families = vec![if address.is_ipv6() { "ipv6" } else { "ipv4" }];
        Self {
            name: name.into(),
            router: router.into(),
            asn,
            address,
            families,
            more: String::new(),
        }
    }

    /// Adds a line to `spec`.
    #[must_use]
    pub fn with(mut self, line: &str) -> Self {
        let _ = writeln!(self.more, "  {line}");
        self
    }

    /// The manifest.
    #[must_use]
    pub fn text(&self) -> String {
        let Self {
            name,
            router,
            asn,
            address,
            families,
            more,
        } = self;
        let families: String = families
            .iter()
            .map(|afi| format!("  - {{afi: {afi}, safi: unicast}}\n"))
            .collect();
        format!(
            "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {{name: {name}, namespace: default}}
spec:
  routerRef: {{name: {router}}}
  peerASN: {asn}
  address: \"{address}\"
  addressFamilies:
{families}{more}"
        )
    }
}

impl Peer {
    /// The manifest with dynamic neighbours in the place of the address, as `prefixes: [192.0.2.0/24], limit: 3`.
    #[must_use]
    pub fn dynamic(&self, neighbors: &str) -> String {
        let address = format!("  address: \"{}\"\n", self.address);
        let dynamic = format!("  dynamicNeighbors: {{{neighbors}}}\n");
        self.text().replace(&address, &dynamic)
    }
}

/// A BGPPeer on an interface, with both unicast families and these lines more in `spec`.
#[must_use]
pub fn unnumbered(name: &str, router: &str, interface: &str, more: &[&str]) -> String {
    let more: String = more.iter().map(|line| format!("  {line}\n")).collect();
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {{name: {name}, namespace: default}}
spec:
  routerRef: {{name: {router}}}
  interface: {interface}
  addressFamilies:
  - {{afi: ipv6, safi: unicast}}
  - {{afi: ipv4, safi: unicast}}
{more}"
    )
}

/// A BGPAdvertisement; at most 256 prefixes go into one.
#[must_use]
pub fn advertisement(name: &str, router: &str, v6: bool, prefixes: &[String]) -> String {
    let afi = if v6 { "ipv6" } else { "ipv4" };
    let prefixes: String = prefixes.iter().map(|p| format!("  - \"{p}\"\n")).collect();
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPAdvertisement
metadata: {{name: {name}, namespace: default}}
spec:
  routerRef: {{name: {router}}}
  addressFamily: {{afi: {afi}, safi: unicast}}
  prefixes:
{prefixes}"
    )
}

/// A v1 Secret with the key `password`.
#[must_use]
pub fn secret(name: &str, password: &str) -> String {
    format!(
        "apiVersion: v1
kind: Secret
metadata: {{name: {name}, namespace: default}}
stringData:
  password: \"{password}\"
"
    )
}
