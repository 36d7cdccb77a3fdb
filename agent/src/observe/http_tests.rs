//! `/livez`, `/readyz` and `/metrics` for real: HTTP over TCP, and the text that is served, parsed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::heartbeat::{Heart, Hearts};
use super::http::{Http, Observed};
use super::metrics;
use super::readiness::{Facts, PeerFacts};
use crate::control::fake::node;

struct Site {
    runtime: Runtime,
    addresses: Vec<SocketAddr>,
    up: Arc<AtomicBool>,
    heart: Heart,
}

fn site(metrics: &str, health: Option<&str>) -> Site {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let up = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    let hearts = Hearts::new(start);
    let heart = hearts.register("kernel", Duration::from_secs(3600), start);
    let facts = {
        let up = up.clone();
        move || Facts {
            desired_applied: true,
            fib_reconciled: true,
            fib_failed: 0,
            fib_denied: Vec::new(),
            peers: vec![PeerFacts {
                name: "tor-1".to_owned(),
                enabled: true,
                state: "Active".to_owned(),
                established: up.load(Ordering::Relaxed).then_some(Duration::ZERO),
                ..PeerFacts::default()
            }],
            timeout: Duration::from_secs(60),
            ..Facts::default()
        }
    };
    let observed = Observed::new(Arc::new(node()), hearts, facts);
    let http = runtime
        .block_on(Http::bind(
            Some(metrics.parse().unwrap()),
            health.map(|address| address.parse().unwrap()),
        ))
        .unwrap();
    let addresses = http.addresses();
    runtime.spawn(http.serve(observed));
    Site {
        runtime,
        addresses,
        up,
        heart,
    }
}

/// Status, headers and body.
fn fetch(address: SocketAddr, method: &str, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn readyz_says_whom_it_waits_for_and_then_that_it_is_ready() {
    let site = site("127.0.0.1:0", Some("127.0.0.1:0"));
    // Two addresses that are alike are one listener.
    let [address] = site.addresses[..] else {
        panic!("{:?}", site.addresses)
    };
    let (status, _, body) = fetch(address, "GET", "/readyz");
    assert_eq!(
        (status, body.as_str()),
        (503, "waiting for tor-1 (Active)\n")
    );
    site.up.store(true, Ordering::Relaxed);
    let (status, _, body) = fetch(address, "GET", "/readyz");
    assert_eq!((status, body.as_str()), (200, "ready: converged\n"));
    drop(site.runtime);
}

#[test]
fn livez_names_the_task_that_does_not_turn() {
    let site = site("127.0.0.1:0", Some("127.0.0.1:0"));
    let address = site.addresses[0];
    assert_eq!(fetch(address, "GET", "/livez").0, 200);
    assert_eq!(fetch(address, "GET", "/healthz").2, "ok\n");
    drop(site);
}

#[test]
fn livez_fails_when_a_heart_stops() {
    let start = Instant::now();
    let hearts = Hearts::new(start - Duration::from_secs(100));
    let heart = hearts.register(
        "speaker",
        Duration::from_secs(5),
        start - Duration::from_secs(90),
    );
    let observed = Observed::new(Arc::new(node()), hearts, Facts::default);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let http = runtime
        .block_on(Http::bind(None, Some("[::1]:0".parse().unwrap())))
        .unwrap();
    let address = http.addresses()[0];
    runtime.spawn(http.serve(observed));
    let (status, _, body) = fetch(address, "GET", "/livez");
    assert_eq!(status, 503);
    assert!(body.starts_with("speaker has not turned for 9"), "{body}");
    heart.beat(Instant::now());
    assert_eq!(fetch(address, "GET", "/livez").0, 200);
}

#[test]
fn each_address_serves_only_its_own() {
    let site = site("127.0.0.1:0", Some("[::1]:0"));
    let [metrics, health] = site.addresses[..] else {
        panic!("{:?}", site.addresses)
    };
    assert_eq!(fetch(metrics, "GET", "/metrics").0, 200);
    assert_eq!(fetch(metrics, "GET", "/readyz").0, 404);
    assert_eq!(fetch(health, "GET", "/livez").0, 200);
    assert_eq!(fetch(health, "GET", "/metrics").0, 404);
    assert_eq!(fetch(health, "GET", "/").0, 404);
    let (status, head, _) = fetch(health, "POST", "/livez");
    assert_eq!(status, 405);
    assert!(head.contains("allow: get, head"), "{head}");
    let (status, _, body) = fetch(health, "HEAD", "/livez");
    assert_eq!((status, body.as_str()), (200, ""));
    site.heart.stop();
}

#[test]
fn an_address_that_is_taken_is_said_in_one_line() {
    let site = site("127.0.0.1:0", None);
    let taken = site.addresses[0];
    let error = site
        .runtime
        .block_on(Http::bind(None, Some(taken)))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        format!("cannot serve health on {taken}: Address already in use (os error 98)")
    );
}

#[test]
fn a_client_that_says_nothing_holds_up_nobody() {
    let site = site("127.0.0.1:0", None);
    let silent: Vec<TcpStream> = (0..10)
        .map(|_| TcpStream::connect(site.addresses[0]).unwrap())
        .collect();
    assert_eq!(fetch(site.addresses[0], "GET", "/metrics").0, 200);
    drop(silent);
}

/// Series by name and labels, checked line by line as OpenMetrics.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let mut series = BTreeMap::new();
    assert!(text.ends_with("# EOF\n"), "the end is marked");
    for line in text.lines() {
        if line.starts_with('#') {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let bare = name.split('{').next().unwrap();
        assert!(
            bare.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
            "{line}"
        );
        assert_eq!(name.contains('{'), name.ends_with('}'), "{line}");
        let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(
            series.insert(name.to_owned(), value).is_none(),
            "twice: {line}"
        );
    }
    series
}

#[test]
fn metrics_tell_what_the_views_tell() {
    let site = site("127.0.0.1:0", None);
    let (status, head, body) = fetch(site.addresses[0], "GET", "/metrics");
    assert_eq!(status, 200);
    assert!(head.contains(metrics::CONTENT_TYPE), "{head}");
    let series = parse(&body);
    let tor = r#"router="underlay",peer="tor-1""#;
    for (name, value) in [
        (
            format!(r#"cosmos_session_state{{{tor},state="Established"}}"#),
            1.0,
        ),
        (
            format!(r#"cosmos_session_state{{{tor},state="Idle"}}"#),
            0.0,
        ),
        (format!("cosmos_session_uptime_seconds{{{tor}}}"), 11_265.0),
        (format!("cosmos_session_flaps_total{{{tor}}}"), 1.0),
        (
            format!(r#"cosmos_prefixes_received{{{tor},family="ipv6/unicast"}}"#),
            1_234_566.0,
        ),
        (
            format!(r#"cosmos_prefixes_accepted{{{tor},family="ipv6/unicast"}}"#),
            1_234_500.0,
        ),
        (
            format!(r#"cosmos_prefixes_advertised{{{tor},family="ipv4/unicast"}}"#),
            2.0,
        ),
        (
            format!(r#"cosmos_messages_total{{{tor},direction="in",type="update"}}"#),
            104_321.0,
        ),
        (
            format!(r#"cosmos_messages_total{{{tor},direction="out",type="route-refresh"}}"#),
            1.0,
        ),
        (
            format!(r#"cosmos_dispositions_total{{{tor},disposition="treat-as-withdraw"}}"#),
            4.0,
        ),
        (
            format!(r#"cosmos_dispositions_total{{{tor},disposition="none"}}"#),
            3.0,
        ),
        (format!("cosmos_update_parts_not_used_total{{{tor}}}"), 21.0),
        (
            r#"cosmos_table_paths{router="underlay",family="ipv6/unicast"}"#.to_owned(),
            2_469_134.0,
        ),
        (
            r#"cosmos_fib_routes{router="underlay",state="failed"}"#.to_owned(),
            2.0,
        ),
        ("cosmos_fib_programmed_total".to_owned(), 1_234.0),
        ("cosmos_connections_refused_total".to_owned(), 3.0),
        ("cosmos_peer_panics_total".to_owned(), 1.0),
        (
            r#"cosmos_fib_latency_seconds_bucket{le="0.001"}"#.to_owned(),
            0.0,
        ),
        (
            r#"cosmos_fib_latency_seconds_bucket{le="0.003"}"#.to_owned(),
            1.0,
        ),
        (
            r#"cosmos_fib_latency_seconds_bucket{le="+Inf"}"#.to_owned(),
            2.0,
        ),
        ("cosmos_fib_latency_seconds_count".to_owned(), 2.0),
        (
            r#"cosmos_update_to_export_seconds_bucket{le="+Inf"}"#.to_owned(),
            0.0,
        ),
        (
            r#"cosmos_build{version="1.2.3",node="node-1"}"#.to_owned(),
            1.0,
        ),
    ] {
        assert_eq!(series.get(&name), Some(&value), "{name} in\n{body}");
    }
    // A router that installs nothing has no kernel routes, not zero of them.
    assert!(
        !series
            .keys()
            .any(|name| name.starts_with(r#"cosmos_fib_routes{router="overlay""#))
    );
    // Each session is in exactly one state.
    let in_state: f64 = series
        .iter()
        .filter(|(name, _)| name.starts_with("cosmos_session_state"))
        .map(|(_, value)| value)
        .sum();
    assert_eq!(in_state, 5.0);
    // Those with dynamic neighbours are told of together.
    let of = |state: &str| {
        let series = series.iter();
        let mut series =
            series.filter(|(name, _)| name.contains(r#"peer="leaves""#) && name.contains(state));
        series.next().map(|(_, value)| *value)
    };
    assert_eq!(of("Established"), Some(1.0));
    assert_eq!(of("OpenSent"), Some(1.0));
    assert!(!body.contains("leaves@"), "{body}");
}

#[test]
fn labels_are_names_and_never_values() {
    let registry = metrics::registry(Arc::new(node()));
    let text = metrics::encode(&registry).unwrap();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        for hidden in ["2001:db8", "rack", "hold timer", "moving"] {
            // The one peer whose name has such a word is not a leak.
            let line = line.replace(crate::control::fake::LONG_NAME, "");
            assert!(!line.contains(hidden), "{line}");
        }
    }
}

#[test]
fn the_documentation_lists_exactly_what_is_served() {
    let registry = metrics::registry(Arc::new(node()));
    let text = metrics::encode(&registry).unwrap();
    let served: BTreeSet<(String, String)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, kind)| {
            let suffix = if kind == "counter" { "_total" } else { "" };
            (format!("{name}{suffix}"), kind.to_owned())
        })
        .collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let page = std::fs::read_to_string(path).unwrap();
    let listed: BTreeSet<(String, String)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `cosmos_"))
        .map(|line| {
            let mut cells = line.split('|').map(str::trim);
            let name = cells.next().unwrap().trim_end_matches('`');
            (format!("cosmos_{name}"), cells.next().unwrap().to_owned())
        })
        .collect();
    assert_eq!(listed, served);
}
