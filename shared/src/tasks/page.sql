-- The first page starts above every id, so that each page is one range of the index, whatever the plan.
select
    id as "id: _", title, description, status as "status: _", priority, tags, due_at, remind_at, created_at, updated_at,
    completed_at, version, reminder_job_id as "reminder_job: _"
from tasks
where owner_id = $1
    and id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    and ($3::text is null or status = $3)
    and ($4::int2 is null or priority = $4)
    and ($5::text is null or $5 = any(tags))
    and ($6::timestamptz is null or due_at < $6)
    and ($7::timestamptz is null or due_at >= $7)
    and ($8::text is null or title ilike $8 or description ilike $8)
order by id desc
limit $9
