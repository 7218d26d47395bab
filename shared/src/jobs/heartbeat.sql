-- Extends the leases of running attempts. What does not come back has lost its lease. What somebody else has locked at this
-- moment comes back as not kept: one such row must not keep the leases of all others waiting.
-- Rows are locked in id order, each looked up by itself: see settle.sql.
with beating as (
    select *
    from unnest($1::uuid[], $2::int4[], $3::float8[], $4::int2[]) as item (id, epoch, lease, progress)
    order by id
),

found as materialized (
    select beating.id, beating.lease, beating.progress, locked.id is not null as is_kept
    from beating
    cross join lateral (
        select
        from jobs
        where jobs.id = beating.id and jobs.epoch = beating.epoch
        offset 0
    ) as job
    left join lateral (
        select jobs.id
        from jobs
        where jobs.id = beating.id and jobs.epoch = beating.epoch
        for no key update skip locked
    ) as locked on true
),

kept as (
    update jobs
    set
        wake_at = statement_timestamp() + make_interval(secs => $5 + found.lease),
        progress = coalesce(found.progress, jobs.progress)
    from found
    where jobs.id = found.id and found.is_kept
    returning jobs.id, jobs.cancel_requested
)

select found.id as "id!", kept.id is not null as "is_kept!", coalesce(kept.cancel_requested, false) as "is_called_off!"
from found
left join kept using (id)
