-- Says that there are workers for these kinds, sorted so that several workers lock the rows in one order.
insert into job_kinds as known (kind, version, seen_at)
select kind, version, statement_timestamp() + make_interval(secs => $3)
from unnest($1::text[], $2::int2[]) as item (kind, version)
order by kind, version
on conflict (kind, version) do update
set seen_at = excluded.seen_at
where known.seen_at < excluded.seen_at
