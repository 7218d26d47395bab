select
    delivery.job_id,
    endpoint.state as "endpoint_state: EndpointState",
    (delivery.state = 'pending' and job.wake_at is not null) as "is_under_way!"
from webhook_deliveries as delivery
join webhook_endpoints as endpoint on endpoint.owner_id = delivery.owner_id and endpoint.id = delivery.endpoint_id
left join jobs as job on job.id = delivery.job_id
where delivery.owner_id = $1 and delivery.endpoint_id = $2 and delivery.id = $3
