-- As page.sql, over all owners and along the primary key.
select
    id as "id: _", kind, owner_id as "owner_id: _", state as "state: _", priority as "priority: _", attempt, max_attempts,
    progress, result, errors as "errors: _", cancel_requested, run_at, created_at, started_at, finished_at
from jobs
where id < coalesce($1, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    and ($2::text is null or kind = $2)
    and ($3::text is null or state = $3)
order by id desc
limit $4
