//! The real engine beside the model: each step is taken in both, and both must say the same of every job.

use super::reference::{Row, Times};
use super::scripted::{Act, Scripted};
use super::{JOBS, Key, Step};
use crate::chaos::stage::prepare;
use crate::chaos::tally::Tally;
use crate::support::TestApp;
use crate::support::pg_proxy::PgProxy;
use crate::support::postgres;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::to_raw_value;
use shared::ids::JobId;
use shared::jobs::{self, Claimed, End, NewJob, Place, Registry, Retry, State, Unique};
use sqlx::PgConnection;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Nothing is done so shortly before one of the times of a row: what happens would depend on how fast the test is.
const MARGIN: TimeDelta = TimeDelta::milliseconds(2_500);

const ROWS: &str = "
    select
        id, state, attempt, max_attempts, epoch, crashes, cancel_requested, jsonb_array_length(errors)::int8 as errors,
        (select count(*) from effects where job_id = id) as effects,
        wake_at is not null as has_alarm, turn is not null as has_turn
    from jobs order by id";

const TIMES: &str = "select run_at, due_at, wake_at, started_at, turn from jobs order by id";

/// The engine, and what is known of the case.
pub struct World {
    /// What the steps did.
    pub tally: Tally,
    app: TestApp,
    proxy: PgProxy,
    db: PgConnection,
    /// Every attempt that ever began, whatever became of it.
    attempts: Vec<Claimed>,
    /// Who has a key, and which key a job was written under.
    holders: HashMap<&'static str, uuid::Uuid>,
    keys: HashMap<uuid::Uuid, &'static str>,
}

impl World {
    pub async fn new() -> Self {
        let (proxy, app) = TestApp::behind_proxy(Registry::default().with::<Scripted>()).await;
        let mut db = app.db().await;
        prepare(&mut db).await;
        let app = app.may_leave_jobs();
        let (attempts, holders, keys) = (Vec::new(), HashMap::new(), HashMap::new());
        Self { tally: Tally::default(), app, proxy, db, attempts, holders, keys }
    }

    /// Forgets everything.
    pub async fn begin(&mut self) {
        postgres::run(&mut self.db, "truncate jobs, job_keys, effects, transitions cascade").await;
        (self.attempts, self.holders, self.keys) = (Vec::new(), HashMap::new(), HashMap::new());
    }

    /// Takes a step, and says in what the rows differ from the model.
    pub async fn take(&mut self, step: Step) -> Result<(), String> {
        let (mut model, times, now) = self.settled().await;
        let count = model.len();
        let nth = |n: u8| usize::from(n) % count.max(1);
        if count == 0 && !matches!(step, Step::Enqueue(..)) {
            return Ok(());
        }
        self.tally.one("steps");
        match step {
            Step::Enqueue(delay, key) if count < JOBS => model.extend(self.enqueue(delay, key, &model, &times).await?),
            Step::Enqueue(..) => return Ok(()),
            Step::ClaimIds(bits) => {
                let asked: Vec<usize> = (0..count).filter(|n| bits & (1 << n) != 0).collect();
                let ids: Vec<JobId> = asked.iter().rev().map(|n| JobId(model[*n].id)).collect();
                let claimed = self.app.worker.runner.claim(&ids).await.unwrap().claimed;
                let expected = asked.iter().filter(|n| model[**n].claim(false, &times[**n], now)).count();
                self.claimed(claimed, expected)?;
            }
            Step::ClaimAlone(n) => {
                let n = nth(n);
                let claimed = self.app.worker.runner.claim_alone(JobId(model[n].id)).await.unwrap().claimed;
                let expected = model[n].claim(true, &times[n], now);
                self.claimed(claimed, usize::from(expected))?;
            }
            Step::ClaimDue => {
                let claimed = self.app.worker.runner.claim_due(100, Place::START).await.unwrap().jobs;
                let expected = (0..count).filter(|n| model[*n].claim_due(false, &times[*n], now)).count();
                self.claimed(claimed, expected)?;
            }
            Step::ClaimSuspect => {
                let claimed = self.app.worker.runner.claim_suspect().await.unwrap();
                let line = (0..count).filter(|n| model[*n].clone().claim_due(true, &times[*n], now));
                let first = line.clone().map(|n| times[n].turn).min();
                // Several may have the same turn: then any of them is the first.
                let taken = claimed.as_ref().map(|job| job.id.0);
                let expected = line.clone().find(|n| Some(times[*n].turn) == first && Some(model[*n].id) == taken);
                same("has a suspect", &expected.is_some(), &(line.count() > 0))?;
                if let Some(n) = expected {
                    model[n].claim_due(true, &times[n], now);
                }
                self.claimed(claimed.into_iter().collect(), usize::from(expected.is_some()))?;
            }
            Step::Wake(ahead) => {
                let ahead = if ahead { Duration::from_mins(1) } else { Duration::ZERO };
                let woken = jobs::wake(&mut self.db, 100, ahead, &self.app.clock).await.unwrap();
                let ahead = TimeDelta::from_std(ahead).unwrap();
                let rung = (0..count).filter(|n| model[*n].wake(ahead, &times[*n], now)).count();
                same("alarms", &woken.alarms(), &rung)?;
            }
            Step::Cancel(n) => {
                let n = nth(n);
                jobs::cancel(&mut self.db, None, JobId(model[n].id), &self.app.clock).await.unwrap();
                model[n].cancel();
            }
            Step::Retry(n) => self.retry(nth(n), &mut model).await?,
            Step::Reschedule(n, delay) => {
                let n = nth(n);
                let to = now + TimeDelta::seconds(i64::from(delay));
                let moved = jobs::reschedule(&mut self.db, JobId(model[n].id), to, &self.app.clock).await.unwrap();
                let may_move = model[n].state == State::Available && times[n].started_at.is_none();
                same("moved", &moved.is_some(), &may_move)?;
                if may_move {
                    model[n].has_turn = delay == 0;
                }
            }
            Step::Heartbeat(n) => self.heartbeat(n, &model).await?,
            Step::End(n, act) => self.end(n, act, &mut model, &times, now).await?,
            Step::Advance(tenths) => self.app.advance(Duration::from_millis(u64::from(tenths) * 100)),
        }
        self.compare(&model).await
    }

    /// Reads the rows at a moment that is not close to any of their times.
    async fn settled(&mut self) -> (Vec<Row>, Vec<Times>, DateTime<Utc>) {
        loop {
            let rows: Vec<Row> = sqlx::query_as(ROWS).fetch_all(&mut self.db).await.unwrap();
            let times: Vec<Times> = sqlx::query_as(TIMES).fetch_all(&mut self.db).await.unwrap();
            let now = "select clock_timestamp() + make_interval(secs => $1)";
            let now = sqlx::query_scalar(now).bind(self.app.clock.offset_seconds());
            let now: DateTime<Utc> = now.fetch_one(&mut self.db).await.unwrap();
            let mut ahead = times.iter().flat_map(Times::ahead);
            if !ahead.any(|at| at > now && (at < now + MARGIN || is_about_a_minute(at - now))) {
                return (rows, times, now);
            }
            self.app.clock.advance(MARGIN);
        }
    }

    async fn compare(&mut self, model: &[Row]) -> Result<(), String> {
        let rows: Vec<Row> = sqlx::query_as(ROWS).fetch_all(&mut self.db).await.unwrap();
        for (row, expected) in rows.iter().zip(model) {
            // A finished job has left the line, whatever is noted of its place.
            let row = Row { has_turn: row.has_turn && row.state == State::Available, ..row.clone() };
            let expected =
                Row { has_turn: expected.has_turn && expected.state == State::Available, ..expected.clone() };
            if row != expected {
                return Err(format!("the row is {row:#?}, the model says {expected:#?}"));
            }
        }
        same("rows", &rows.len(), &model.len())
    }

    async fn enqueue(&mut self, delay: u8, key: Key, model: &[Row], times: &[Times]) -> Result<Option<Row>, String> {
        let mut job = NewJob::new(&Scripted(None)).unwrap();
        if delay > 0 {
            job = job.at(self.app.clock.now() + TimeDelta::seconds(i64::from(delay)));
        }
        let name = match key {
            Key::None => "",
            Key::Coalesce => "coalesce",
            Key::Exclusive => "exclusive",
        };
        let holder = self.holders.get(name).and_then(|id| model.iter().position(|row| row.id == *id));
        let joins = holder.filter(|n| match key {
            Key::None => false,
            Key::Coalesce => model[*n].state == State::Available && times[*n].started_at.is_none(),
            Key::Exclusive => !model[*n].is_finished(),
        });
        job = match key {
            Key::None => job,
            Key::Coalesce => job.unique(Unique::coalesce(name)),
            Key::Exclusive => job.unique(Unique::exclusive(name)),
        };
        let enqueued = jobs::enqueue(&mut self.db, job, &self.app.clock).await.unwrap();
        let id = enqueued.row.id.0;
        same("joined", &enqueued.joined.then_some(id), &joins.map(|n| model[n].id))?;
        if enqueued.joined {
            self.tally.one("joined");
            return Ok(None);
        }
        if key != Key::None {
            self.holders.insert(name, id);
            self.keys.insert(id, name);
        }
        Ok(Some(Row {
            id,
            state: State::Available,
            attempt: 0,
            max_attempts: 3,
            epoch: 0,
            crashes: 0,
            cancel_requested: false,
            errors: 0,
            effects: 0,
            has_alarm: true,
            has_turn: delay == 0,
        }))
    }

    async fn retry(&mut self, n: usize, model: &mut [Row]) -> Result<(), String> {
        let id = model[n].id;
        let may = matches!(model[n].state, State::Failed | State::Cancelled);
        let key = self.keys.get(&id).copied();
        let holder = key.and_then(|key| self.holders.get(key)).filter(|holder| **holder != id);
        let is_taken = holder.is_some_and(|holder| model.iter().any(|row| row.id == *holder && !row.is_finished()));
        let answer = jobs::retry(&mut self.db, None, JobId(id), &self.app.clock).await.unwrap();
        same("conflict", &matches!(answer, Retry::Conflict(_)), &(may && is_taken))?;
        same("again", &matches!(answer, Retry::Again(_)), &(may && !is_taken))?;
        if may && !is_taken {
            self.tally.one("taken up again");
            model[n].retry();
            self.holders.extend(key.map(|key| (key, id)));
        }
        Ok(())
    }

    fn claimed(&mut self, claimed: Vec<Claimed>, expected: usize) -> Result<(), String> {
        let count = claimed.len();
        self.tally.add("claimed", count as u64);
        self.attempts.extend(claimed);
        same("claimed", &count, &expected)
    }

    async fn heartbeat(&mut self, n: u8, model: &[Row]) -> Result<(), String> {
        let Some(attempt) = self.attempt(n) else { return Ok(()) };
        let kept = sqlx::query(include_str!("../../../../shared/src/jobs/heartbeat.sql"))
            .bind([attempt.id.0])
            .bind([attempt.epoch])
            .bind([10.0])
            .bind([None::<i16>])
            .bind(self.app.clock.offset_seconds())
            .fetch_all(&mut self.db)
            .await
            .unwrap();
        let is_current = model.iter().any(|row| row.id == attempt.id.0 && row.epoch == attempt.epoch);
        same("kept", &(kept.len() == 1), &is_current)
    }

    /// Ends an attempt; one that has not the job any more changes nothing.
    async fn end(
        &mut self,
        n: u8,
        act: Act,
        model: &mut [Row],
        times: &[Times],
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        let Some(mut attempt) = self.attempt(n) else { return Ok(()) };
        attempt.payload.0 = to_raw_value(&act).unwrap();
        match act {
            Act::CommitUnanswered => self.proxy.swallow_next_commit_answer(),
            Act::CommitCut => self.proxy.cut_before_next_commit(),
            _ => {}
        }
        let (id, epoch) = (attempt.id.0, attempt.epoch);
        let mut shift = self.app.worker.runner.shift(None, Duration::from_secs(5));
        shift.start(vec![attempt], Instant::now());
        if act == Act::Release {
            shift.release();
        }
        let mut ends = Vec::new();
        while !shift.is_idle() {
            ends.extend(shift.turn().await);
        }
        self.proxy.disarm();
        let position = model.iter().position(|row| row.id == id && row.epoch == epoch);
        let Some(position) = position else {
            self.tally.one("ends that came too late");
            return same("ends", &ends, &vec![(JobId(id), End::Superseded)]);
        };
        self.tally.one("ends in time");
        model[position].end(act, &times[position], now);
        Ok(())
    }

    fn attempt(&self, n: u8) -> Option<Claimed> {
        // The latest ones more often: older ones have lost their job as a rule.
        let back = usize::from(n % 8).saturating_sub(4);
        let count = self.attempts.len();
        (count > 0).then(|| self.attempts[count - 1 - back % count].clone())
    }
}

fn same<T: std::fmt::Debug + PartialEq>(what: &str, real: &T, model: &T) -> Result<(), String> {
    if real == model { Ok(()) } else { Err(format!("{what}: it is {real:?}, the model says {model:?}")) }
}

/// The scheduler looks ahead by a minute.
fn is_about_a_minute(ahead: TimeDelta) -> bool {
    let minute = TimeDelta::minutes(1);
    ahead > minute && ahead < minute + MARGIN
}
