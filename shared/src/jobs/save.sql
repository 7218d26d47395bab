-- The last statement of a transaction in the middle of an attempt: no row means that the lease was lost.
update jobs
set
    checkpoint = $3,
    progress = coalesce($4, progress)
where id = $1 and epoch = $2
returning cancel_requested
