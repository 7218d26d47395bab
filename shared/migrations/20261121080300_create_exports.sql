set lock_timeout = '5s';

create table exports (
    job_id uuid not null,
    owner_id uuid not null,
    object_key text not null,
    content_type text not null,
    rows bigint not null,
    bytes bigint not null,
    created_at timestamptz not null,

    constraint exports_pkey primary key (job_id),
    constraint exports_job foreign key (job_id) references jobs (id) on delete cascade,
    constraint exports_owner foreign key (owner_id) references users (id) on delete cascade
);

comment on table exports is 'One row a finished export: where its file is. Written in the transaction that finishes the job.';
