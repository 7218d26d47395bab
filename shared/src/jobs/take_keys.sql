-- Makes other jobs the holders of keys that the transaction has locked.
update job_keys
set
    job_id = item.job_id,
    held_until = statement_timestamp() + make_interval(secs => $5) + make_interval(secs => item.period)
from unnest($1::text[], $2::text[], $3::uuid[], $4::float8[]) as item (kind, key, job_id, period)
where job_keys.kind = item.kind and job_keys.key = item.key
