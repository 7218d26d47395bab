-- The first page starts above every id, so that each page is one range of the owner's index, whatever the plan.
select
    id as "id: _", kind, owner_id as "owner_id: _", state as "state: _", priority as "priority: _", attempt, max_attempts,
    progress, result, errors as "errors: _", cancel_requested, run_at, created_at, started_at, finished_at
from jobs
where owner_id = $1
    and id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    and ($3::text is null or kind = $3)
    and ($4::text is null or state = $4)
order by id desc
limit $5
