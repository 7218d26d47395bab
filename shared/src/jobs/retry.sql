-- Takes a finished job up again, with one attempt more when none is left. Like a new one it stands $5 seconds behind the last
-- of its owner's in the line.
with clock as (
    select statement_timestamp() + make_interval(secs => $3) as now
)

update jobs
set
    state = 'available',
    epoch = epoch + 1,
    max_attempts = greatest(max_attempts, attempt + 1),
    crashes = 0,
    cancel_requested = false,
    run_at = clock.now,
    due_at = clock.now,
    turn = case
        when owner_id is null then clock.now
        else greatest(clock.now, make_interval(secs => $5) + (
            select other.turn
            from jobs as other
            where other.owner_id = jobs.owner_id
                and other.state = 'available'
                and other.turn > clock.now - make_interval(secs => $5)
            order by other.turn desc
            limit 1
        ))
    end,
    wake_at = clock.now + make_interval(secs => $4),
    finished_at = null
from clock
where id = $1 and ($2::uuid is null or owner_id = $2) and state in ('failed', 'cancelled')
returning
    id as "id: JobId", kind, owner_id as "owner_id: OwnerId", state as "state: State",
    priority as "priority: super::Priority", attempt, max_attempts, progress, result,
    errors as "errors: sqlx::types::Json<Vec<super::AttemptError>>", cancel_requested, run_at, created_at, started_at,
    finished_at
