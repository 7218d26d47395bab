-- Claims up to $5 due jobs. The select is materialized: a plain `in (… limit …)` would claim more than it locks.
-- An available job's alarm is never further ahead than the longest grace ($6), which bounds the index scan.
with clock as (
    select statement_timestamp() + make_interval(secs => $4) as now
),

supported as (
    select * from unnest($1::text[], $2::int2[], $3::float8[]) as item (kind, version, lease)
),

due as materialized (
    select jobs.id, supported.lease, clock.now
    from jobs
    cross join clock
    join supported on supported.kind = jobs.kind and supported.version = jobs.version
    where jobs.wake_at <= statement_timestamp() + make_interval(secs => $4 + $6)
        and jobs.state = 'available'
        and jobs.run_at <= clock.now
    order by jobs.wake_at
    limit $5
    for no key update of jobs skip locked
)

update jobs
set
    state = 'running',
    epoch = jobs.epoch + 1,
    attempt = jobs.attempt + 1,
    wake_at = due.now + make_interval(secs => due.lease),
    started_at = due.now
from due
where jobs.id = due.id
returning
    jobs.id, jobs.kind, jobs.version, jobs.max_attempts, jobs.epoch, jobs.attempt, jobs.payload, jobs.owner_id
