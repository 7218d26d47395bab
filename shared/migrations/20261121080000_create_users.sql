set lock_timeout = '5s';

create table users (
    id uuid not null,
    email text not null,
    password_hash text not null,
    created_at timestamptz not null,

    constraint users_pkey primary key (id),
    constraint users_email_length check (char_length(email) between 3 and 320)
);

create unique index users_email on users (lower(email));

comment on column users.email is 'As the owner typed it; unique without regard to case.';
comment on column users.password_hash is 'PHC string, argon2id.';
