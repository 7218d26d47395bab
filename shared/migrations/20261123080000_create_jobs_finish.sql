set lock_timeout = '5s';

-- The last statement of a handler's own transaction, sent in one message with its commit. It fails when the attempt has
-- lost its job, so that nothing of the transaction is committed. What it says may change in a later migration, what it
-- means to those who call it may not: older code goes on calling it. `moved` are seconds by which tests move the clock.
create function jobs_finish(job uuid, attempt_epoch int4, outcome jsonb, moved float8) returns void
language plpgsql
as $$
begin
    update jobs
    set
        state = 'succeeded',
        epoch = epoch + 1,
        crashes = 0,
        wake_at = null,
        result = outcome,
        progress = case when progress is not null then 100 end,
        finished_at = statement_timestamp() + make_interval(secs => moved)
    where id = job and epoch = attempt_epoch;
    if not found then
        raise exception using errcode = 'ER001', message = 'the attempt has lost its job';
    end if;
end
$$;

comment on function jobs_finish is 'Ends an attempt in the transaction of its effects. Fails with ER001 when another attempt has the job.';
