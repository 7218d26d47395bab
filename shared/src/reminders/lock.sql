select
    tasks.title, tasks.due_at, tasks.status as "status: _", users.email,
    tasks.reminder_job_id is not distinct from $3::uuid as "is_current!"
from tasks
join users on users.id = tasks.owner_id
where tasks.owner_id = $1 and tasks.id = $2
for no key update of tasks
