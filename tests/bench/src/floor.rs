//! The floor: the engine's own statements from a bare loop. Nothing is decoded that the next statement does not need,
//! nothing is logged, no lease is kept. The texts are the engine's files, so floor and engine cannot drift apart.

use crate::kinds::{Work, apply};
use serde_json::{Value, json};
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
const HORIZON: f64 = shared::jobs::HORIZON.as_secs_f64();
const GRACE: f64 = shared::jobs::GRACE.as_secs_f64();
const LONGEST_GRACE: f64 = shared::jobs::LONGEST_GRACE.as_secs_f64();

/// The database's clock as it is.
const NO_OFFSET: f64 = 0.0;

/// A job that was claimed: its id and its fence.
type Claimed = (Uuid, i32);

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
        .bind(vec![None::<sqlx::types::chrono::DateTime<sqlx::types::chrono::Utc>>; count])
        .bind(vec![5_i32; count])
        .bind(NO_OFFSET)
        .bind(HORIZON)
        .bind(GRACE)
        .execute(db)
        .await?;
    Ok(())
}

pub async fn claim_due(db: &mut PgConnection, work: &'static str, limit: usize) -> sqlx::Result<Vec<Claimed>> {
    let rows = sqlx::query(CLAIM_DUE)
        .bind([work].as_slice())
        .bind([1_i16].as_slice())
        .bind([LEASE].as_slice())
        .bind(NO_OFFSET)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(LONGEST_GRACE)
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("epoch")?))).collect()
}

async fn claim_ids(db: &mut PgConnection, work: Work, ids: &[Uuid]) -> sqlx::Result<Vec<Claimed>> {
    let rows = sqlx::query(CLAIM_IDS)
        .bind(ids)
        .bind([work.kind()].as_slice())
        .bind([1_i16].as_slice())
        .bind([LEASE].as_slice())
        .bind(NO_OFFSET)
        .bind("abandoned")
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
        .bind(HORIZON)
        .bind(GRACE)
        .bind(vec![false; count])
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
        Work::Nothing => settle(db, jobs).await,
        Work::Effects => {
            for job in jobs {
                run_with_effects(db, *job).await?;
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
            loop {
                let jobs = claim_due(&mut connection, work.kind(), per_claim).await?;
                if jobs.is_empty() {
                    return sqlx::Result::Ok(connection);
                }
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
