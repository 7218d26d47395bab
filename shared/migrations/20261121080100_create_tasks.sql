set lock_timeout = '5s';

create table tasks (
    id uuid not null,
    owner_id uuid not null,
    title text not null,
    description text not null,
    status text not null,
    priority smallint not null,
    tags text[] not null,
    due_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    completed_at timestamptz,
    version integer not null,

    constraint tasks_pkey primary key (id),
    constraint tasks_owner foreign key (owner_id) references users (id) on delete cascade,
    constraint tasks_title_length check (char_length(title) between 1 and 200),
    constraint tasks_description_length check (char_length(description) <= 10000),
    constraint tasks_status check (status in ('open', 'in_progress', 'done')),
    constraint tasks_priority check (priority between 0 and 9),
    constraint tasks_tags_count check (cardinality(tags) <= 20),
    constraint tasks_completed_at check ((completed_at is not null) = (status = 'done')),
    constraint tasks_version check (version > 0)
);

-- Serves every list: one owner, newest first (version 7 ids sort by time).
create index tasks_owner_id on tasks (owner_id, id desc);

comment on column tasks.version is 'Counts the changes of the row, from 1.';
