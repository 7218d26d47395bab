set lock_timeout = '5s';

create table webhook_endpoints (
    id uuid not null,
    owner_id uuid not null,
    url text not null,
    event_types text[] not null,
    secret bytea not null,
    previous_secret bytea,
    previous_secret_until timestamptz,
    state text not null default 'enabled',
    disabled_reason text,
    failures integer not null default 0,
    failing_since timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,

    constraint webhook_endpoints_pkey primary key (id),
    constraint webhook_endpoints_owner foreign key (owner_id) references users (id) on delete cascade,
    constraint webhook_endpoints_url_length check (char_length(url) between 1 and 2000),
    constraint webhook_endpoints_event_types check (cardinality(event_types) > 0),
    constraint webhook_endpoints_secret_length check (octet_length(secret) between 24 and 64),
    constraint webhook_endpoints_previous_secret check ((previous_secret is null) = (previous_secret_until is null)),
    constraint webhook_endpoints_state check (state in ('enabled', 'disabled')),
    constraint webhook_endpoints_disabled_reason check (
        (disabled_reason is null) = (state = 'enabled') and disabled_reason in ('owner', 'gone', 'failing')
    ),
    constraint webhook_endpoints_failures check (failures >= 0 and (failures = 0) = (failing_since is null))
);

-- Serves the owner's list, and the question who hears of an event.
create index webhook_endpoints_owner_id on webhook_endpoints (owner_id, id desc);

create table webhook_deliveries (
    id uuid not null,
    endpoint_id uuid not null,
    owner_id uuid not null,
    event_type text not null,
    payload jsonb not null,
    job_id uuid not null,
    state text not null default 'pending',
    attempts integer not null default 0,
    last_attempt_at timestamptz,
    last_status integer,
    last_answer text,
    last_error text,
    last_duration_ms bigint,
    created_at timestamptz not null,
    finished_at timestamptz,

    constraint webhook_deliveries_pkey primary key (id),
    constraint webhook_deliveries_endpoint foreign key (endpoint_id) references webhook_endpoints (id)
        on delete cascade,
    constraint webhook_deliveries_state check (state in ('pending', 'delivered', 'failed', 'cancelled')),
    constraint webhook_deliveries_attempts check (attempts >= 0 and (attempts = 0) = (last_attempt_at is null)),
    constraint webhook_deliveries_finished_at check ((finished_at is null) = (state = 'pending'))
) with (fillfactor = 80);

-- Serves an endpoint's log, newest first.
create index webhook_deliveries_endpoint_id on webhook_deliveries (endpoint_id, id desc);

comment on column webhook_endpoints.secret is 'Signs each delivery; raw bytes.';
comment on column webhook_endpoints.previous_secret is 'Signs beside the secret until previous_secret_until.';
comment on column webhook_endpoints.failures is 'Failed calls since the last one that succeeded.';
comment on column webhook_endpoints.failing_since is 'The first of these; null when there is none.';
comment on column webhook_deliveries.id is 'The webhook-id that the receiver sees, the same in each attempt and replay.';
comment on column webhook_deliveries.payload is 'The body, as it is sent.';
comment on column webhook_deliveries.job_id is 'The job that delivers it, or did. Not a reference: jobs are pruned on their own.';
comment on column webhook_deliveries.attempts is 'Calls made, those of replays included.';
comment on column webhook_deliveries.last_answer is 'The beginning of the body of the latest answer.';
