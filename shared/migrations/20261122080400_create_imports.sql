set lock_timeout = '5s';

create table imports (
    job_id uuid not null,
    owner_id uuid not null,
    object_key text not null,
    format text not null,
    bytes bigint not null,
    rows bigint not null,
    imported bigint not null,
    refused bigint not null,
    created_at timestamptz not null,

    constraint imports_pkey primary key (job_id),
    constraint imports_job foreign key (job_id) references jobs (id) on delete cascade,
    constraint imports_owner foreign key (owner_id) references users (id) on delete cascade,
    constraint imports_object_key unique (object_key),
    constraint imports_format check (format in ('csv', 'json')),
    constraint imports_bytes check (bytes >= 0),
    constraint imports_rows check (imported >= 0 and refused >= 0 and rows = imported + refused)
);

create table import_errors (
    job_id uuid not null,
    number integer not null,
    row_number bigint not null,
    field text not null,
    code text not null,
    message text not null,

    constraint import_errors_pkey primary key (job_id, number),
    constraint import_errors_import foreign key (job_id) references imports (job_id) on delete cascade,
    constraint import_errors_number check (number > 0),
    constraint import_errors_row_number check (row_number > 0)
);

comment on table imports is 'One row an import: where its file is, and how far it has come.';
comment on column imports.object_key is 'A file is imported once.';
comment on column imports.rows is 'Rows read so far. Changes in the transactions that write the tasks.';
comment on table import_errors is 'Why rows were refused: the first mistakes of each import.';
comment on column import_errors.number is 'Counts the mistakes of one import, from 1.';
comment on column import_errors.row_number is 'Counts the rows of the file, from 1; a header is not counted.';
