-- Writes the ends of attempts. `done` and `discard` finish the job, `cancelled` too; `retry` fails it when no attempt is
-- left; `snooze` (fails it when it is too old), `continue` and `release` give the attempt back. What would go back but
-- was called off meanwhile ends as cancelled.
-- Matching on id and epoch is enough because every way out of `running` raises the epoch; rows are locked in id order.
-- Each row is looked up by itself, laterally: as a join of two sets, the planner's guess of their sizes would decide
-- whether a thousand ends cost a thousand lookups or a million comparisons.
with clock as (
    select statement_timestamp() + make_interval(secs => $7) as now
),

ended as (
    select *
    from unnest($1::uuid[], $2::int4[], $3::text[], $4::jsonb[], $5::text[], $6::float8[], $9::bool[], $10::float8[])
        as item (id, epoch, ending, result, error, delay, internal, max_age)
    order by id
),

locked as materialized (
    select
        ended.id, ended.result, ended.error, ended.delay, ended.internal, clock.now,
        case
            when ended.ending = 'done' then 'succeeded'
            when ended.ending = 'discard' then 'failed'
            when ended.ending = 'cancelled' or job.cancel_requested then 'cancelled'
            when ended.ending = 'retry' and job.attempt >= job.max_attempts then 'failed'
            when ended.ending = 'snooze'
                and clock.now + make_interval(secs => ended.delay)
                > coalesce(job.due_at, job.created_at) + make_interval(secs => ended.max_age)
                then 'failed'
            else 'available'
        end as state,
        ended.ending in ('snooze', 'continue', 'release') as gives_back
    from clock
    cross join ended
    cross join lateral (
        select cancel_requested, attempt, max_attempts, due_at, created_at
        from jobs
        where jobs.id = ended.id and jobs.epoch = ended.epoch
        for no key update
    ) as job
)

update jobs
set
    state = locked.state,
    epoch = jobs.epoch + 1,
    attempt = case when locked.gives_back and locked.state = 'available' then jobs.attempt - 1 else jobs.attempt end,
    crashes = 0,
    run_at = case
        when locked.state = 'available' then locked.now + make_interval(secs => locked.delay)
        else jobs.run_at
    end,
    -- The same rule as in enqueue: due means told; $8 is the grace.
    turn = case when locked.delay <= 0 then locked.now end,
    wake_at = case
        when locked.state <> 'available' then null
        when locked.delay <= 0 then locked.now + make_interval(secs => $8)
        else locked.now + make_interval(secs => locked.delay)
    end,
    result = coalesce(locked.result, jobs.result),
    errors = case
        when locked.error is null or (locked.gives_back and locked.state <> 'failed') then jobs.errors
        else jobs.errors || jsonb_build_object(
            'attempt', jobs.attempt, 'at', locked.now, 'error', locked.error, 'internal', locked.internal
        )
    end,
    progress = case when locked.state = 'succeeded' and jobs.progress is not null then 100 else jobs.progress end,
    finished_at = case when locked.state <> 'available' then locked.now end
from locked
where jobs.id = locked.id
returning
    jobs.id, jobs.state, jobs.owner_id, locked.delay as "delay!",
    case when jobs.state = 'available' then jobs.kind end as "kind?"
