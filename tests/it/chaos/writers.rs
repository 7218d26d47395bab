//! Those who want jobs: each writes some in a transaction, and some of these are rolled back, lose the answer to their
//! commit, or end with their writer before anybody is told.

use super::queue::Queue;
use super::settings::Settings;
use super::stage::SLOTS;
use super::tally::Tally;
use actors::{Act, Brief, Deed, Doomed, Lasting};
use chrono::TimeDelta;
use serde_json::json;
use shared::clock::Clock;
use shared::db::{Db, DbError};
use shared::ids::JobId;
use shared::jobs::{self, Cancel, NewJob, Notice, Notifier, Priority, Unique};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Writers at once.
const WRITERS: u32 = 4;

/// What writers know of their jobs.
#[derive(Debug, Default)]
pub struct Written {
    /// The commit was answered: these must be there.
    pub certain: Vec<JobId>,
    /// The commit was asked for and not answered: the database knows.
    pub unknown: Vec<JobId>,
    /// The commit was never asked for: these must not be there.
    pub withdrawn: Vec<JobId>,
}

/// How workers are told.
#[derive(Clone)]
pub enum Tell {
    /// By the queue.
    Queue(Queue),
    /// By NOTIFY.
    Notify(Notifier),
}

/// Makes the next job.
pub type Wish = Arc<dyn Fn(&mut fastrand::Rng) -> NewJob + Send + Sync>;

/// Writes all jobs of a run, spread over its time.
pub async fn write(settings: Settings, db: &Db, wish: &Wish, tell: &Tell, tally: &Tally) -> Written {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let writer = Writer {
            random: settings.random(100 + u64::from(writer)),
            db: db.clone(),
            wish: Arc::clone(wish),
            tell: tell.clone(),
            pause: settings.writing_time().mul_f64(f64::from(WRITERS) / f64::from(settings.jobs)),
            jobs: usize::try_from(settings.jobs / WRITERS).unwrap(),
            tally: tally.clone(),
            written: Written::default(),
        };
        writers.spawn(writer.run());
    }
    let mut all = Written::default();
    for written in writers.join_all().await {
        all.certain.extend(written.certain);
        all.unknown.extend(written.unknown);
        all.withdrawn.extend(written.withdrawn);
    }
    all
}

struct Writer {
    random: fastrand::Rng,
    db: Db,
    wish: Wish,
    tell: Tell,
    pause: Duration,
    jobs: usize,
    tally: Tally,
    written: Written,
}

impl Writer {
    async fn run(mut self) -> Written {
        while self.written.certain.len() + self.written.unknown.len() < self.jobs {
            let count = self.random.u32(1..=6);
            let deeds: Vec<NewJob> = (0..count).map(|_| (self.wish)(&mut self.random)).collect();
            self.write(deeds).await;
            if self.random.u32(0..100) < 12 {
                // What cannot be called off now stays.
                self.call_off().await.ok();
            }
            tokio::time::sleep(self.pause.mul_f64(f64::from(count) * 2.0 * self.random.f64())).await;
        }
        self.written
    }

    /// One transaction.
    async fn write(&mut self, deeds: Vec<NewJob>) {
        let mut notices = Vec::new();
        let mut ids = Vec::new();
        let roll_back = self.random.u32(0..100) < 8;
        let prepared = async {
            let mut tx = self.db.begin().await?;
            for enqueued in jobs::enqueue_many(&mut tx, deeds, &Clock::default()).await? {
                if enqueued.joined {
                    self.tally.one("jobs that joined one with their key");
                    continue;
                }
                ids.push(enqueued.row.id);
                notices.extend(enqueued.notice);
            }
            sqlx::query("insert into wanted select unnest($1::uuid[])").bind(&ids).execute(&mut *tx).await?;
            Ok::<_, DbError>(tx)
        };
        match prepared.await {
            Ok(tx) if roll_back => {
                // A roll-back that is not answered is one all the same.
                tx.rollback().await.ok();
                self.tally.one("transactions rolled back");
                self.written.withdrawn.extend(ids);
            }
            Ok(tx) => {
                if tx.commit().await.is_ok() {
                    self.written.certain.extend(ids);
                } else {
                    self.tally.one("commits of writers without an answer");
                    self.written.unknown.extend(ids);
                }
                if self.random.u32(0..100) < 8 {
                    self.tally.one("writers gone before they told anybody");
                } else {
                    self.tell(notices).await;
                }
            }
            Err(_) => {
                self.tally.one("transactions that failed");
                self.written.withdrawn.extend(ids);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    /// Calls one of the latest jobs off.
    async fn call_off(&mut self) -> Result<(), DbError> {
        let latest = self.written.certain.len().saturating_sub(12)..self.written.certain.len();
        if latest.is_empty() {
            return Ok(());
        }
        let job = self.written.certain[self.random.usize(latest)];
        let mut connection = self.db.acquire().await?;
        let mut note = sqlx::query("insert into called_off values ($1, 'asked')").bind(job);
        note.execute(&mut *connection).await.map_err(DbError::from)?;
        if let Cancel::Cancelled(_) = jobs::cancel(&mut connection, None, job, &Clock::default()).await? {
            note = sqlx::query("update called_off set answer = 'cancelled' where job_id = $1").bind(job);
            note.execute(&mut *connection).await.map_err(DbError::from)?;
        }
        Ok(())
    }

    async fn tell(&self, notices: Vec<Notice>) {
        match &self.tell {
            Tell::Queue(queue) => {
                for notice in notices {
                    queue.send(&json!({ "job": notice.job }).to_string(), notice.after);
                }
            }
            Tell::Notify(notifier) => notifier.notify(notices).await,
        }
    }
}

/// Jobs of every sort.
pub fn mixture(random: &mut fastrand::Rng) -> NewJob {
    let slot = random.i32(0..SLOTS);
    let deed = |act| Deed { act, slot };
    match random.u32(0..200) {
        0..24 => NewJob::new(&Brief(deed(Act::Effect))),
        24..48 => NewJob::new(&Brief(deed(Act::AtOnce))),
        48..56 => NewJob::new(&Brief(deed(Act::Waits(900)))).map(|job| job.unique(Unique::exclusive("one at a time"))),
        56..62 => NewJob::new(&Brief(deed(Act::Snoozes))),
        62..76 => NewJob::new(&Brief(deed(Act::Steps))),
        76..80 => NewJob::new(&Brief(deed(Act::Effect))).map(|job| job.priority(Priority::HIGH)),
        80..104 => NewJob::new(&Brief(deed(Act::Quiet))),
        104..126 => NewJob::new(&Brief(deed(Act::FailsTwice))),
        126..152 => NewJob::new(&Brief(deed(Act::Waits(random.u64(50..1_500))))),
        152..162 => NewJob::new(&Lasting(deed(Act::Waits(random.u64(2_000..5_000))))),
        162..171 => NewJob::new(&Brief(deed(Act::Panics))),
        171..174 => NewJob::new(&Brief(deed(Act::Oversleeps))),
        174..181 => NewJob::new(&Brief(deed(Act::Discards))),
        181..189 => NewJob::new(&Doomed(deed(Act::Fails))),
        189..190 => NewJob::new(&Doomed(deed(Act::Kills))),
        _ => {
            let later = Clock::default().now() + TimeDelta::milliseconds(random.i64(500..8_000));
            NewJob::new(&Brief(deed(Act::Effect))).map(|job| job.at(later))
        }
    }
    .unwrap()
}
