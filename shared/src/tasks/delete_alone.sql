-- One statement for a task with which nothing else goes: neither a reminder nor an event, $3, of which a webhook of the
-- owner hears. `exists` is as of before: what is there and was not deleted has one of them.
with deleted as (
    delete from tasks
    where owner_id = $1 and id = $2 and reminder_job_id is null
        and not exists (
            select from webhook_endpoints where owner_id = $1 and state = 'enabled' and event_types && $3::text[]
        )
    returning id
)
select
    exists (select from deleted) as "was_deleted!",
    exists (select from tasks where owner_id = $1 and id = $2) as "was_there!"
