-- Counts the unfinished jobs, up to $2 of them if that is not null, those with the earliest alarms first. They have an
-- alarm each, whose index leaves the finished ones out. Nobody runs a kind that no worker has named within $4 seconds;
-- jobs count as such when they are late by $3 seconds, since a worker that was idle names its kinds after its first jobs.
with clock as (
    select statement_timestamp() + make_interval(secs => $1) as now
),

unfinished as (
    select kind, version, state, run_at
    from jobs
    where wake_at is not null
    order by wake_at
    limit $2
),

counted as (
    select
        kind,
        version,
        count(*) filter (where state = 'available' and run_at <= clock.now) as available,
        count(*) filter (where state = 'available' and run_at > clock.now) as scheduled,
        count(*) filter (where state = 'running') as running,
        count(*) filter (where state = 'available' and run_at <= clock.now - make_interval(secs => $3)) as late,
        extract(epoch from max(clock.now - run_at) filter (where state = 'available' and run_at <= clock.now))::float8
            as oldest_due
    from unfinished
    cross join clock
    group by kind, version
)

select
    kind as "kind!",
    version as "version!",
    available as "available!",
    scheduled as "scheduled!",
    running as "running!",
    oldest_due,
    case
        when exists (
            select
            from job_kinds
            cross join clock
            where job_kinds.kind = counted.kind
                and job_kinds.version = counted.version
                and job_kinds.seen_at >= clock.now - make_interval(secs => $4)
        ) then 0
        else late
    end as "unsupported!"
from counted
order by kind, version
