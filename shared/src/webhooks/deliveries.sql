select
    delivery.id as "id: _",
    delivery.endpoint_id as "endpoint_id: _",
    delivery.event_type,
    delivery.payload,
    delivery.job_id as "job_id: _",
    case
        when delivery.state <> 'pending' or job.wake_at is not null then delivery.state
        when job.state = 'cancelled' then 'cancelled'
        else 'failed'
    end as "state!: _",
    delivery.attempts,
    delivery.last_attempt_at,
    delivery.last_status,
    delivery.last_answer,
    delivery.last_error,
    delivery.last_duration_ms,
    delivery.created_at,
    coalesce(delivery.finished_at, job.finished_at) as finished_at
from webhook_deliveries as delivery
left join jobs as job on job.id = delivery.job_id
where delivery.owner_id = $1
    and delivery.endpoint_id = $2
    and delivery.id < coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
order by delivery.id desc
limit $4
