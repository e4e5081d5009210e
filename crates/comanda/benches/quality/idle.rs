//! Row 9: an empty server's memory, and how soon it is ready.

use std::time::Duration;

use miette::Result;

use crate::bench::{Bench, median};
use crate::process::Process;
use crate::row::Row;

const RSS_MIB_MAX: f64 = 60.0;
const READY_MS_MAX: f64 = 300.0;
/// The server is left alone so long before its memory is read.
const QUIET: Duration = Duration::from_secs(1);

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let (mut ready_ms, mut rss_mib) = (Vec::new(), Vec::new());
    for _ in 0..bench.either(5, 3) {
        let server = Process::comanda(&bench.folder()).await?;
        ready_ms.push(server.ready_after().as_secs_f64() * 1e3);
        tokio::time::sleep(QUIET).await;
        rss_mib.push(server.rss_mib()?);
        server.stop().await?;
    }
    let (ready, rss) = (median(&ready_ms), median(&rss_mib));
    let worst = ready_ms.iter().copied().fold(0.0, f64::max);
    Ok(vec![
        Row::new(9, "idle memory").ours(format!("{rss:.1} MiB")).bar("<= 60 MiB", rss <= RSS_MIB_MAX),
        Row::new(9, "start to ready on an empty store")
            .ours(format!("{ready:.0} ms"))
            .bar("<= 300 ms", ready <= READY_MS_MAX)
            .note(format!("the slowest of {} starts: {worst:.0} ms", ready_ms.len())),
    ])
}
