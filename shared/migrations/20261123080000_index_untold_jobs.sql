set lock_timeout = '5s';

-- Serves the tick's look ahead: jobs with a time of their own of which nobody was told yet. Their alarm is their time.
create index jobs_untold on jobs (wake_at) where state = 'available' and wake_at = run_at;
