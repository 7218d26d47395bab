//! The floor: the engine's own statements from a bare loop. Nothing is decoded that the next statement does not need,
//! nothing is logged, no lease is kept. The texts are the engine's files, so floor and engine cannot drift apart.

use crate::kinds::{Work, apply, at_once};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::jobs::Finish;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::task::JoinSet;
use uuid::Uuid;

const ENQUEUE: &str = include_str!("../../../shared/src/jobs/enqueue.sql");
const CLAIM_DUE: &str = include_str!("../../../shared/src/jobs/claim_due.sql");
const CLAIM_IDS: &str = include_str!("../../../shared/src/jobs/claim_ids.sql");
const FENCE: &str = include_str!("../../../shared/src/jobs/fence.sql");
const SETTLE: &str = include_str!("../../../shared/src/jobs/settle.sql");

/// What the engine's constants are in seconds.
const LEASE: f64 = shared::jobs::LONGEST_LEASE.as_secs_f64();
const GRACE: f64 = shared::jobs::GRACE.as_secs_f64();
const SPACING: f64 = shared::jobs::SPACING.as_secs_f64();

/// The database's clock as it is.
const NO_OFFSET: f64 = 0.0;

/// A job that was claimed: its id and its fence.
type Claimed = (Uuid, i32);

type Time = DateTime<Utc>;

/// A place in the line of waiting jobs: where the last claim began, the next one may begin.
type Place = (i16, Time);

/// Before everything.
pub const START: Place = (i16::MIN, DateTime::UNIX_EPOCH);

/// The columns of jobs to be written.
pub struct Columns {
    ids: Vec<Uuid>,
    kinds: Vec<&'static str>,
    payloads: Vec<Value>,
}

impl Columns {
    pub fn of(work: Work, jobs: usize) -> Self {
        let payload = json!({ "note": crate::kinds::NOTE });
        let ids = (0..jobs).map(|_| shared::ids::anonymous()).collect();
        Self { ids, kinds: vec![work.kind(); jobs], payloads: vec![payload; jobs] }
    }
}

pub async fn enqueue(db: &mut PgConnection, jobs: &Columns) -> sqlx::Result<()> {
    let count = jobs.ids.len();
    sqlx::query(ENQUEUE)
        .bind(&jobs.ids)
        .bind(&jobs.kinds)
        .bind(vec![1_i16; count])
        .bind(&jobs.payloads)
        .bind(vec![None::<Uuid>; count])
        .bind(vec![0_i16; count])
        .bind(vec![None::<Time>; count])
        .bind(vec![5_i32; count])
        .bind(NO_OFFSET)
        .bind(GRACE)
        .bind(vec![None::<&str>; count])
        .bind(SPACING)
        .bind(None::<&str>)
        .execute(db)
        .await?;
    Ok(())
}

/// Claims what is due from a place on, and returns the place of the first that was claimed.
pub async fn claim_due(
    db: &mut PgConnection,
    work: Work,
    limit: usize,
    from: Place,
) -> sqlx::Result<(Vec<Claimed>, Place)> {
    let rows = sqlx::query(CLAIM_DUE)
        .bind([work.kind()].as_slice())
        .bind([1_i16].as_slice())
        .bind([LEASE].as_slice())
        .bind(NO_OFFSET)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(from.0)
        .bind(from.1)
        .fetch_all(db)
        .await?;
    let mut first = None::<Place>;
    let mut claimed = Vec::with_capacity(rows.len());
    for row in rows {
        let place = (row.try_get("priority")?, row.try_get("turn")?);
        first = Some(first.map_or(place, |first| first.min(place)));
        claimed.push((row.try_get("id")?, row.try_get("epoch")?));
    }
    Ok((claimed, first.unwrap_or(START)))
}

async fn claim_ids(db: &mut PgConnection, work: Work, ids: &[Uuid]) -> sqlx::Result<Vec<Claimed>> {
    let rows = sqlx::query(CLAIM_IDS)
        .bind(ids)
        .bind([work.kind()].as_slice())
        .bind([1_i16].as_slice())
        .bind([LEASE].as_slice())
        .bind(NO_OFFSET)
        .bind("abandoned")
        .bind(false)
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("id!")?, row.try_get("epoch?")?))).collect()
}

async fn settle(db: &mut PgConnection, jobs: &[Claimed]) -> sqlx::Result<()> {
    let count = jobs.len();
    let (ids, epochs): (Vec<Uuid>, Vec<i32>) = jobs.iter().copied().unzip();
    sqlx::query(SETTLE)
        .bind(ids)
        .bind(epochs)
        .bind(vec!["done"; count])
        .bind(vec![Value::Null; count])
        .bind(vec![None::<&str>; count])
        .bind(vec![0.0_f64; count])
        .bind(NO_OFFSET)
        .bind(GRACE)
        .bind(vec![false; count])
        .bind(vec![0.0_f64; count])
        .execute(db)
        .await?;
    Ok(())
}

/// One job with effects, in its own transaction.
pub async fn run_with_effects(db: &mut PgConnection, (id, epoch): Claimed) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    apply(&mut tx, id).await?;
    sqlx::query(FENCE).bind(id).bind(epoch).bind(Value::Null).bind(NO_OFFSET).execute(&mut *tx).await?;
    tx.commit().await
}

async fn finish(db: &mut PgConnection, work: Work, jobs: &[Claimed]) -> sqlx::Result<()> {
    match work {
        _ if jobs.is_empty() => Ok(()),
        Work::Nothing => settle(db, jobs).await,
        Work::Effects => {
            for job in jobs {
                run_with_effects(db, *job).await?;
            }
            Ok(())
        }
        Work::AtOnce => {
            for (job, epoch) in jobs {
                at_once(db, Finish { job: *job, epoch: *epoch, result: Value::Null, seconds_ahead: NO_OFFSET }).await?;
            }
            Ok(())
        }
    }
}

/// Works off everything that is due, on all connections at once, each with claims of its own.
pub async fn drain_due(connections: &mut Vec<PgConnection>, work: Work, per_claim: usize) -> anyhow::Result<()> {
    let mut loops = JoinSet::new();
    for mut connection in connections.drain(..) {
        loops.spawn(async move {
            let mut from = START;
            loop {
                let (jobs, first) = claim_due(&mut connection, work, per_claim, from).await?;
                if jobs.is_empty() && from == START {
                    return sqlx::Result::Ok(connection);
                }
                from = first;
                finish(&mut connection, work, &jobs).await?;
            }
        });
    }
    come_back(connections, loops).await
}

/// Works off named jobs, one batch after the other; the jobs of a batch are shared by all connections.
pub async fn drain_batches(
    connections: &mut Vec<PgConnection>,
    work: Work,
    ids: &[Uuid],
    per_batch: usize,
) -> anyhow::Result<()> {
    for batch in ids.chunks(per_batch) {
        let alone = connections.len() == 1 || work == Work::Nothing;
        let Some(first) = connections.first_mut() else { anyhow::bail!("there is no connection") };
        let claimed = claim_ids(first, work, batch).await?;
        if alone {
            finish(first, work, &claimed).await?;
            continue;
        }
        let mut loops = JoinSet::new();
        let share = claimed.len().div_ceil(connections.len()).max(1);
        let mut shares = claimed.chunks(share).map(<[Claimed]>::to_vec);
        for mut connection in connections.drain(..) {
            let mine = shares.next().unwrap_or_default();
            loops.spawn(async move {
                finish(&mut connection, work, &mine).await?;
                sqlx::Result::Ok(connection)
            });
        }
        come_back(connections, loops).await?;
    }
    Ok(())
}

async fn come_back(
    connections: &mut Vec<PgConnection>,
    mut loops: JoinSet<sqlx::Result<PgConnection>>,
) -> anyhow::Result<()> {
    while let Some(ended) = loops.join_next().await {
        connections.push(ended??);
    }
    Ok(())
}
