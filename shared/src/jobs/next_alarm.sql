-- Seconds until the next alarm goes off, null when nothing is unfinished; and whether a job waits that has to run alone.
select
    extract(
        epoch from (select min(jobs.wake_at) from jobs where jobs.wake_at is not null)
        - (statement_timestamp() + make_interval(secs => $1))
    )::float8 as rings_in,
    exists (
        select
        from jobs
        where state = 'available'
            and turn is not null
            and crashes > 0
            and run_at <= statement_timestamp() + make_interval(secs => $1)
    ) as "suspects!"
