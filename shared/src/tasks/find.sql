select
    id as "id: _", title, description, status as "status: _", priority, tags, due_at, created_at, updated_at,
    completed_at, version
from tasks
where owner_id = $1 and id = $2
