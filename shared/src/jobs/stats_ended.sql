-- Counts the jobs that ended within the last $2 seconds. It reads the whole table: for people, not for a minute's tick.
select
    kind,
    count(*) filter (where state = 'succeeded') as "succeeded!",
    count(*) filter (where state = 'failed') as "failed!",
    count(*) filter (where state = 'cancelled') as "cancelled!"
from jobs
where finished_at > statement_timestamp() + make_interval(secs => $1) - make_interval(secs => $2)
group by kind
order by kind
