set lock_timeout = '5s';

create function finish_job(finishing uuid, fence integer, outcome jsonb, seconds_ahead double precision) returns uuid
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
        finished_at = statement_timestamp() + make_interval(secs => seconds_ahead)
    where id = finishing and epoch = fence;
    if not found then
        raise exception 'job % has left epoch %', finishing, fence using errcode = 'ER001';
    end if;
    return finishing;
end
$$;

comment on function finish_job is 'Ends a job that succeeded, with its result, and returns its id. Fails, and with it the statement and the transaction around it, when another attempt has the job by now.';
