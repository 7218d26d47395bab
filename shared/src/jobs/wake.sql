-- Takes up to $2 alarms that went off: jobs nobody was told about, or too long ago, are to be notified (again) and get
-- their turn; leases that ran out are rescued, or end the job when it was called off or no attempt is left.
-- Jobs due within $3 seconds of which nobody was told are included, so that a tick a minute still starts them to the
-- second. $4 and $5 bound the grace until the next notification, which doubles with lateness. $7 is what stands between
-- two turns of one owner.
with clock as (
    select statement_timestamp() + make_interval(secs => $1) as now
),

-- The time is written out where an index is to find rows by it: a join with `clock` would read all of them.
rung as materialized (
    select
        jobs.id, jobs.owner_id, jobs.state, jobs.cancel_requested, jobs.attempt, jobs.max_attempts, jobs.turn, jobs.run_at,
        clock.now
    from jobs
    cross join clock
    where jobs.wake_at <= statement_timestamp() + make_interval(secs => $1)
    order by jobs.wake_at
    limit $2
    for no key update of jobs skip locked
),

-- An index of their own: those that were told are many more, and would all be looked at.
untold as materialized (
    select
        jobs.id, jobs.owner_id, jobs.state, jobs.cancel_requested, jobs.attempt, jobs.max_attempts, jobs.turn, jobs.run_at,
        clock.now
    from jobs
    cross join clock
    where jobs.state = 'available'
        and jobs.wake_at = jobs.run_at
        and jobs.wake_at > statement_timestamp() + make_interval(secs => $1)
        and jobs.wake_at <= statement_timestamp() + make_interval(secs => $1 + $3)
    order by jobs.wake_at
    limit $2 - (select count(*) from rung)
    for no key update of jobs skip locked
),

ringing as materialized (
    select
        id,
        owner_id,
        case
            when state = 'available' then 'available'
            when cancel_requested then 'cancelled'
            when attempt >= max_attempts then 'failed'
            else 'available'
        end as state,
        state = 'running' as is_abandoned,
        state = 'running' or turn is null as needs_turn,
        case when state = 'running' then now else run_at end as run_at,
        now
    from (select * from rung union all select * from untold) as alarms
),

lines as materialized (
    select
        owners.owner_id,
        (
            select jobs.turn
            from jobs
            where jobs.owner_id = owners.owner_id
                and jobs.state = 'available'
                and jobs.turn > owners.now - make_interval(secs => $7)
            order by jobs.turn desc
            limit 1
        ) as last_turn
    from (select distinct owner_id, now from ringing where owner_id is not null and needs_turn) as owners
),

judged as (
    select
        ringing.*,
        greatest(ringing.run_at, ringing.now)
        + greatest(least(ringing.now - ringing.run_at, make_interval(secs => $5)), make_interval(secs => $4)) as alarm,
        case
            when ringing.owner_id is null then ringing.run_at
            else
                greatest(ringing.run_at, lines.last_turn + make_interval(secs => $7))
                + make_interval(secs => $7)
                * (row_number() over (partition by ringing.owner_id, ringing.needs_turn order by ringing.run_at) - 1)
        end as turn
    from ringing
    left join lines using (owner_id)
)

update jobs
set
    state = judged.state,
    epoch = case when judged.is_abandoned then jobs.epoch + 1 else jobs.epoch end,
    crashes = case when judged.is_abandoned then least(jobs.crashes + 1, 32767) else jobs.crashes end,
    run_at = judged.run_at,
    turn = case when judged.needs_turn then judged.turn else jobs.turn end,
    wake_at = case when judged.state = 'available' then judged.alarm end,
    finished_at = case when judged.state <> 'available' then judged.now end,
    errors = case
        when judged.is_abandoned
            then jobs.errors || jsonb_build_object('attempt', jobs.attempt, 'at', judged.now, 'error', $6::text)
        else jobs.errors
    end
-- The limit is there for the planner alone: from it, it knows that these are few beside the table.
from (select * from judged limit 1000) as judged
where jobs.id = judged.id
returning
    jobs.id,
    jobs.kind,
    jobs.owner_id,
    jobs.state,
    jobs.trace_context,
    judged.is_abandoned as "rescued!",
    extract(epoch from jobs.run_at - judged.now)::float8 as "due_in!"
