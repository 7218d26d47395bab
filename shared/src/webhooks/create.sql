-- Nothing when the owner has $7 endpoints already.
insert into webhook_endpoints (owner_id, id, url, event_types, secret, created_at, updated_at)
select $1::uuid, $2::uuid, $3::text, $4::text[], $5::bytea, $6::timestamptz, $6
where (select count(*) from webhook_endpoints where owner_id = $1) < $7
returning
    id as "id: _", url, event_types, state as "state: _", disabled_reason as "disabled_reason: _", failures, failing_since,
    previous_secret_until, created_at, updated_at
