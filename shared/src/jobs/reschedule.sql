-- Moves a job that has not started to another time. When that has come, it stands $5 seconds behind the last of its owner's in
-- the line, like a new one.
with clock as (
    select statement_timestamp() + make_interval(secs => $3) as now
)

update jobs
set
    run_at = $2,
    due_at = $2,
    turn = case
        when $2 > clock.now then null
        when owner_id is null then clock.now
        else greatest(clock.now, make_interval(secs => $5) + (
            select other.turn
            from jobs as other
            where other.owner_id = jobs.owner_id
                and other.id <> jobs.id
                and other.state = 'available'
                and other.turn > clock.now - make_interval(secs => $5)
            order by other.turn desc
            limit 1
        ))
    end,
    wake_at = case when $2 <= clock.now then clock.now + make_interval(secs => $4) else $2 end
from clock
where id = $1 and state = 'available' and started_at is null
returning kind, owner_id, extract(epoch from run_at - clock.now)::float8 as "due_in!"
