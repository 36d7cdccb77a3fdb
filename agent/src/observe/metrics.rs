//! The views as OpenMetrics text, read at scrape time: nothing is counted here.
//!
//! Labels are names of peers, routers and families, and words of fixed lists; never a prefix, never free text, so the number
//! of series is bounded by the manifests: all dynamic neighbours of one object are one peer ([`series`]). docs/metrics.md lists them, and a test compares the two.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::histogram::HistogramView;
use super::series::{Series, series};
use crate::control::dynamic::DynamicView;
use crate::control::sessions::{
    DispositionCounts, MessageCounts, PeerFamilyView, PeerView, PrefixLimitView, SessionState,
};
use crate::control::views::{Counters, RouterView, Views};

/// The media type of [`encode`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A registry that reads the views whenever it is encoded.
pub fn registry(views: Arc<dyn Views>) -> Registry {
    let mut registry = Registry::with_prefix("cosmos");
    registry.register_collector(Box::new(Reader(views)));
    registry
}

/// All metrics as text.
pub fn encode(registry: &Registry) -> Result<String, fmt::Error> {
    let mut out = String::new();
    text::encode(&mut out, registry)?;
    Ok(out)
}

struct Reader(Arc<dyn Views>);

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

impl Collector for Reader {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.agent(&mut page)?;
        let dynamic = self.0.dynamic();
        let peers = self.0.peers();
        sessions(&mut page, &series(&peers, &dynamic))?;
        interfaces(&mut page, &peers)?;
        neighbors(&mut page, &dynamic)?;
        routers(&mut page, &self.0.routers())?;
        counters(&mut page, &self.0.counters())
    }
}

impl Reader {
    fn agent(&self, page: &mut Page<'_>) -> fmt::Result {
        let agent = self.0.agent();
        page.gauges(
            "build",
            "The running version; always 1",
            None,
            [(
                vec![
                    ("version", agent.version.clone()),
                    ("node", agent.node.clone()),
                ],
                1,
            )],
        )?;
        page.gauge(
            "uptime",
            "Time since the agent started",
            Some(Unit::Seconds),
            agent.uptime_seconds,
        )?;
        page.gauge(
            "resident_memory",
            "Resident memory of the agent",
            Some(Unit::Bytes),
            agent.resident_bytes,
        )
    }
}

type Labels = Vec<(&'static str, String)>;

fn of_peer(peer: &Series) -> Labels {
    vec![("router", peer.router.clone()), ("peer", peer.peer.clone())]
}

fn with(mut labels: Labels, name: &'static str, value: &str) -> Labels {
    labels.push((name, value.to_owned()));
    labels
}

/// The neighbour's address is its own affair, and no label.
fn interfaces(page: &mut Page<'_>, peers: &[PeerView]) -> fmt::Result {
    let named = || {
        peers.iter().filter_map(|peer| {
            let interface = peer.interface.as_ref()?;
            let labels = vec![
                ("router", peer.router.clone()),
                ("peer", peer.name.clone()),
                ("interface", interface.name.clone()),
            ];
            Some((labels, interface))
        })
    };
    page.gauges(
        "neighbour_found",
        "1 if a neighbour was found on the interface that a peer is known by, else 0",
        None,
        named().map(|(labels, interface)| (labels, u64::from(interface.neighbour.is_some()))),
    )?;
    page.gauges(
        "neighbour_others",
        "Further routers on that interface, with which there is no session",
        None,
        named().map(|(labels, interface)| (labels, interface.others.len() as u64)),
    )
}

fn sessions(page: &mut Page<'_>, peers: &[Series]) -> fmt::Result {
    page.gauges(
        "session_state",
        "1 for the state that a session is in, 0 for the others; of dynamic neighbours, how many sessions are in it",
        None,
        peers.iter().flat_map(|peer| {
            let states = SessionState::ALL.iter().zip(peer.states);
            states.map(|(state, count)| (with(of_peer(peer), "state", state.name()), count))
        }),
    )?;
    page.gauges(
        "session_uptime",
        "Time that a session has been Established, 0 when it is not",
        Some(Unit::Seconds),
        peers
            .iter()
            .filter_map(|peer| Some((of_peer(peer), peer.uptime?))),
    )?;
    page.counters(
        "session_flaps",
        "Times that a session went down after having been Established",
        peers.iter().map(|peer| (of_peer(peer), peer.flaps)),
    )?;
    type Count = fn(&PeerFamilyView) -> u64;
    let prefixes: [(&str, &str, Count); 4] = [
        (
            "prefixes_received",
            "Prefixes that the peer announces",
            |family| family.received,
        ),
        (
            "prefixes_accepted",
            "Received prefixes that policy and loop checks let through",
            |family| family.accepted,
        ),
        (
            "prefixes_advertised",
            "Prefixes that are announced to the peer",
            |family| family.advertised,
        ),
        (
            "prefixes_stale",
            "Received prefixes that are kept while the peer restarts, and have not come again",
            |family| family.stale,
        ),
    ];
    for (name, help, count) in prefixes {
        page.gauges(
            name,
            help,
            None,
            peers.iter().flat_map(|peer| {
                peer.families.iter().map(move |family| {
                    (with(of_peer(peer), "family", &family.family), count(family))
                })
            }),
        )?;
    }
    page.gauges(
        "stale_time_left",
        "Time for which stale prefixes are kept if they do not come again; 0 without any",
        Some(Unit::Seconds),
        peers.iter().flat_map(|peer| {
            peer.families.iter().map(move |family| {
                let left = family.stale_seconds.unwrap_or(0);
                (with(of_peer(peer), "family", &family.family), left)
            })
        }),
    )?;
    prefix_limits(page, peers)?;
    page.counters(
        "messages",
        "BGP messages by direction and type",
        peers.iter().flat_map(|peer| {
            let side = |direction: &'static str, counts: &MessageCounts| {
                counts.by_type().map(|(kind, count)| {
                    (
                        with(with(of_peer(peer), "direction", direction), "type", kind),
                        count,
                    )
                })
            };
            side("in", &peer.received)
                .into_iter()
                .chain(side("out", &peer.sent))
        }),
    )?;
    page.counters(
        "dispositions",
        "Errors in UPDATE messages by what was done about them (RFC 7606)",
        peers.iter().flat_map(|peer| {
            DispositionCounts::by_name(&peer.dispositions)
                .map(|(name, count)| (with(of_peer(peer), "disposition", name), count))
        }),
    )?;
    page.counters(
        "update_parts_not_used",
        "Parts of UPDATE messages that are well-formed and of no use here",
        peers
            .iter()
            .map(|peer| (of_peer(peer), peer.dispositions.not_used)),
    )?;
    bfd(page, peers)
}

fn prefix_limits(page: &mut Page<'_>, peers: &[Series]) -> fmt::Result {
    let limited = |value: fn(&PrefixLimitView) -> u64| {
        peers.iter().flat_map(move |peer| {
            let families = peer.families.iter();
            families.filter_map(move |family| {
                let limit = family.limit.as_ref()?;
                let labels = with(of_peer(peer), "family", &family.family);
                Some((labels, value(limit)))
            })
        })
    };
    page.gauges(
        "prefix_limit",
        "How many prefixes the peer may announce",
        None,
        limited(|limit| limit.limit),
    )?;
    page.counters(
        "prefix_limit_exceeded",
        "Sessions in which the peer announced more prefixes than it may",
        limited(|limit| limit.exceeded),
    )?;
    page.counters(
        "prefixes_discarded",
        "Received prefixes that were not taken because the peer had as many as it may have",
        limited(|limit| limit.discarded_ever),
    )
}

fn bfd(page: &mut Page<'_>, peers: &[Series]) -> fmt::Result {
    let watched = || {
        peers
            .iter()
            .filter_map(|peer| Some((peer, peer.bfd.as_ref()?)))
    };
    page.gauges(
        "bfd_state",
        "1 for the state that BFD with a peer is in, 0 for the others; of dynamic neighbours, how many are in it",
        None,
        watched().flat_map(|(peer, bfd)| {
            let states = ::bfd::State::ALL.iter().zip(bfd.states);
            states.map(|(state, count)| (with(of_peer(peer), "state", state.as_str()), count))
        }),
    )?;
    page.counters(
        "bfd_failures",
        "Times that BFD found the path to a peer to have failed",
        watched().map(|(peer, bfd)| (of_peer(peer), bfd.failures)),
    )?;
    page.counters(
        "bfd_packets",
        "BFD packets by direction, of the present session",
        watched().flat_map(|(peer, bfd)| {
            [("in", bfd.received), ("out", bfd.sent)]
                .map(|(direction, count)| (with(of_peer(peer), "direction", direction), count))
        }),
    )
}

fn neighbors(page: &mut Page<'_>, dynamic: &[DynamicView]) -> fmt::Result {
    let of =
        |view: &DynamicView| vec![("router", view.router.clone()), ("peer", view.name.clone())];
    page.gauges(
        "dynamic_sessions",
        "Sessions with dynamic neighbours, in whichever state",
        None,
        dynamic.iter().map(|view| (of(view), view.sessions)),
    )?;
    page.gauges(
        "dynamic_limit",
        "The most sessions with dynamic neighbours",
        None,
        dynamic.iter().map(|view| (of(view), view.limit.into())),
    )?;
    page.counters(
        "dynamic_refused",
        "Connections of dynamic neighbours that were refused because there were as many sessions as there may be",
        dynamic.iter().map(|view| (of(view), view.refused)),
    )
}

fn routers(page: &mut Page<'_>, routers: &[RouterView]) -> fmt::Result {
    let of = |router: &RouterView| vec![("router", router.name.clone())];
    let tables = |count: fn(&crate::control::views::TableView) -> u64| {
        routers.iter().flat_map(move |router| {
            router.tables.iter().map(move |table| {
                (
                    with(
                        vec![("router", router.name.clone())],
                        "family",
                        &table.family,
                    ),
                    count(table),
                )
            })
        })
    };
    page.gauges(
        "table_destinations",
        "Destinations in a table",
        None,
        tables(|table| table.destinations),
    )?;
    page.gauges(
        "table_paths",
        "Paths in a table",
        None,
        tables(|table| table.paths),
    )?;
    page.gauges(
        "originated_routes",
        "Routes that the router originates",
        None,
        routers.iter().map(|router| (of(router), router.originated)),
    )?;
    page.gauges(
        "attribute_sets",
        "Distinct attribute sets in the router's tables",
        None,
        routers
            .iter()
            .map(|router| (of(router), router.attribute_sets)),
    )?;
    page.gauges(
        "attribute_sets_size",
        "Memory of the attribute sets",
        Some(Unit::Bytes),
        routers
            .iter()
            .map(|router| (of(router), router.attribute_bytes)),
    )?;
    page.gauges(
        "fib_routes",
        "Routes that a router wants in the kernel, and what became of them",
        None,
        routers
            .iter()
            .filter_map(|router| Some((router, router.kernel.as_ref()?)))
            .flat_map(|(router, kernel)| {
                [
                    (with(of(router), "state", "wanted"), kernel.wanted),
                    (with(of(router), "state", "installed"), kernel.installed),
                    (with(of(router), "state", "failed"), kernel.failed),
                    (with(of(router), "state", "blocked"), kernel.blocked),
                    (with(of(router), "state", "unresolved"), kernel.unresolved),
                    (with(of(router), "state", "shadowed"), kernel.shadowed),
                    (with(of(router), "state", "excluded"), kernel.excluded),
                    (with(of(router), "state", "outranked"), kernel.outranked),
                ]
            }),
    )
}

fn counters(page: &mut Page<'_>, counters: &Counters) -> fmt::Result {
    let kernel = &counters.kernel;
    page.counter(
        "fib_programmed",
        "Routes installed or replaced in the kernel",
        kernel.programmed,
    )?;
    page.counter(
        "fib_failed",
        "Routes that the kernel refused",
        kernel.failed,
    )?;
    page.counter(
        "fib_withdrawn",
        "Routes removed from the kernel",
        kernel.withdrawn,
    )?;
    page.counter(
        "fib_repaired",
        "Routes put right after somebody else changed them",
        kernel.repaired,
    )?;
    page.counter(
        "fib_resyncs",
        "Full comparisons with the kernel after lost notifications",
        kernel.resyncs,
    )?;
    page.counter(
        "fib_sends",
        "System calls that sent batches of routes",
        kernel.sends,
    )?;
    page.histogram(
        "fib_batch_routes",
        "Routes in one batch to the kernel",
        None,
        &kernel.batch,
    )?;
    page.histogram(
        "fib_latency",
        "Time from the change of a route to the kernel's acknowledgement",
        Some(Unit::Seconds),
        &kernel.latency,
    )?;
    page.histogram(
        "update_to_export",
        "Time from reading an UPDATE to having encoded what it changes for others",
        Some(Unit::Seconds),
        &counters.update_to_export,
    )?;
    page.histogram(
        "inbound_batch_prefixes",
        "Prefixes applied to the tables in one batch",
        None,
        &counters.inbound_batch,
    )?;
    page.histogram(
        "export_batch_destinations",
        "Destinations handled in one turn of an exporter",
        None,
        &counters.export_batch,
    )?;
    page.counters(
        "bfd_discards",
        "BFD packets that were discarded, by reason",
        counters
            .bfd_discards
            .iter()
            .map(|(reason, count)| (vec![("reason", (*reason).to_owned())], *count)),
    )?;
    page.counter(
        "connections_refused",
        "TCP connections from addresses that are nobody's",
        counters.connections_refused,
    )?;
    page.counter(
        "peer_panics",
        "Sessions ended by a defect of the agent; its log has the words",
        counters.peer_panics,
    )?;
    page.counter(
        "paths_dropped",
        "Paths not taken because their prefix has as many as it may have",
        counters.paths_dropped,
    )?;
    page.counter(
        "routes_oversized",
        "Routes not told because their attributes leave no room for them in a message",
        counters.routes_oversized,
    )?;
    page.counter(
        "manifests_applied",
        "Times that manifests were applied",
        counters.manifests_applied,
    )?;
    page.gauge(
        "manifest_problems",
        "Problems that the manifests have now",
        None,
        counters.manifest_problems,
    )
}

/// The page that is being written.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str, unit: Option<Unit>, value: u64) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
        metric.encode_gauge(&value)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn gauges(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        series: impl IntoIterator<Item = (Labels, u64)>,
    ) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
        for (labels, value) in series {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (Labels, u64)>,
    ) -> fmt::Result {
        let mut metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in series {
            let mut series = metric.encode_family(&labels)?;
            series.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        view: &HistogramView,
    ) -> fmt::Result {
        let mut metric =
            self.0
                .encode_descriptor(name, help, unit.as_ref(), MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(view.sum, view.count(), &view.buckets(), None)
    }
}
