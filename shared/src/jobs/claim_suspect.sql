-- Claims the first job in the line of those that were in a crash.
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
    where jobs.state = 'available' and jobs.turn is not null and jobs.crashes > 0 and jobs.run_at <= clock.now
    order by jobs.turn
    limit 1
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
    jobs.id, jobs.kind, jobs.version, jobs.max_attempts, jobs.epoch, jobs.attempt, jobs.checkpoint, jobs.owner_id,
    jobs.trace_context, jobs.payload as "payload: Json<Box<RawValue>>", extract(epoch from due.now - jobs.run_at)::float8 as "waited!"
