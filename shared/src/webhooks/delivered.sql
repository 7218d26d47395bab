-- Notes that a delivery has come through, and ends its job: first the endpoint, then the delivery, then the job.
with works as (
    -- An endpoint that works is not written to, so that its deliveries do not wait for each other.
    update webhook_endpoints
    set failures = 0, failing_since = null
    where owner_id = $5 and id = $6 and failures > 0
    returning id
),

noted as (
    update webhook_deliveries
    set
        state = 'delivered',
        attempts = attempts + 1,
        last_attempt_at = $11,
        last_status = $8,
        last_answer = $9,
        last_error = null,
        last_duration_ms = $10,
        finished_at = $11
    where owner_id = $5 and id = $7 and job_id = $1 and (select count(*) from works) >= 0
    returning id
)

select finish_job($1, $2, $3, $4) as "finished!: Finished"
from (select count(*) from noted) as noted
