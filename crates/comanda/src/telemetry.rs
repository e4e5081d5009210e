//! Logs on standard error, metrics for Prometheus.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use miette::{IntoDiagnostic, Result, WrapErr};
use tracing_subscriber::EnvFilter;

/// Starts logging: warnings and errors, or what `COMANDA_LOG` asks for (`info`, `cqrs=debug`, ...).
pub(crate) fn log() {
    let filter = EnvFilter::try_from_env("COMANDA_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .compact()
        .init();
}

/// Installs the recorder of this process's metrics; must come before whatever counts.
pub(crate) fn metrics() -> Result<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().into_diagnostic().wrap_err("metrics cannot be recorded")
}
