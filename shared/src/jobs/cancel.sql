-- Calls a job off: at once when it waits, by a flag when it runs. A finished one stays as it is.
with clock as (
    select statement_timestamp() + make_interval(secs => $3) as now
),

asked as materialized (
    select id, state
    from jobs
    where id = $1 and ($2::uuid is null or owner_id = $2)
    for no key update
)

update jobs
set
    state = case when asked.state = 'available' then 'cancelled' else jobs.state end,
    epoch = case when asked.state = 'available' then jobs.epoch + 1 else jobs.epoch end,
    cancel_requested = jobs.cancel_requested or asked.state in ('available', 'running'),
    wake_at = case when asked.state = 'available' then null else jobs.wake_at end,
    finished_at = case when asked.state = 'available' then clock.now else jobs.finished_at end
from asked
cross join clock
where jobs.id = asked.id
returning
    jobs.id as "id: JobId", jobs.kind, jobs.owner_id as "owner_id: OwnerId", jobs.state as "state: State",
    jobs.priority as "priority: super::Priority", jobs.attempt, jobs.max_attempts, jobs.progress, jobs.result,
    jobs.errors as "errors: sqlx::types::Json<Vec<super::AttemptError>>", jobs.cancel_requested, jobs.run_at,
    jobs.created_at, jobs.started_at, jobs.finished_at, asked.state = 'available' as "was_waiting!"
