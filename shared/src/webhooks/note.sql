update webhook_deliveries
set
    state = $4,
    attempts = attempts + 1,
    last_attempt_at = $9,
    last_status = $5,
    last_answer = $6,
    last_error = $7,
    last_duration_ms = $8,
    finished_at = case when $4 <> 'pending' then $9::timestamptz end
where owner_id = $1 and id = $2 and job_id = $3
