//! What must be true at the end, whatever happened.

use super::tally::Tally;
use super::writers::Written;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

/// Each finds jobs that break a promise.
const CRIMES: [(&str, &str); 14] = [
    (
        "a job that was committed with its writer's change is lost, or one that was not exists",
        "select job_id::text from wanted full join jobs on jobs.id = job_id where jobs.id is null or job_id is null",
    ),
    ("a job is not in a final state", "select id::text from jobs where finished_at is null"),
    ("a finished job has an alarm", "select id::text from jobs where wake_at is not null"),
    (
        "a job that succeeded with an effect has not exactly one, or one that did not has one, or a step has not its own",
        "select id::text
         from jobs left join (select job_id, count(*) as count from effects group by 1) as found on job_id = id
         where coalesce(count, 0)
             <> (case when state = 'succeeded' and payload ->> 'act' is distinct from 'quiet' then 1 else 0 end)
             + coalesce(checkpoint::int, 0)",
    ),
    (
        "an effect is not of the attempt that ended its job",
        "select id::text from jobs join effects on job_id = id
         where checkpoint is null and jobs.epoch <> effects.epoch + 1",
    ),
    ("a job has had too many attempts", "select id::text from jobs where attempt > max_attempts"),
    (
        "a job that can succeed has failed with attempts left, or one that cannot has succeeded",
        "select id::text from jobs
         where case
             when state = 'cancelled' then id not in (select job_id from called_off)
             when payload ->> 'act' in ('discards', 'fails', 'kills') then state <> 'failed'
             else state <> 'succeeded' and attempt < max_attempts
         end",
    ),
    (
        "a job was called off in time and not cancelled",
        "select id::text from jobs join called_off on job_id = id where answer = 'cancelled' and state <> 'cancelled'",
    ),
    (
        "there were two unfinished jobs with one key",
        "select one.id::text from jobs as one join jobs as other on one.unique_key = other.unique_key
         where one.id < other.id and one.created_at < other.finished_at and other.created_at < one.finished_at",
    ),
    (
        "a result is missing, or is that of a job that failed",
        "select id::text from jobs where (result is not null) <> (state = 'succeeded')",
    ),
    (
        "times are in no order, or a job began too early",
        "select id::text from jobs
         where started_at < created_at or finished_at < started_at or (attempt = 1 and state <> 'cancelled' and started_at < run_at)",
    ),
    (
        "the errors of a job are not those of its attempts in order",
        "select id::text from (
             select
                 id, attempt as attempts, (error ->> 'attempt')::int as failed,
                 lag((error ->> 'attempt')::int, 1, 0) over (partition by id order by position) as before
             from jobs, jsonb_array_elements(errors) with ordinality as item (error, position)
         ) as history
         where failed <= before or failed > attempts",
    ),
    (
        "a transition is not one of the diagram",
        "select job_id::text from transitions
         where was_finished or to_epoch <> from_epoch + 1 or not (
             (from_state, to_state) in (('available', 'running'), ('running', 'running'))
                 and to_attempt = from_attempt + 1
             or (from_state, to_state) in (
                 ('running', 'succeeded'), ('running', 'failed'), ('running', 'cancelled'), ('available', 'cancelled')
             )
                 and to_attempt = from_attempt
             or (from_state, to_state) = ('running', 'available') and from_attempt - to_attempt between 0 and 1
         )",
    ),
    (
        "a history has a gap, or an epoch is not the number of its transitions",
        "select id::text from jobs
         left join lateral (
             select count(*) as count, max(to_epoch) as last, count(distinct to_epoch) as distinct_epochs
             from transitions where job_id = id
         ) as history on true
         where (count, distinct_epochs, coalesce(last, 0)) is distinct from (epoch, epoch, epoch)",
    ),
];

/// What is counted of the rows.
const COUNTS: [(&str, &str); 9] = [
    ("jobs", "select count(*) from jobs"),
    ("jobs that succeeded", "select count(*) from jobs where state = 'succeeded'"),
    ("jobs that were cancelled", "select count(*) from jobs where state = 'cancelled'"),
    (
        "attempts that were given back",
        "select count(*) from transitions where to_state = 'available' and to_attempt < from_attempt",
    ),
    ("jobs that failed", "select count(*) from jobs where state = 'failed'"),
    (
        "jobs that failed after all their attempts and could have succeeded",
        "select count(*) from jobs
         where state = 'failed' and coalesce(payload ->> 'act', '') not in ('discards', 'fails', 'kills')",
    ),
    ("attempts", "select count(*) from transitions where to_state = 'running'"),
    (
        "attempts that were abandoned",
        "select count(*) from jobs, jsonb_array_elements(errors) as error where error ->> 'error' like '%abandoned%'",
    ),
    ("effects", "select count(*) from effects"),
];

/// Insists on every promise, and counts.
pub async fn judge(db: &mut PgConnection, written: &Written, tally: &Tally) {
    for (name, count) in COUNTS {
        let count: i64 = sqlx::query_scalar(count).fetch_one(&mut *db).await.unwrap();
        tally.add(name, count.unsigned_abs());
    }
    for (crime, find) in CRIMES {
        let found: Vec<Option<String>> = sqlx::query_scalar(find).fetch_all(&mut *db).await.unwrap();
        let mut rows = Vec::new();
        for id in found.iter().flatten().take(3) {
            rows.push(history(db, id).await);
        }
        assert!(found.is_empty(), "{} times: {crime}\n{}\n{tally}", found.len(), rows.join("\n"));
    }
    let counted: i64 = sqlx::query_scalar("select sum(value)::bigint from slots").fetch_one(&mut *db).await.unwrap();
    assert_eq!(counted.unsigned_abs(), tally.of("effects"), "both halves of each effect are there");
    assert_eq!(absent(db, &written.certain).await, 0, "jobs whose commit was answered are lost");
    let there = written.withdrawn.len() - absent(db, &written.withdrawn).await;
    assert_eq!(there, 0, "jobs exist although their transaction did not commit");
    let came_true = written.unknown.len() - absent(db, &written.unknown).await;
    tally.add("jobs of commits without an answer that exist", came_true as u64);
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    let deadlocks: i64 = sqlx::query_scalar(deadlocks).fetch_one(&mut *db).await.unwrap();
    assert_eq!(deadlocks, 0, "deadlocks");
}

/// How many of these jobs have no row.
async fn absent(db: &mut PgConnection, jobs: &[shared::ids::JobId]) -> usize {
    let ids: Vec<uuid::Uuid> = jobs.iter().map(|job| job.0).collect();
    let absent = "select count(*) from unnest($1::uuid[]) as asked (id) where not exists (select from jobs where jobs.id = asked.id)";
    let absent: i64 = sqlx::query_scalar(absent).bind(ids).fetch_one(db).await.unwrap();
    usize::try_from(absent).unwrap()
}

/// Everything that is known of a job.
async fn history(db: &mut PgConnection, id: &str) -> String {
    let parts = [
        format!("select to_jsonb(jobs)::text from jobs where id = '{id}'"),
        format!("select to_jsonb(effects)::text from effects where job_id = '{id}'"),
        format!("select (to_jsonb(transitions) - 'job_id')::text from transitions where job_id = '{id}' order by at"),
    ];
    let mut lines = vec![format!("job {id}:")];
    for part in parts {
        let rows = sqlx::query(AssertSqlSafe(part)).fetch_all(&mut *db).await.unwrap();
        lines.extend(rows.iter().map(|row| row.get::<String, _>(0)));
    }
    lines.join("\n  ")
}
