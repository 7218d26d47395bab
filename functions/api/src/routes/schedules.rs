//! Periodic jobs, for whoever wants to know when they run.

use super::jobs::StateOut;
use crate::extract::{Caller, Json};
use crate::{ApiError, AppState};
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::jobs::schedule::{self, Listed};
use utoipa::ToSchema;
use uuid::Uuid;

/// All periodic jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SchedulesOut {
    /// By name.
    items: Vec<ScheduleOut>,
}

/// A periodic job.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScheduleOut {
    /// Names it; never changes.
    #[schema(example = "expire_exports")]
    name: String,
    /// The kind of its jobs.
    #[schema(example = "expire_exports")]
    kind: String,
    /// Minute, hour, day of the month, month and weekday.
    #[schema(example = "17 3 * * *")]
    cron: String,
    /// The IANA name of the zone on whose clocks that is.
    #[schema(example = "UTC")]
    time_zone: String,
    /// What becomes of times that passed while nothing ran.
    misfire: MisfireOut,
    /// How many of them become jobs; `null` unless `misfire` is `all`.
    misfire_at_most: Option<u16>,
    /// The next time that is not a job yet.
    next_at: DateTime<Utc>,
    /// The latest time that became a job, which may be two minutes ahead; `null` before the first.
    last_at: Option<DateTime<Utc>>,
    /// That job; `null` when there is none any more, or when it is a user's.
    last_job: Option<LastJobOut>,
}

/// What becomes of times that passed while nothing ran.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MisfireOut {
    /// They are dropped.
    Skip,
    /// The latest becomes one job.
    Once,
    /// Each becomes a job, the latest so many.
    All,
}

/// The latest job of a schedule.
#[derive(Debug, Serialize, ToSchema)]
struct LastJobOut {
    id: Uuid,
    state: StateOut,
}

/// Lists the periodic jobs of the service.
#[utoipa::path(
    get,
    path = "/v1/schedules",
    tag = "schedules",
    security(("token" = [])),
    responses(
        (status = 200, body = SchedulesOut),
    ),
)]
pub(super) async fn list_schedules(
    State(state): State<AppState>,
    _caller: Caller,
) -> Result<Json<SchedulesOut>, ApiError> {
    let mut db = state.db.acquire().await?;
    let listed = schedule::list(&mut db, &state.clock).await?;
    let declared = listed.into_iter().filter(|listed| !listed.schedule.retired);
    Ok(Json(SchedulesOut { items: declared.map(ScheduleOut::from).collect() }))
}

impl From<Listed> for ScheduleOut {
    fn from(Listed { schedule, last_job_state }: Listed) -> Self {
        let misfire = schedule.definition.misfire;
        let last_job = schedule.last_job.zip(last_job_state);
        Self {
            name: schedule.name,
            kind: schedule.definition.kind,
            cron: schedule.definition.cron,
            time_zone: schedule.definition.time_zone,
            misfire: misfire.into(),
            misfire_at_most: misfire.at_most(),
            next_at: schedule.next_at,
            last_at: schedule.last_at,
            last_job: last_job.map(|(id, state)| LastJobOut { id: id.0, state: state.into() }),
        }
    }
}

impl From<schedule::Misfire> for MisfireOut {
    fn from(misfire: schedule::Misfire) -> Self {
        match misfire {
            schedule::Misfire::Skip => Self::Skip,
            schedule::Misfire::Once => Self::Once,
            schedule::Misfire::All { .. } => Self::All,
        }
    }
}
