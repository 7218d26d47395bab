-- Null leaves a field as it is; $8 and $11 tell whether `due_at` and `remind_at` are to be changed at all. $13 leaves
-- tasks alone that have a reminder. Nothing is changed when a webhook of the owner hears of one of $14.
update tasks
set
    title = coalesce($3, title),
    description = coalesce($4, description),
    status = coalesce($5, status),
    priority = coalesce($6, priority),
    tags = coalesce($7, tags),
    due_at = case when $8::boolean then $9 else due_at end,
    remind_at = case when $11::boolean then $12 else remind_at end,
    updated_at = $10,
    completed_at = case when coalesce($5, status) = 'done' then coalesce(completed_at, $10) end,
    version = version + 1
where owner_id = $1 and id = $2 and (remind_at is null or not $13::boolean)
    and not exists (
        select from webhook_endpoints where owner_id = $1 and state = 'enabled' and event_types && $14::text[]
    )
returning
    id as "id: _", title, description, status as "status: _", priority, tags, due_at, remind_at, created_at, updated_at,
    completed_at, version, reminder_job_id as "reminder_job: _"
