//! EDGE: `/livez`, `/readyz` and `/metrics` over HTTP.
//!
//! Small on purpose: GET and HEAD of three paths, a bound on connections, a bound on time. Metrics and health may share an
//! address; then one listener serves both.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{debug, error, warn};

use super::heartbeat::Hearts;
use super::metrics;
use super::readiness::{Convergence, Facts, Readiness};
use crate::control::views::Views;

/// Connections at a time: a few scrapers and probes.
const CONNECTIONS: usize = 64;
/// How long a client may take for its request line and headers.
const HEADERS: Duration = Duration::from_secs(5);
/// How long a connection may last.
const LIFETIME: Duration = Duration::from_secs(120);

/// An address that cannot be served.
#[derive(Debug, Error)]
#[error("cannot serve {what} on {address}: {source}")]
pub struct HttpError {
    what: &'static str,
    address: SocketAddr,
    source: io::Error,
}

/// What is served: the agent, its hearts, and how far it has converged.
pub struct Observed {
    views: Arc<dyn Views>,
    facts: Box<dyn Fn() -> Facts + Send + Sync>,
    hearts: Arc<Hearts>,
    convergence: Mutex<Convergence>,
    registry: Registry,
}

impl Observed {
    /// Observes an agent; `facts` is asked at each probe.
    pub fn new(
        views: Arc<dyn Views>,
        hearts: Arc<Hearts>,
        facts: impl Fn() -> Facts + Send + Sync + 'static,
    ) -> Arc<Self> {
        let registry = metrics::registry(views.clone());
        Arc::new(Self {
            views,
            facts: Box::new(facts),
            hearts,
            convergence: Mutex::new(Convergence::default()),
            registry,
        })
    }

    /// Whether the agent has converged.
    pub fn readiness(&self) -> Readiness {
        let facts = (self.facts)();
        self.convergence.lock().judge(&facts)
    }

    /// The agent that is observed.
    pub fn views(&self) -> &Arc<dyn Views> {
        &self.views
    }
}

/// Bound listeners, ready to serve.
#[derive(Debug, Default)]
pub struct Http {
    sites: Vec<(TcpListener, Site)>,
}

/// What one listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Site {
    metrics: bool,
    health: bool,
}

impl Http {
    /// Binds what was asked for: nothing, one listener or two.
    pub async fn bind(
        metrics: Option<SocketAddr>,
        health: Option<SocketAddr>,
    ) -> Result<Self, HttpError> {
        let mut sites = Vec::new();
        if let Some(address) = metrics {
            let site = Site {
                metrics: true,
                health: health == metrics,
            };
            sites.push((bind("metrics", address).await?, site));
        }
        if let Some(address) = health.filter(|_| health != metrics) {
            let site = Site {
                metrics: false,
                health: true,
            };
            sites.push((bind("health", address).await?, site));
        }
        Ok(Self { sites })
    }

    /// The addresses that are served.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sites
            .iter()
            .filter_map(|(listener, _)| listener.local_addr().ok())
            .collect()
    }

    /// Serves until the task is dropped.
    pub async fn serve(self, observed: Arc<Observed>) {
        let sites = self
            .sites
            .into_iter()
            .map(|(listener, site)| listen(listener, site, observed.clone()));
        futures::future::join_all(sites).await;
    }
}

async fn bind(what: &'static str, address: SocketAddr) -> Result<TcpListener, HttpError> {
    let bound = match TcpListener::bind(address).await {
        // ":8082" means all addresses; on a machine without IPv6 these are the IPv4 ones.
        Err(error)
            if error.raw_os_error() == Some(libc::EAFNOSUPPORT)
                && address.ip().is_unspecified() =>
        {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    };
    bound.map_err(|source| HttpError {
        what,
        address,
        source,
    })
}

async fn listen(listener: TcpListener, site: Site, observed: Arc<Observed>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                let Ok(slot) = slots.clone().try_acquire_owned() else {
                    debug!(%remote, "too many HTTP connections");
                    continue;
                };
                let observed = observed.clone();
                tokio::spawn(async move {
                    if timeout(LIFETIME, converse(stream, site, observed))
                        .await
                        .is_err()
                    {
                        debug!(%remote, "HTTP connection took too long");
                    }
                    drop(slot);
                });
            }
            Err(error) => {
                // Out of descriptors, most likely: it passes, and spinning on it would not help.
                warn!(%error, "HTTP listener cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, site: Site, observed: Arc<Observed>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = respond(request.method(), request.uri().path(), site, &observed);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        debug!(%error, "HTTP connection ended");
    }
}

fn respond(method: &Method, path: &str, site: Site, observed: &Observed) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        let mut response = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and HEAD\n".to_owned(),
        );
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match path {
        "/livez" | "/healthz" if site.health => {
            let stopped = observed.hearts.stopped(Instant::now());
            match stopped.is_empty() {
                true => text(StatusCode::OK, "ok\n".to_owned()),
                false => text(StatusCode::SERVICE_UNAVAILABLE, stopped.join("\n") + "\n"),
            }
        }
        "/readyz" if site.health => {
            let readiness = observed.readiness();
            let status = match readiness.is_ready() {
                true => StatusCode::OK,
                false => StatusCode::SERVICE_UNAVAILABLE,
            };
            text(status, format!("{readiness}\n"))
        }
        "/metrics" if site.metrics => match metrics::encode(&observed.registry) {
            Ok(body) => {
                let mut response = text(StatusCode::OK, body);
                let kind = HeaderValue::from_static(metrics::CONTENT_TYPE);
                response.headers_mut().insert(CONTENT_TYPE, kind);
                response
            }
            Err(error) => {
                error!(%error, "metrics cannot be written");
                text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "metrics cannot be written\n".to_owned(),
                )
            }
        },
        _ => text(StatusCode::NOT_FOUND, "nothing here\n".to_owned()),
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
