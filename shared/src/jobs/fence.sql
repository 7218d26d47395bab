-- The last statement of a handler's own transaction: it fails when the lease was lost, and then nothing may be committed.
select finish_job($1, $2, $3, $4) as "finished!: Finished"
