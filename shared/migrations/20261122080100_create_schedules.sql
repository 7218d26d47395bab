set lock_timeout = '5s';

create table schedules (
    name text not null,
    kind text not null,
    cron text not null,
    time_zone text not null,
    misfire text not null,
    misfire_at_most smallint,
    next_at timestamptz not null,
    last_at timestamptz,
    last_job_id uuid,
    retired boolean not null default false,
    changed_at timestamptz not null,

    constraint schedules_pkey primary key (name),
    constraint schedules_name_length check (char_length(name) between 1 and 100),
    constraint schedules_kind_length check (char_length(kind) between 1 and 100),
    constraint schedules_cron_length check (char_length(cron) between 9 and 500),
    constraint schedules_time_zone_length check (char_length(time_zone) between 1 and 100),
    constraint schedules_misfire check (misfire in ('skip', 'once', 'all')),
    constraint schedules_misfire_at_most check (
        (misfire = 'all') = (misfire_at_most is not null) and misfire_at_most between 1 and 1000
    ),
    constraint schedules_last check ((last_at is null) = (last_job_id is null)),
    constraint schedules_last_at check (last_at < next_at)
);

comment on table schedules is 'One row a periodic job: when it is next. Written by the scheduler, which has the declarations.';
comment on column schedules.misfire_at_most is 'How many late times become jobs; null unless misfire is all.';
comment on column schedules.next_at is 'The earliest nominal time that is not a job yet. Moved in the transaction that writes the job.';
comment on column schedules.last_at is 'The latest nominal time that became a job; up to two minutes ahead.';
comment on column schedules.last_job_id is 'That job; it may be pruned already.';
comment on column schedules.retired is 'Whether the version that looked last does not declare it.';
comment on column schedules.changed_at is 'When the definition, or whether it is declared, was last changed.';
