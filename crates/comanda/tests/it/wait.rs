//! Waiting for a condition: asked again and again, never longer than a bound.

use std::time::{Duration, Instant};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// No condition of these tests takes longer on a busy machine, unless something is wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until `look` finds something; panics, naming `what`, if it has found nothing after [`PATIENCE`].
#[track_caller]
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_or(look, || what.to_owned())
}

/// The same, where only the end shows what to say of it.
#[track_caller]
pub(crate) fn until_or<T>(mut look: impl FnMut() -> Option<T>, what: impl Fn() -> String) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{}: not within {PATIENCE:?}", what());
        std::thread::park_timeout(PAUSE);
    }
}

/// The same for asynchronous tests.
pub(crate) async fn until_async(what: &str, mut look: impl FnMut() -> bool) {
    let started = Instant::now();
    let mut pause = tokio::time::interval(PAUSE);
    while !look() {
        assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        pause.tick().await;
    }
}
