insert into tasks (
    id, owner_id, title, description, status, priority, tags, due_at, remind_at, created_at, updated_at, completed_at,
    version
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, case when $5 = 'done' then $10::timestamptz end, 1)
returning
    id as "id: _", title, description, status as "status: _", priority, tags, due_at, remind_at, created_at, updated_at,
    completed_at, version, reminder_job_id as "reminder_job: _"
