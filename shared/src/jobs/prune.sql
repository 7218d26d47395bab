-- One step of pruning: looks at the next $2 jobs in the order of their ids, and deletes those that succeeded more than $3
-- seconds ago, or failed or were cancelled more than $4 seconds ago. Ids sort by time of creation, so the walk ends at the
-- first job that is younger than both; then it rests for $5 seconds and begins anew.
-- A job whose key is held stays. One step is under way at a time: others find the place taken and do nothing. Keys are
-- locked before their jobs, as those do who take a job up again, and whatever is locked stays for the next lap.
with clock as (
    select statement_timestamp() + make_interval(secs => $1) as now
),

place as materialized (
    select
        upkeep.cursor,
        clock.now,
        (
            lpad(to_hex((extract(epoch from clock.now - make_interval(secs => least($3::float8, $4::float8))) * 1000)::bigint), 12, '0')
            || repeat('0', 20)
        )::uuid as horizon
    from job_upkeep as upkeep
    cross join clock
    where upkeep.name = 'prune'
        and (
            upkeep.cursor <> '00000000-0000-0000-0000-000000000000'
            or upkeep.updated_at <= clock.now - make_interval(secs => $5)
        )
    for no key update of upkeep skip locked
),

walked as materialized (
    select
        step.id,
        place.now - make_interval(secs => case step.state when 'succeeded' then $3::float8 else $4::float8 end) as finished_until,
        step.finished_at
    from place
    cross join lateral (
        select jobs.id, jobs.state, jobs.finished_at
        from jobs
        where jobs.id > place.cursor and jobs.id < place.horizon
        order by jobs.id
        limit $2
    ) as step
),

old as materialized (
    select id, finished_until from walked where finished_at <= finished_until
),

freed as materialized (
    select job_keys.job_id
    from job_keys
    where job_keys.job_id in (select old.id from old)
        and (job_keys.held_until is null or job_keys.held_until <= (select clock.now from clock))
    order by job_keys.kind, job_keys.key
    for update skip locked
),

doomed as materialized (
    select jobs.id
    from jobs
    join old on old.id = jobs.id
    where jobs.finished_at <= old.finished_until
        and (
            jobs.id in (select freed.job_id from freed)
            or not exists (select from job_keys where job_keys.job_id = jobs.id)
        )
    order by jobs.id
    for update of jobs skip locked
),

deleted as (
    delete from jobs
    using doomed
    where jobs.id = doomed.id
    returning jobs.id
),

moved as (
    update job_upkeep
    set
        cursor = case
            when (select count(*) from walked) < $2 then '00000000-0000-0000-0000-000000000000'
            else (select walked.id from walked order by walked.id desc limit 1)
        end,
        updated_at = place.now
    from place
    where job_upkeep.name = 'prune'
    returning job_upkeep.name
)

select
    (select count(*) from walked) as "walked!",
    (select count(*) from deleted) as "deleted!",
    exists (select from moved) as "moved!"
