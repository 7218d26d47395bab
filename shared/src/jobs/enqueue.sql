-- One row for each element. A job that is due has its turn at once, and `wake_at` already counts the notification that
-- follows the commit as sent; one that is not due rings when its time comes.
-- All of them belong to the trace $13.
-- An owner's jobs stand $12 seconds apart in the line, so a crowd of them cannot keep others waiting.
with clock as (
    select statement_timestamp() + make_interval(secs => $9) as now
),

asked as (
    select
        item.*,
        greatest(coalesce(item.at, clock.now), '0001-01-01') as run_at,
        coalesce(item.at, clock.now) <= clock.now as is_due,
        clock.now
    from
        unnest($1::uuid[], $2::text[], $3::int2[], $4::jsonb[], $5::uuid[], $6::int2[], $7::timestamptz[], $8::int4[], $11::text[])
            with ordinality
            as item (id, kind, version, payload, owner_id, priority, at, max_attempts, unique_key, position)
    cross join clock
),

lines as materialized (
    select
        owners.owner_id,
        (
            select jobs.turn
            from jobs
            where jobs.owner_id = owners.owner_id
                and jobs.state = 'available'
                and jobs.turn > owners.now - make_interval(secs => $12)
            order by jobs.turn desc
            limit 1
        ) as last_turn
    from (select distinct owner_id, now from asked where owner_id is not null and is_due) as owners
)

insert into jobs (
    id, kind, version, payload, owner_id, priority, run_at, due_at, max_attempts, unique_key, turn, wake_at,
    trace_context, created_at
)
select
    id, kind, version, payload, owner_id, priority, run_at, run_at, max_attempts, unique_key,
    case
        when not is_due then null
        when owner_id is null then run_at
        else
            greatest(run_at, last_turn + make_interval(secs => $12))
            + make_interval(secs => $12) * (row_number() over (partition by owner_id, is_due order by position) - 1)
    end,
    case when is_due then now + make_interval(secs => $10) else run_at end,
    $13::text,
    now
from asked
left join lines using (owner_id)
order by position
returning
    id,
    run_at,
    created_at,
    extract(epoch from run_at - created_at)::float8 as "due_in!"
