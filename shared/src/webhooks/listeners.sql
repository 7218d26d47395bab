-- The lock keeps the endpoints from being deleted before the deliveries that refer to them are committed. It does not
-- keep their failures from being counted.
select id as "id: WebhookId", event_types
from webhook_endpoints
where owner_id = $1 and state = 'enabled' and event_types && $2
order by id
for key share
