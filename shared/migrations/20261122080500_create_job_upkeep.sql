set lock_timeout = '5s';

-- How far work got that goes through all jobs in small steps.
create table job_upkeep (
    name text not null,
    cursor uuid not null,
    updated_at timestamptz not null,

    constraint job_upkeep_pkey primary key (name)
);

insert into job_upkeep (name, cursor, updated_at)
values ('prune', '00000000-0000-0000-0000-000000000000', 'epoch');

comment on column job_upkeep.cursor is 'The last job that was looked at. All zeros between two laps.';

-- Which payloads there are workers for.
create table job_kinds (
    kind text not null,
    version smallint not null,
    seen_at timestamptz not null,

    constraint job_kinds_pkey primary key (kind, version)
);

comment on table job_kinds is 'What workers have said that they run. A job of another kind or version waits for newer workers.';
comment on column job_kinds.seen_at is 'When a worker said so last.';
