set lock_timeout = '5s';

-- Serves the daily search for exports that are too old.
create index exports_created_at on exports (created_at);
