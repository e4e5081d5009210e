//! Waiting for a condition: asked again and again, never longer than a bound.

use std::time::{Duration, Instant};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// No condition of these tests takes longer on a busy machine, unless something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until `look` finds something; panics, naming `what`, if it has found nothing after [`PATIENCE`].
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    let mut pause = tokio::time::interval(PAUSE);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        pause.tick().await;
    }
}
