update webhook_endpoints
set secret = $3, previous_secret = secret, previous_secret_until = $4, updated_at = $5
where owner_id = $1 and id = $2
returning
    id as "id: _", url, event_types, state as "state: _", disabled_reason as "disabled_reason: _", failures, failing_since,
    previous_secret_until, created_at, updated_at
