-- $4: it answered 410. $5: when a delivery is given up, the time since when nothing may have failed without a break.
-- What is disabled already keeps its reason.
with judged as (
    select
        id,
        case when $4::boolean then 'gone' when coalesce(failing_since, $3) <= $5::timestamptz then 'failing' end as verdict
    from webhook_endpoints
    where owner_id = $1 and id = $2
    for no key update
)

update webhook_endpoints as endpoint
set
    failures = failures + 1,
    failing_since = coalesce(failing_since, $3::timestamptz),
    state = case when judged.verdict is null then endpoint.state else 'disabled' end,
    disabled_reason = coalesce(endpoint.disabled_reason, judged.verdict)
from judged
where endpoint.owner_id = $1 and endpoint.id = judged.id
