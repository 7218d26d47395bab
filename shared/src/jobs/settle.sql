-- Writes the ends of attempts. `done` and `discard` finish the job, `cancelled` too; `retry` fails it when no attempt is
-- left; `snooze` (fails it when it is too old), `continue` and `release` give the attempt back. What would go back but
-- was called off meanwhile ends as cancelled.
-- Matching on id and epoch is enough because every way out of `running` raises the epoch; rows are locked in id order.
with clock as (
    select statement_timestamp() + make_interval(secs => $7) as now
),

ended as (
    select *
    from unnest($1::uuid[], $2::int4[], $3::text[], $4::jsonb[], $5::text[], $6::float8[], $9::bool[], $10::float8[])
        as item (id, epoch, ending, result, error, delay, internal, max_age)
),

locked as materialized (
    select
        jobs.id,
        case
            when ended.ending = 'done' then 'succeeded'
            when ended.ending = 'discard' then 'failed'
            when ended.ending = 'cancelled' or jobs.cancel_requested then 'cancelled'
            when ended.ending = 'retry' and jobs.attempt >= jobs.max_attempts then 'failed'
            when ended.ending = 'snooze'
                and clock.now + make_interval(secs => ended.delay)
                > coalesce(jobs.due_at, jobs.created_at) + make_interval(secs => ended.max_age)
                then 'failed'
            else 'available'
        end as state,
        ended.ending in ('snooze', 'continue', 'release') as gives_back
    from jobs
    join ended using (id, epoch)
    cross join clock
    order by jobs.id
    for no key update of jobs
)

update jobs
set
    state = locked.state,
    epoch = jobs.epoch + 1,
    attempt = case when locked.gives_back and locked.state = 'available' then jobs.attempt - 1 else jobs.attempt end,
    crashes = 0,
    run_at = case when locked.state = 'available' then clock.now + make_interval(secs => ended.delay) else jobs.run_at end,
    -- The same rule as in enqueue: due means told; $8 is the grace.
    turn = case when ended.delay <= 0 then clock.now end,
    wake_at = case
        when locked.state <> 'available' then null
        when ended.delay <= 0 then clock.now + make_interval(secs => $8)
        else clock.now + make_interval(secs => ended.delay)
    end,
    result = coalesce(ended.result, jobs.result),
    errors = case
        when ended.error is null or (locked.gives_back and locked.state <> 'failed') then jobs.errors
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
