//! What the kernel of a namespace holds, as `ip -N -j route` tells it.
//!
//! Numbers, not names (`-N`): where the package frr is installed, `ip` prints protocol 196 as `static`.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::netns::{Namespace, run};

/// The protocol number of the agent's routes.
pub const PROTOCOL: u8 = 196;
/// The default metric of the agent's routes.
pub const METRIC: u32 = 300;

/// One way of a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg {
    /// The gateway, if there is one, of either family.
    pub gateway: Option<String>,
    /// The device.
    pub device: Option<String>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The destination, always with its length.
    pub prefix: String,
    /// The protocol number.
    pub protocol: u8,
    /// The metric; 0 when the kernel prints none (IPv4's default).
    pub metric: u32,
    /// Its ways, sorted.
    pub legs: Vec<Leg>,
    /// What the kernel marks on it: `linkdown`, `dead`, `onlink`.
    pub flags: Vec<String>,
}

/// All unicast routes of a family in the main table.
///
/// # Errors
/// When `ip` cannot be run or its answer not be read.
pub fn routes(namespace: &Namespace, v6: bool) -> Result<Vec<Route>> {
    table(namespace, v6, "main")
}

/// All unicast routes of a family in a table, by number or name.
///
/// # Errors
/// When `ip` cannot be run or its answer not be read.
pub fn table(namespace: &Namespace, v6: bool, table: &str) -> Result<Vec<Route>> {
    let family = if v6 { "-6" } else { "-4" };
    let text = run(
        "ip",
        &[
            "-n",
            namespace.name(),
            "-N",
            "-j",
            family,
            "route",
            "show",
            "table",
            table,
        ],
    )?;
    parse(&text, v6)
}

/// Of those, the ones that are the agent's by protocol and metric.
///
/// # Errors
/// When `ip` cannot be run or its answer not be read.
pub fn ours(namespace: &Namespace, v6: bool) -> Result<Vec<Route>> {
    let mut all = routes(namespace, v6)?;
    all.retain(|route| route.protocol == PROTOCOL && route.metric == METRIC);
    Ok(all)
}

/// The destinations of the agent's routes.
///
/// # Errors
/// When `ip` cannot be run or its answer not be read.
pub fn our_prefixes(namespace: &Namespace, v6: bool) -> Result<BTreeSet<String>> {
    Ok(ours(namespace, v6)?
        .into_iter()
        .map(|route| route.prefix)
        .collect())
}

fn parse(text: &str, v6: bool) -> Result<Vec<Route>> {
    let text = if text.trim().is_empty() { "[]" } else { text };
    let rows: Vec<Value> = serde_json::from_str(text).context("`ip -j route` gave no JSON")?;
    Ok(rows.iter().map(|row| route(row, v6)).collect())
}

fn route(row: &Value, v6: bool) -> Route {
    let destination = row["dst"].as_str().unwrap_or_default();
    let prefix = match (destination, v6) {
        ("default", true) => "::/0".to_owned(),
        ("default", false) => "0.0.0.0/0".to_owned(),
        (d, _) if d.contains('/') => d.to_owned(),
        (d, true) => format!("{d}/128"),
        (d, false) => format!("{d}/32"),
    };
    let mut legs: Vec<Leg> = match row["nexthops"].as_array() {
        Some(hops) => hops.iter().map(leg).collect(),
        None => vec![leg(row)],
    };
    legs.sort();
    let number = |value: &Value| {
        value
            .as_u64()
            .or_else(|| value.as_str().and_then(|s| s.parse().ok()))
            .unwrap_or(0)
    };
    let flags = row["flags"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Route {
        prefix,
        protocol: u8::try_from(number(&row["protocol"])).unwrap_or(0),
        metric: u32::try_from(number(&row["metric"])).unwrap_or(0),
        legs,
        flags: flags
            .iter()
            .filter_map(|f| f.as_str().map(str::to_owned))
            .collect(),
    }
}

fn leg(row: &Value) -> Leg {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Leg {
        // `gateway` in the route's own family, `via: {family, host}` in the other (RFC 8950).
        gateway: text(&row["gateway"]).or_else(|| text(&row["via"]["host"])),
        device: text(&row["dev"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_as_the_kernel_prints_them() {
        let text = r#"[{"dst":"default","gateway":"10.0.0.1","dev":"e0","protocol":"3","flags":[]},
            {"dst":"100.0.1.0/24","via":{"family":"inet6","host":"fe80::1"},"dev":"up0","protocol":"196","metric":300,"flags":["linkdown"]},
            {"dst":"10.1.1.1","protocol":"196","metric":300,"flags":[],
             "nexthops":[{"gateway":"10.0.0.3","dev":"e1","weight":1,"flags":[]},{"gateway":"10.0.0.2","dev":"e0","weight":1,"flags":[]}]}]"#;
        let got = parse(text, false).expect("JSON");
        assert_eq!(got[0].prefix, "0.0.0.0/0");
        assert_eq!((got[0].protocol, got[0].metric), (3, 0));
        assert_eq!(got[1].legs[0].gateway.as_deref(), Some("fe80::1"));
        assert_eq!(got[1].flags, ["linkdown"]);
        assert_eq!(got[2].prefix, "10.1.1.1/32");
        let gateways: Vec<_> = got[2]
            .legs
            .iter()
            .filter_map(|l| l.gateway.as_deref())
            .collect();
        assert_eq!(gateways, ["10.0.0.2", "10.0.0.3"]);
    }
}
