select
    id as "id: _", url, event_types, state as "state: _", disabled_reason as "disabled_reason: _", failures, failing_since,
    previous_secret_until, created_at, updated_at
from webhook_endpoints
where owner_id = $1 and id = $2
