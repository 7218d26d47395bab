-- Seconds until the next job becomes due within the window of $2 seconds; null when none does.
-- $3 is the grace: nothing that becomes due in the window has its alarm later than window + grace.
select extract(epoch from min(run_at) - (statement_timestamp() + make_interval(secs => $1)))::float8 as due_in
from jobs
where wake_at <= statement_timestamp() + make_interval(secs => $1 + $2 + $3)
    and state = 'available'
    and run_at > statement_timestamp() + make_interval(secs => $1)
    and run_at <= statement_timestamp() + make_interval(secs => $1 + $2)
