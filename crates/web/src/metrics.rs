//! Request metrics: how many, how long, by route, method and status class.

use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{Counter, Histogram};

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The metrics of one route. Looked up by name once, then kept: a look-up would cost more than the counting.
#[derive(Default)]
pub(crate) struct RouteMetrics([[OnceLock<(Counter, Histogram)>; CLASSES.len()]; METHODS.len() + 1]);

impl RouteMetrics {
    /// Counts one answer.
    pub(crate) fn record(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let method = METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len());
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        let Some(kept) = self.0.get(method).and_then(|classes| classes.get(class)) else { return };
        let (total, seconds) = kept.get_or_init(|| {
            let method = METHODS.get(method).copied().unwrap_or("other");
            let class = CLASSES.get(class).copied().unwrap_or("other");
            let labels = [("route", route.to_owned()), ("method", method.to_owned()), ("status", class.to_owned())];
            (metrics::counter!("http_requests_total", &labels), metrics::histogram!("http_request_seconds", &labels))
        });
        total.increment(1);
        seconds.record(took.as_secs_f64());
    }
}
