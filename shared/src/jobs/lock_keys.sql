-- Locks the rows of keys, in the order of the arrays (they are sorted), and says who has each. The update changes nothing:
-- it takes the lock, and sees the row as the last holder of the lock left it.
insert into job_keys as held (kind, key, job_id, held_until)
select
    kind, key, job_id,
    statement_timestamp() + make_interval(secs => $5) + make_interval(secs => period)
from unnest($1::text[], $2::text[], $3::uuid[], $4::float8[]) with ordinality as item (kind, key, job_id, period, position)
order by position
on conflict (kind, key) do update set key = excluded.key
returning
    job_id,
    coalesce(held_until > statement_timestamp() + make_interval(secs => $5), false) as "is_held!"
