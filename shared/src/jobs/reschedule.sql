-- Moves a job that has not started to another time.
with clock as (
    select statement_timestamp() + make_interval(secs => $3) as now
)

update jobs
set
    run_at = $2,
    due_at = $2,
    turn = case when $2 <= clock.now then clock.now end,
    wake_at = case when $2 <= clock.now then clock.now + make_interval(secs => $4) else $2 end
from clock
where id = $1 and state = 'available' and started_at is null
returning kind, owner_id, extract(epoch from run_at - clock.now)::float8 as "due_in!"
