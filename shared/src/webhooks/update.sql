-- Null leaves a field as it is. What is enabled or moved starts without failures.
update webhook_endpoints
set
    url = coalesce($3, url),
    event_types = coalesce($4, event_types),
    state = coalesce($5, state),
    disabled_reason = case coalesce($5, state) when 'disabled' then coalesce(disabled_reason, 'owner') end,
    failures = case when $5 = 'enabled' or $3 <> url then 0 else failures end,
    failing_since = case when $5 = 'enabled' or $3 <> url then null else failing_since end,
    updated_at = $6
where owner_id = $1 and id = $2
returning
    id as "id: _", url, event_types, state as "state: _", disabled_reason as "disabled_reason: _", failures, failing_since,
    previous_secret_until, created_at, updated_at
