-- One row for each element. `wake_at` already counts the notification that follows the commit as sent,
-- except for jobs beyond the horizon ($9), which the scheduler notifies when their time comes.
with clock as (
    select statement_timestamp() + make_interval(secs => $8) as now
),

asked as (
    select item.*, coalesce(item.at, clock.now) as run_at, clock.now
    from unnest($1::uuid[], $2::text[], $3::int2[], $4::jsonb[], $5::uuid[], $6::timestamptz[], $7::int4[])
        as item (id, kind, version, payload, owner_id, at, max_attempts)
    cross join clock
)

insert into jobs (id, kind, version, payload, owner_id, run_at, max_attempts, wake_at, created_at)
select
    id, kind, version, payload, owner_id, run_at, max_attempts,
    case
        when run_at <= now + make_interval(secs => $9) then greatest(run_at, now) + make_interval(secs => $10)
        else run_at
    end,
    now
from asked
returning
    id,
    run_at,
    created_at,
    extract(epoch from run_at - created_at)::float8 as "due_in!"
