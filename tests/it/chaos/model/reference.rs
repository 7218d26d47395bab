//! The rules, without a database: what each thing that happens makes of a job. Written from `docs/jobs.md`, not from the
//! statements.

use super::scripted::{Act, SNOOZE, Scripted};
use chrono::{DateTime, TimeDelta, Utc};
use shared::jobs::{Job, State};

/// What a job's row says, and the effects of the job.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Row {
    pub id: uuid::Uuid,
    pub state: State,
    pub attempt: i32,
    pub max_attempts: i32,
    pub epoch: i32,
    pub crashes: i16,
    pub cancel_requested: bool,
    pub errors: i64,
    pub effects: i64,
    pub has_alarm: bool,
    pub has_turn: bool,
}

/// The times of a row: the model is given them, and decides by them.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Times {
    pub run_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    pub wake_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub turn: Option<DateTime<Utc>>,
}

impl Times {
    /// When the row will be another one for those who look at it.
    pub fn ahead(&self) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        [Some(self.run_at), self.wake_at, Some(self.due_at + max_age() - snooze())].into_iter().flatten()
    }
}

impl Row {
    pub fn is_finished(&self) -> bool {
        !matches!(self.state, State::Available | State::Running)
    }

    fn to(&mut self, state: State) {
        self.state = state;
        self.epoch += 1;
        self.has_alarm = !self.is_finished();
    }

    fn begins(&mut self) {
        self.to(State::Running);
        self.attempt += 1;
    }

    fn is_abandoned(&self, times: &Times, now: DateTime<Utc>) -> bool {
        self.state == State::Running && times.wake_at.is_some_and(|lease| lease <= now)
    }

    /// The lost attempt is noted. Tells whether there may be another one.
    fn lose_attempt(&mut self) -> Option<State> {
        self.crashes += 1;
        self.errors += 1;
        match (self.cancel_requested, self.attempt >= self.max_attempts) {
            (true, _) => Some(State::Cancelled),
            (false, true) => Some(State::Failed),
            (false, false) => None,
        }
    }

    /// A claim of its id. Tells whether it is claimed.
    pub fn claim(&mut self, alone: bool, times: &Times, now: DateTime<Utc>) -> bool {
        let abandoned = self.is_abandoned(times, now);
        let waits = self.state == State::Available && times.run_at <= now;
        if abandoned && (self.cancel_requested || self.attempt >= self.max_attempts) {
            if let Some(end) = self.lose_attempt() {
                self.to(end);
            }
            return false;
        }
        if !(waits || abandoned) || !alone && (abandoned || self.crashes > 0) {
            return false;
        }
        if abandoned {
            self.lose_attempt();
        }
        self.begins();
        true
    }

    /// A claim from a line: that of the suspects, or of the others. Tells whether it is claimed.
    pub fn claim_due(&mut self, suspects: bool, times: &Times, now: DateTime<Utc>) -> bool {
        let stands_in_line = self.state == State::Available && self.has_turn && times.run_at <= now;
        if !stands_in_line || suspects != (self.crashes > 0) {
            return false;
        }
        self.begins();
        true
    }

    /// A tick. Tells whether the alarm rings.
    pub fn wake(&mut self, look_ahead: TimeDelta, times: &Times, now: DateTime<Utc>) -> bool {
        let Some(alarm) = times.wake_at else { return false };
        let is_untold = self.state == State::Available && alarm == times.run_at;
        if alarm > now && !(is_untold && alarm <= now + look_ahead) {
            return false;
        }
        if self.state == State::Running {
            let end = self.lose_attempt();
            self.to(end.unwrap_or(State::Available));
        }
        self.has_turn = true;
        true
    }

    /// The end of the attempt that has the job.
    pub fn end(&mut self, act: Act, times: &Times, now: DateTime<Utc>) {
        let called_off = self.cancel_requested;
        let takes_step = matches!(act, Act::Continue | Act::StepThenFail);
        if takes_step && !called_off {
            self.effects += 1;
        }
        self.crashes = 0;
        match act {
            Act::Commit | Act::CommitUnanswered => {
                self.effects += 1;
                self.to(State::Succeeded);
            }
            Act::Done => self.to(State::Succeeded),
            Act::Discard => {
                self.errors += 1;
                self.to(State::Failed);
            }
            Act::Snooze if !called_off && now + snooze() > times.due_at + max_age() => {
                self.errors += 1;
                self.to(State::Failed);
            }
            Act::Fail | Act::Panic | Act::CommitCut | Act::StepThenFail if !(takes_step && called_off) => {
                self.errors += 1;
                let is_last = self.attempt >= self.max_attempts;
                self.goes_back(called_off, if is_last { State::Failed } else { State::Available });
                self.has_turn = false;
            }
            _ => {
                self.goes_back(called_off, State::Available);
                if !called_off {
                    self.attempt -= 1;
                }
                self.has_turn = act != Act::Snooze;
            }
        }
    }

    fn goes_back(&mut self, called_off: bool, state: State) {
        self.to(if called_off { State::Cancelled } else { state });
    }

    pub fn cancel(&mut self) {
        match self.state {
            State::Available => {
                self.cancel_requested = true;
                self.to(State::Cancelled);
            }
            State::Running => self.cancel_requested = true,
            _ => {}
        }
    }

    pub fn retry(&mut self) {
        if matches!(self.state, State::Failed | State::Cancelled) {
            self.to(State::Available);
            self.max_attempts = self.max_attempts.max(self.attempt + 1);
            (self.crashes, self.cancel_requested, self.has_turn) = (0, false, true);
        }
    }
}

fn snooze() -> TimeDelta {
    TimeDelta::from_std(SNOOZE).unwrap()
}

fn max_age() -> TimeDelta {
    TimeDelta::from_std(<Scripted as Job<worker::State>>::MAX_AGE).unwrap()
}
