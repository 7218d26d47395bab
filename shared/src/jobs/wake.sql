-- Takes up to $2 alarms that went off: jobs nobody was told about, or too long ago, are to be notified (again);
-- leases that ran out are rescued, or failed when no attempt is left. Jobs due within $3 seconds of which nobody was
-- told are included, so that a tick a minute still starts them to the second. $4 and $5 bound the grace until the next
-- notification, which doubles with lateness.
with clock as (
    select statement_timestamp() + make_interval(secs => $1) as now
),

ringing as materialized (
    select
        jobs.id,
        jobs.state,
        jobs.state = 'running' and jobs.attempt >= jobs.max_attempts as exhausted,
        clock.now,
        case when jobs.state = 'running' then clock.now else jobs.run_at end as run_at
    from jobs
    cross join clock
    where jobs.wake_at <= statement_timestamp() + make_interval(secs => $1 + $3)
        and (jobs.wake_at <= clock.now or (jobs.state = 'available' and jobs.wake_at = jobs.run_at))
    order by jobs.wake_at
    limit $2
    for no key update of jobs skip locked
),

judged as (
    select
        ringing.*,
        greatest(ringing.run_at, ringing.now)
        + greatest(least(ringing.now - ringing.run_at, make_interval(secs => $5)), make_interval(secs => $4)) as alarm
    from ringing
)

update jobs
set
    state = case when judged.exhausted then 'failed' else 'available' end,
    epoch = case when judged.state = 'running' then jobs.epoch + 1 else jobs.epoch end,
    run_at = judged.run_at,
    wake_at = case when judged.exhausted then null else judged.alarm end,
    finished_at = case when judged.exhausted then judged.now end,
    errors = case
        when judged.state = 'running'
            then jobs.errors || jsonb_build_object('attempt', jobs.attempt, 'at', judged.now, 'error', $6::text)
        else jobs.errors
    end
from judged
where jobs.id = judged.id
returning
    jobs.id,
    jobs.kind,
    jobs.owner_id,
    jobs.state,
    judged.state = 'running' as "rescued!",
    extract(epoch from jobs.run_at - judged.now)::float8 as "due_in!"
