-- Reads the jobs that have keys, and locks those that have not started.
with waiting as materialized (
    select id
    from jobs
    where id = any($1) and state = 'available' and started_at is null
    order by id
    for no key update
)

select
    jobs.id as "id: JobId", jobs.kind, jobs.owner_id as "owner_id: crate::ids::OwnerId", jobs.state as "state: State",
    jobs.priority as "priority: super::Priority", jobs.attempt, jobs.max_attempts, jobs.progress, jobs.result,
    jobs.errors as "errors: sqlx::types::Json<Vec<super::AttemptError>>", jobs.cancel_requested, jobs.run_at,
    jobs.created_at, jobs.started_at, jobs.finished_at, waiting.id is not null as "is_waiting!"
from jobs
left join waiting on waiting.id = jobs.id
where jobs.id = any($1)
