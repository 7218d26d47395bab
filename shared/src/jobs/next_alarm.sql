-- Seconds until the next alarm goes off, null when nothing is unfinished; and whether a job of a known kind waits that has
-- to run alone.
select
    extract(
        epoch from (select min(jobs.wake_at) from jobs where jobs.wake_at is not null)
        - (statement_timestamp() + make_interval(secs => $1))
    )::float8 as rings_in,
    exists (
        select
        from jobs
        join unnest($2::text[], $3::int2[]) as supported (kind, version) using (kind, version)
        where jobs.state = 'available'
            and jobs.turn is not null
            and jobs.crashes > 0
            and jobs.run_at <= statement_timestamp() + make_interval(secs => $1)
    ) as "suspects!"
