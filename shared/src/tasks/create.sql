-- Nothing is written when a webhook of the owner hears of one of $11.
insert into tasks (
    id, owner_id, title, description, status, priority, tags, due_at, remind_at, created_at, updated_at, completed_at,
    version
)
select
    $1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::int2, $7::text[], $8::timestamptz, $9::timestamptz,
    $10::timestamptz, $10, case when $5 = 'done' then $10 end, 1
where not exists (
    select from webhook_endpoints where owner_id = $2 and state = 'enabled' and event_types && $11::text[]
)
returning
    id as "id: _", title, description, status as "status: _", priority, tags, due_at, remind_at, created_at, updated_at,
    completed_at, version, reminder_job_id as "reminder_job: _"
