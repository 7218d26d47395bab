//! Waiting for the end of a job: a look now and then, and no connection in between.

use crate::{ApiError, AppState, Stopping};
use shared::ids::{JobId, OwnerId};
use shared::jobs::{self, JobRow};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The pause after the first look; it doubles from look to look.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Returns one of an owner's jobs as soon as it has ended, else when the time is up or the host stops.
pub(super) async fn for_end(
    state: &AppState,
    owner: OwnerId,
    id: JobId,
    wait: Duration,
    mut stopping: Option<Stopping>,
) -> Result<JobRow, ApiError> {
    let until = Instant::now() + wait;
    let mut pause = FIRST_PAUSE;
    loop {
        let job = look(state, owner, id).await?;
        let left = until.saturating_duration_since(Instant::now());
        if job.state.is_finished() || left.is_zero() {
            return Ok(job);
        }
        let stops = async {
            match &mut stopping {
                Some(stopping) => stopping.said().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep(pause.min(left)) => {}
            () = stops => return Ok(job),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Reads the job; the connection is back in its pool then.
async fn look(state: &AppState, owner: OwnerId, id: JobId) -> Result<JobRow, ApiError> {
    let mut db = state.db.acquire().await?;
    jobs::find(&mut db, owner, id).await?.ok_or(ApiError::NotFound)
}
