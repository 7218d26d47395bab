-- Claims what can be claimed among the ids of $1 and says of each of the others why not.
-- Rows that another transaction holds are skipped, not waited for: one slow row must not hold up a batch.
-- A job that was in a crash is claimed only when it is asked for alone ($7).
with clock as (
    select statement_timestamp() + make_interval(secs => $5) as now
),

supported as (
    select * from unnest($2::text[], $3::int2[], $4::float8[]) as item (kind, version, lease)
),

locked as materialized (
    select id, kind, version, state, run_at, wake_at, attempt, max_attempts, owner_id, crashes, cancel_requested,
        trace_context
    from jobs
    where id = any($1)
    order by id
    for no key update skip locked
),

judged as materialized (
    select
        locked.*,
        supported.lease,
        clock.now,
        case
            when locked.state in ('succeeded', 'failed', 'cancelled') then 'finished'
            when locked.state = 'running' and locked.wake_at > clock.now then 'leased'
            when locked.state = 'running' and locked.cancel_requested then 'cancelled'
            when locked.state = 'running' and locked.attempt >= locked.max_attempts then 'exhausted'
            when supported.kind is null then 'unsupported'
            when locked.state = 'available' and locked.run_at > clock.now then 'not_due'
            when not $7::bool and (locked.state = 'running' or locked.crashes > 0) then 'suspect'
            else 'claimed'
        end as verdict
    from locked
    cross join clock
    left join supported using (kind, version)
),

moved as (
    update jobs
    set
        state = case judged.verdict when 'claimed' then 'running' when 'cancelled' then 'cancelled' else 'failed' end,
        epoch = jobs.epoch + 1,
        attempt = case when judged.verdict = 'claimed' then jobs.attempt + 1 else jobs.attempt end,
        crashes = case when judged.state = 'running' then least(jobs.crashes + 1, 32767) else jobs.crashes end,
        wake_at = case when judged.verdict = 'claimed' then judged.now + make_interval(secs => judged.lease) end,
        started_at = case when judged.verdict = 'claimed' then judged.now else jobs.started_at end,
        finished_at = case when judged.verdict <> 'claimed' then judged.now end,
        errors = case
            when judged.state = 'running'
                then jobs.errors || jsonb_build_object('attempt', jobs.attempt, 'at', judged.now, 'error', $6::text)
            else jobs.errors
        end
    from judged
    where jobs.id = judged.id and judged.verdict in ('claimed', 'cancelled', 'exhausted')
    returning jobs.id, jobs.epoch, jobs.attempt, jobs.payload, jobs.checkpoint
)

select
    asked.id as "id!",
    coalesce(judged.verdict, case when seen.id is null then 'missing' else 'locked' end) as "verdict!",
    extract(epoch from judged.now - judged.run_at)::float8 as "waited?",
    coalesce(judged.kind, seen.kind) as "kind?",
    coalesce(judged.owner_id, seen.owner_id) as "owner_id?",
    coalesce(judged.trace_context, seen.trace_context) as "trace_context?",
    judged.version as "version?",
    judged.max_attempts as "max_attempts?",
    moved.epoch as "epoch?",
    moved.attempt as "attempt?",
    moved.payload as "payload?: Json<Box<RawValue>>",
    moved.checkpoint as "checkpoint?"
from unnest($1) as asked (id)
left join judged on judged.id = asked.id
left join moved on moved.id = asked.id
left join jobs as seen on judged.id is null and seen.id = asked.id
