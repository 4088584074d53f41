//! How much a server holds, in numbers, for Prometheus: on a listener of its own, for they are nobody's business who only talks.

use std::{fmt, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, text},
    metrics::gauge::ConstGauge,
    registry::Registry,
};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::listen::Stages;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted; it is looked at when somebody asks.
#[derive(Debug)]
pub(crate) struct Holdings {
    /// The sockets of the chat.
    pub(crate) sockets: TaskTracker,
    /// Where connections that speak HTTP are.
    pub(crate) stages: Stages,
    /// Where all of it runs.
    pub(crate) runtime: Handle,
}

impl Collector for Holdings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let requests = self.stages.connections.len() + self.stages.late.len();
        let tasks = self.runtime.metrics().num_alive_tasks();
        for (name, help, count) in [
            ("sockets", "Open sockets of the chat", self.sockets.len()),
            ("http_connections", "Open connections that speak HTTP", requests),
            ("tasks", "Tasks of the runtime that have not ended", tasks),
        ] {
            let gauge = ConstGauge::new(count);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

/// `GET /metrics`, and nothing else.
pub(crate) fn router(holdings: Holdings) -> Router {
    let mut registry = Registry::with_prefix("hubbub");
    registry.register_collector(Box::new(holdings));
    Router::new().route("/metrics", get(tell)).with_state(Arc::new(registry))
}

async fn tell(State(registry): State<Arc<Registry>>) -> impl IntoResponse {
    let mut text = String::new();
    text::encode(&mut text, &registry).map_err(|fmt::Error| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok::<_, StatusCode>(([(header::CONTENT_TYPE, OPEN_METRICS)], text))
}
