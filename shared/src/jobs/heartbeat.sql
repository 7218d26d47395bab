-- Extends the leases of running attempts. What does not come back has lost its lease. Rows are locked in id order, each
-- looked up by itself: see settle.sql.
with beating as (
    select *
    from unnest($1::uuid[], $2::int4[], $3::float8[], $4::int2[]) as item (id, epoch, lease, progress)
    order by id
),

locked as materialized (
    select beating.id, beating.lease, beating.progress
    from beating
    cross join lateral (
        select
        from jobs
        where jobs.id = beating.id and jobs.epoch = beating.epoch
        for no key update
    ) as job
)

update jobs
set
    wake_at = statement_timestamp() + make_interval(secs => $5 + locked.lease),
    progress = coalesce(locked.progress, jobs.progress)
from locked
where jobs.id = locked.id
returning jobs.id, jobs.cancel_requested
