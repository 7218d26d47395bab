//! Waiting for what another process does, and telling how long it took.

use std::io::Write as _;
use std::time::{Duration, Instant};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until there is something to see and returns it; fails the test when the limit is over.
pub async fn eventually<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Writes a line that is seen whether the test fails or not.
pub fn say(line: &str) {
    // Not `eprintln!`, whose text the test harness keeps to itself unless the test fails.
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}
