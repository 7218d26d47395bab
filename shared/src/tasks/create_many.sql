-- `unnest` would flatten an array of arrays, so the tags of each task come as JSON.
insert into tasks (
    id, owner_id, title, description, status, priority, tags, due_at, created_at, updated_at, completed_at, version
)
select
    id, $1, title, description, status, priority, array(select jsonb_array_elements_text(tags)), due_at, $9, $9,
    case when status = 'done' then $9::timestamptz end, 1
from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int2[], $7::jsonb[], $8::timestamptz[])
    as task (id, title, description, status, priority, tags, due_at)
