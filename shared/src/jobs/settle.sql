-- Writes the ends of attempts: `done`, `retry` (fails when no attempt is left), `discard`, `release` (gives the attempt back).
-- Matching on id and epoch is enough because every way out of `running` raises the epoch; rows are locked in id order.
with clock as (
    select statement_timestamp() + make_interval(secs => $7) as now
),

ended as (
    select * from unnest($1::uuid[], $2::int4[], $3::text[], $4::jsonb[], $5::text[], $6::float8[], $10::bool[])
        as item (id, epoch, ending, result, error, delay, internal)
),

locked as materialized (
    select
        jobs.id,
        case
            when ended.ending = 'done' then 'succeeded'
            when ended.ending = 'discard' or (ended.ending = 'retry' and jobs.attempt >= jobs.max_attempts) then 'failed'
            else 'available'
        end as state
    from jobs
    join ended using (id, epoch)
    order by jobs.id
    for no key update of jobs
)

update jobs
set
    state = locked.state,
    epoch = jobs.epoch + 1,
    attempt = case when ended.ending = 'release' then jobs.attempt - 1 else jobs.attempt end,
    run_at = case when locked.state = 'available' then clock.now + make_interval(secs => ended.delay) else jobs.run_at end,
    -- The same rule as in enqueue: told when within the horizon ($8), else left to the scheduler; $9 is the grace.
    wake_at = case
        when locked.state <> 'available' then null
        when ended.delay <= $8 then clock.now + make_interval(secs => ended.delay + $9)
        else clock.now + make_interval(secs => ended.delay)
    end,
    result = coalesce(ended.result, jobs.result),
    errors = case
        when ended.error is null then jobs.errors
        else jobs.errors || jsonb_build_object(
            'attempt', jobs.attempt, 'at', clock.now, 'error', ended.error, 'internal', ended.internal
        )
    end,
    progress = case when locked.state = 'succeeded' and jobs.progress is not null then 100 else jobs.progress end,
    finished_at = case when locked.state <> 'available' then clock.now end
from ended
cross join clock
join locked using (id)
where jobs.id = ended.id and jobs.epoch = ended.epoch
returning jobs.id, jobs.kind, jobs.owner_id, jobs.state, ended.delay as "delay!"
