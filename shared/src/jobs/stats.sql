-- Counts the unfinished jobs. They have an alarm each, whose index leaves the finished ones out.
with clock as (
    select statement_timestamp() + make_interval(secs => $1) as now
)

select
    kind,
    version,
    count(*) filter (where state = 'available' and run_at <= clock.now) as "available!",
    count(*) filter (where state = 'available' and run_at > clock.now) as "scheduled!",
    count(*) filter (where state = 'running') as "running!",
    extract(epoch from max(clock.now - run_at) filter (where state = 'available' and run_at <= clock.now))::float8
        as oldest_due
from jobs
cross join clock
where wake_at is not null
group by kind, version
order by kind, version
