set lock_timeout = '5s';

create table jobs (
    id uuid not null,
    kind text not null,
    version smallint not null,
    payload jsonb not null,
    owner_id uuid,
    state text not null default 'available',
    priority smallint not null default 0,
    run_at timestamptz not null,
    attempt integer not null default 0,
    max_attempts integer not null,
    epoch integer not null default 0,
    wake_at timestamptz,
    unique_key text,
    progress smallint,
    result jsonb,
    errors jsonb not null default '[]',
    cancel_requested boolean not null default false,
    trace_context text,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,

    constraint jobs_pkey primary key (id),
    constraint jobs_kind_length check (char_length(kind) between 1 and 100),
    constraint jobs_version check (version > 0),
    constraint jobs_state check (state in ('available', 'running', 'succeeded', 'failed', 'cancelled')),
    constraint jobs_max_attempts check (max_attempts > 0),
    constraint jobs_attempt check (
        attempt between 0 and max_attempts and (state <> 'available' or attempt < max_attempts)
    ),
    constraint jobs_epoch check (epoch >= 0),
    constraint jobs_progress check (progress between 0 and 100),
    constraint jobs_errors check (jsonb_typeof(errors) = 'array'),
    constraint jobs_wake_at check ((wake_at is null) = (state in ('succeeded', 'failed', 'cancelled'))),
    constraint jobs_started_at check (state <> 'running' or started_at is not null),
    constraint jobs_finished_at check ((finished_at is null) = (wake_at is not null))
) with (fillfactor = 80);

-- The alarm: serves notify, rescue and "what is due next". No other indexed column changes during a job's life.
create index jobs_wake_at on jobs (wake_at) where wake_at is not null;

-- Serves an owner's list, newest first.
create index jobs_owner_id on jobs (owner_id, id desc) where owner_id is not null;

comment on table jobs is 'One row a job. The row is the truth; a queue message only says "look now".';
comment on column jobs.version is 'Version of the payload, not of the row.';
comment on column jobs.owner_id is 'Null for a job of the system.';
comment on column jobs.attempt is 'Attempts started so far.';
comment on column jobs.epoch is 'The fence: raised by every claim and by every way out of running.';
comment on column jobs.wake_at is 'The one alarm. Available: when to notify (again). Running: when the lease ends. Null when finished.';
comment on column jobs.progress is 'Per cent; null when the kind reports none.';
comment on column jobs.errors is 'One object {attempt, at, error} for each attempt that failed.';
