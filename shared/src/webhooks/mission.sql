select
    endpoint.id as "endpoint_id: WebhookId",
    endpoint.state as "endpoint_state: EndpointState",
    endpoint.url,
    endpoint.secret,
    case when endpoint.previous_secret_until > $4 then endpoint.previous_secret end as previous_secret,
    delivery.payload
from webhook_deliveries as delivery
join webhook_endpoints as endpoint on endpoint.owner_id = delivery.owner_id and endpoint.id = delivery.endpoint_id
where delivery.owner_id = $1 and delivery.id = $2 and delivery.job_id = $3
