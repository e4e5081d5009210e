//! How many durable writes a second the disk can do: the figure every other one must be read beside.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Writes of one page, each followed by fdatasync, per second, measured for a short time in `dir`.
pub(crate) fn fdatasync_per_s(dir: &Path) -> std::io::Result<f64> {
    const FOR: Duration = Duration::from_millis(300);
    const PAGES: u64 = 1_000;
    let mut file: File = tempfile::tempfile_in(dir)?;
    let page = [0x5a_u8; 4096];
    let started = Instant::now();
    let mut writes = 0_u64;
    while started.elapsed() < FOR {
        file.seek(SeekFrom::Start(writes % PAGES * 4096))?;
        file.write_all(&page)?;
        file.sync_data()?;
        writes += 1;
    }
    Ok(writes as f64 / started.elapsed().as_secs_f64())
}
