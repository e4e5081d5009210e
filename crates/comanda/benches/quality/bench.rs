//! What the measurements share: the folder, how long and how often, what an earlier row has found out.

use std::path::PathBuf;
use std::time::Duration;

use comanda_load::{Call, ClosedLoop, ClosedReport};
use miette::{IntoDiagnostic, Result, miette};
use tempfile::TempDir;

use crate::calls::{HOT, Ids, stock_up};
use crate::disk;
use crate::process::Process;

/// Connections of the closed loops.
pub(crate) const CONNECTIONS: usize = 256;

/// One run of the whole table.
pub(crate) struct Bench {
    quick: bool,
    home: TempDir,
    folders: u32,
    /// Row 1's median throughput, reservations per second.
    pub(crate) capacity: Option<f64>,
    /// A stopped server's data with many open holds on the hot SKU, made by row 3 or 8.
    pub(crate) held: Option<PathBuf>,
    pub(crate) ids: Ids,
}

impl Bench {
    pub(crate) fn new(quick: bool) -> Result<Self> {
        // Below the target folder, because a system's own temporary folder may be memory.
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).into_diagnostic()?;
        Ok(Self { quick, home, folders: 0, capacity: None, held: None, ids: Ids::default() })
    }

    /// What the figures were measured on.
    pub(crate) fn describe(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let kind = if self.quick { "quick: one short round" } else { "medians of 3 rounds" };
        format!("{cores} cores shared by generator, server and disk; {kind}")
    }

    pub(crate) fn fdatasync_per_s(&self) -> Result<f64> {
        disk::fdatasync_per_s(self.home.path()).into_diagnostic()
    }

    /// How often each pair is measured.
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// The length of one run.
    pub(crate) fn span(&self) -> Duration {
        Duration::from_secs(if self.quick { 2 } else { 5 })
    }

    /// `full`, or `quick` in a quick run.
    pub(crate) fn either<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// A folder that does not exist yet.
    pub(crate) fn folder(&mut self) -> PathBuf {
        self.folders += 1;
        self.home.path().join(format!("data-{}", self.folders))
    }

    /// Row 1's throughput; measured shortly if row 1 was not asked for.
    pub(crate) async fn capacity(&mut self) -> Result<f64> {
        if let Some(known) = self.capacity {
            return Ok(known);
        }
        let server = Process::comanda(&self.folder()).await?;
        stock_up(&server, &[HOT]).await?;
        let (warm_up, span) = (self.warm_up(), self.span());
        hammer(&server, warm_up, self.ids.reserving(HOT)).await?;
        let found = reserved(&hammer(&server, span, self.ids.reserving(HOT)).await?)?;
        self.capacity = Some(found);
        Ok(found)
    }

    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_millis(if self.quick { 500 } else { 1_500 })
    }
}

/// As many calls as 256 connections get answered in `span`.
pub(crate) async fn hammer(
    server: &Process,
    span: Duration,
    next: impl Fn(u64) -> Call + Send + Sync + 'static,
) -> Result<ClosedReport> {
    run(server, CONNECTIONS, u64::MAX, span, next).await
}

/// A closed loop in which every call must succeed.
pub(crate) async fn run(
    server: &Process,
    connections: usize,
    calls_max: u64,
    time_max: Duration,
    next: impl Fn(u64) -> Call + Send + Sync + 'static,
) -> Result<ClosedReport> {
    let closed = ClosedLoop { addr: server.addr(), connections, calls_max, time_max };
    let report = closed.run(next).await.into_diagnostic()?;
    if report.failed > 0 || report.outcomes.iter().any(|(name, _)| !name.starts_with('2')) {
        return Err(miette!("not every call succeeded: {:?}", report.outcomes));
    }
    Ok(report)
}

/// Reservations made per second; an answer that is no 201 made none.
pub(crate) fn reserved(report: &ClosedReport) -> Result<f64> {
    match report.outcomes.of("201") {
        made if made == report.answered => Ok(made as f64 / report.elapsed_s),
        made => Err(miette!("only {made} of {} calls reserved: {:?}", report.answered, report.outcomes)),
    }
}

/// The median; of an even number the upper one of the middle, of none 0.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
