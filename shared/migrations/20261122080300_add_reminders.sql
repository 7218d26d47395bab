set lock_timeout = '5s';

alter table tasks
    add column remind_at timestamptz,
    add column reminder_job_id uuid;

comment on column tasks.remind_at is 'When the owner gets a mail about it; stays as it is when that has happened.';
comment on column tasks.reminder_job_id is
    'The job that is to remind; null when none waits. No foreign key: finished jobs are deleted some day.';
