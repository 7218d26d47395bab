insert into webhook_deliveries (id, endpoint_id, owner_id, event_type, payload, job_id, created_at)
select item.id, item.endpoint_id, $1::uuid, item.event_type, item.payload, item.job_id, $7::timestamptz
from unnest($2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::uuid[])
    as item (id, endpoint_id, event_type, payload, job_id)
