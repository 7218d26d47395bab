-- One statement for a task without a reminder. `exists` is as of before: what is there and was not deleted has one.
with deleted as (
    delete from tasks
    where owner_id = $1 and id = $2 and reminder_job_id is null
    returning id
)
select
    exists (select from deleted) as "was_deleted!",
    exists (select from tasks where owner_id = $1 and id = $2) as "was_there!"
