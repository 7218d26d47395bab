delete from tasks
where owner_id = $1 and id = $2
returning
    id as "id: _", title, description, status as "status: _", priority, tags, due_at, remind_at, created_at, updated_at,
    completed_at, version, reminder_job_id as "reminder_job: _"
