-- The last statement of a handler's own transaction: no row means that the lease was lost and nothing may be committed.
update jobs
set
    state = 'succeeded',
    epoch = epoch + 1,
    crashes = 0,
    wake_at = null,
    result = $3,
    progress = case when progress is not null then 100 end,
    finished_at = statement_timestamp() + make_interval(secs => $4)
where id = $1 and epoch = $2
