-- Extends the leases of running attempts. What does not come back has lost its lease.
with clock as (
    select statement_timestamp() + make_interval(secs => $5) as now
),

beating as (
    select * from unnest($1::uuid[], $2::int4[], $3::float8[], $4::int2[]) as item (id, epoch, lease, progress)
),

locked as materialized (
    select jobs.id
    from jobs
    join beating using (id, epoch)
    order by jobs.id
    for no key update of jobs
)

update jobs
set
    wake_at = clock.now + make_interval(secs => beating.lease),
    progress = coalesce(beating.progress, jobs.progress)
from beating
cross join clock
join locked using (id)
where jobs.id = beating.id and jobs.epoch = beating.epoch
returning jobs.id, jobs.cancel_requested
