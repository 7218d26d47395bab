set lock_timeout = '5s';

alter table jobs
    add column due_at timestamptz,
    add column turn timestamptz,
    add column crashes smallint not null default 0,
    add column checkpoint jsonb,
    add constraint jobs_crashes check (crashes >= 0);

-- Jobs that are waiting now have a turn from the start; those of the future get theirs when their time comes.
update jobs set due_at = run_at, turn = run_at where state = 'available' and wake_at <> run_at;

-- The line in front of the workers without a queue. Jobs that were in a crash have a line of their own.
create index jobs_turn on jobs (priority, turn) where state = 'available' and turn is not null and crashes = 0;
create index jobs_suspect on jobs (turn) where state = 'available' and turn is not null and crashes > 0;

-- Finds the end of an owner's own line.
create index jobs_owner_turn on jobs (owner_id, turn)
where owner_id is not null and state = 'available' and turn is not null;

comment on column jobs.due_at is 'The first run_at that was asked for. Null on rows of older releases.';
comment on column jobs.turn is 'Its place in line, once workers were told; null before.';
comment on column jobs.crashes is 'Attempts in a row that were abandoned. Above 0 the job runs alone.';
comment on column jobs.checkpoint is 'Where the next attempt goes on; null when the kind saved nothing.';

-- Whose key it is: the job that a further job with the same key joins. Locked while that is decided.
create table job_keys (
    kind text not null,
    key text not null,
    job_id uuid not null,
    held_until timestamptz,

    constraint job_keys_pkey primary key (kind, key),
    constraint job_keys_key_length check (char_length(key) between 1 and 200),
    constraint job_keys_job foreign key (job_id) references jobs (id) on delete cascade deferrable initially deferred
);

create index job_keys_job_id on job_keys (job_id);

comment on column job_keys.held_until is 'The key stays with its job until then, even when the job has succeeded.';
