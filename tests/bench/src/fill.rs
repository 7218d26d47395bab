//! Tables that have seen life: rows of every age, made by one statement.

use crate::database::Database;
use shared::jobs;
use uuid::Uuid;

/// What is in the table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rows {
    /// Finished in the past days.
    pub finished: i64,
    /// Waiting for a worker, who was told.
    pub waiting: i64,
    /// Waiting, and nobody was told for too long: the next tick tells.
    pub ringing: i64,
    /// Whose the waiting rows are; nobody's when there is none.
    pub crowd: Option<Uuid>,
}

/// Ids sort by age, as those of version 7 do. `$1` finished, `$2` waiting, `$3` ringing, `$4` their owner, `$5` kind,
/// `$6` the seconds between two turns of one owner.
/// The alarms of those that wait are spread over the minute and a half in which they fall after a notice.
const FILL: &str = "
    /* observer */
    insert into jobs (
        id, kind, version, payload, owner_id, state, run_at, attempt, max_attempts, epoch, wake_at, result,
        created_at, started_at, finished_at, due_at, turn
    )
    select
        (lpad(to_hex((extract(epoch from born) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
        $5, 1, '{\"note\": \"the usual size of a payload\"}',
        case when n > $1 then $4 end,
        case when n <= $1 then 'succeeded' else 'available' end,
        born,
        case when n <= $1 then 1 else 0 end, 5,
        case when n <= $1 then 2 else 0 end,
        case
            when n <= $1 then null
            when n <= $1 + $2 then now() + interval '30 s' + interval '90 s' * (n - $1) / greatest($2, 1)
            else now() - interval '1 s'
        end,
        case when n <= $1 then 'null'::jsonb end,
        born,
        case when n <= $1 then born end, case when n <= $1 then born end,
        born,
        case
            when n <= $1 then null
            when $4::uuid is null then born
            else born + make_interval(secs => $6) * (n - $1 - 1)
        end
    from (
        select n, case when n <= $1 then now() - interval '3 days' * ($1 + 1 - n) / $1 else now() - interval '1 min' end as born
        from generate_series(1, $1 + $2 + $3) as n
    ) as item";

/// Empties the table and fills it.
pub async fn fill(database: &Database, rows: Rows, kind: &str) -> anyhow::Result<()> {
    database.clear().await?;
    sqlx::query(FILL)
        .bind(rows.finished)
        .bind(rows.waiting)
        .bind(rows.ringing)
        .bind(rows.crowd)
        .bind(kind)
        .bind(jobs::SPACING.as_secs_f64())
        .execute(&mut *database.observer().await)
        .await?;
    database.calm().await
}
