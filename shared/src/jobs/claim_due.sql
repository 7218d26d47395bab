-- Claims up to $5 jobs that are due, in the order of the line, from the place ($6, $7) on. The select is materialized: a
-- plain `in (… limit …)` would claim more than it locks.
with clock as (
    select statement_timestamp() + make_interval(secs => $4) as now
),

supported as (
    select * from unnest($1::text[], $2::int2[], $3::float8[]) as item (kind, version, lease)
),

due as materialized (
    select jobs.id, jobs.priority, jobs.turn, supported.lease, clock.now
    from jobs
    cross join clock
    join supported on supported.kind = jobs.kind and supported.version = jobs.version
    where jobs.state = 'available'
        and jobs.turn is not null
        and jobs.crashes = 0
        and (jobs.priority, jobs.turn) >= ($6::int2, $7::timestamptz)
        and jobs.run_at <= clock.now
    order by jobs.priority, jobs.turn
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
-- The limit is there for the planner alone: from it, it knows that these are few beside the table.
from (select * from due limit 1000) as due
where jobs.id = due.id
returning
    jobs.id, jobs.kind, jobs.version, jobs.max_attempts, jobs.epoch, jobs.attempt, jobs.checkpoint, jobs.owner_id, jobs.priority, jobs.turn,
    jobs.trace_context, jobs.payload as "payload: Json<Box<RawValue>>", extract(epoch from due.now - jobs.run_at)::float8 as "waited!"
