//! When to look for due jobs, where in the line, and for how many.

use crate::State;
use futures_util::future::BoxFuture;
use shared::db::DbError;
use shared::jobs::{Claimed, FromLine, LARGEST_CLAIM, Next, Place, Runner, Shift};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The longest time without a look, and without asking for the next alarm.
const POLL: Duration = Duration::from_secs(5);

/// The pause after a look that could not reach the database.
const PAUSE: Duration = Duration::from_secs(1);

/// While the line is long, a look waits this long for more places to become free: one claim for several jobs costs
/// little more than one for one.
const GATHER: Duration = Duration::from_millis(4);

/// While the line is long and half of the places are free, a look waits this part of what the last one took for the
/// others: where jobs are short, one claim fills all places in place of two.
const PATIENCE: u32 = 2;

/// A look begins where the last one did: in front of that are rows that were claimed and are not cleared away yet, as long
/// as somebody looks at an old snapshot. While the line is long, the whole of it is looked at this often, ...
const WHOLE_LINE: Duration = Duration::from_millis(100);

/// ... and never so often that it takes more than a small part of the time: 1 in this.
const WHOLE_LINE_SHARE: u32 = 20;

/// Times at which somebody wants a look are rounded up to multiples of this, in milliseconds.
const GRAIN: u128 = 10;

/// Alarms that one look rings.
const ALARMS: i64 = 500;

/// What a look brought.
pub(super) struct Seen {
    asked: usize,
    began: Instant,
    from: Place,
    /// It was for a job that has to run alone.
    alone: bool,
    found: Result<Found, DbError>,
}

struct Found {
    line: FromLine,
    suspect: Option<Claimed>,
    /// What was learnt of the alarms, if that was asked for.
    next: Option<Next>,
}

/// What a look is to do.
#[derive(Clone, Copy)]
struct Wanted {
    jobs: usize,
    from: Place,
    /// Ring the alarms, and ask for the next one.
    alarms: bool,
    /// Claim a job that has to run alone, instead of those in the line.
    suspect: bool,
}

/// Decides when to look for due jobs.
pub(super) struct Lookout {
    runner: Runner<State>,
    slots: usize,
    start: Instant,
    looking: Option<BoxFuture<'static, Seen>>,
    next: Instant,
    /// Somebody said "look" while a look was under way.
    again: bool,
    /// When alarms are to be rung, or asked for.
    alarm: Instant,
    /// When somebody wants a look.
    asked: BTreeSet<Instant>,
    /// The last look found as many as it asked for.
    is_long: bool,
    /// Where the next look begins, until `whole_line`.
    from: Place,
    whole_line: Instant,
    /// What the last look took.
    took: Duration,
    /// Since when half of the places are free.
    half_free: Option<Instant>,
    company: Company,
    /// Since when the line is held for a job that runs alone.
    held: Option<Instant>,
    /// Until then the line has the places, whoever waits to run alone.
    others_until: Instant,
}

/// Who may run beside whom.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Company {
    /// Any jobs side by side.
    Mixed,
    /// A job waits that has to run alone: nothing new starts beside what runs.
    AloneNext,
    /// A job runs that has to run alone.
    Alone,
}

impl Lookout {
    pub(super) fn new(runner: Runner<State>, slots: usize) -> Self {
        let now = Instant::now();
        Self {
            runner,
            slots,
            start: now,
            looking: None,
            next: now,
            again: false,
            alarm: now,
            asked: BTreeSet::new(),
            is_long: false,
            from: Place::START,
            whole_line: now,
            took: Duration::ZERO,
            half_free: None,
            company: Company::Mixed,
            held: None,
            others_until: now,
        }
    }

    /// Looks when the times have come that somebody named, and soon when there are none or they are over.
    pub(super) fn heed(&mut self, times: BTreeSet<Instant>) {
        let now = Instant::now();
        if times.first().is_none_or(|at| *at <= now) {
            self.next = now;
            self.again = self.looking.is_some();
        }
        let start = self.start;
        self.asked.extend(times.into_iter().filter(|at| *at > now).map(|at| later(start, at)));
        self.asked.first().inspect(|at| self.alarm = self.alarm.min(**at));
    }

    pub(super) fn look_if_due(&mut self, shift: &Shift<State>) {
        let now = Instant::now();
        if self.company == Company::Alone && shift.running() == 0 {
            // The next one, if there is one, waits for as long as this one has kept the others waiting.
            self.company = Company::Mixed;
            self.others_until = now + self.held.take().map(|since| since.elapsed()).unwrap_or_default();
            self.next = now;
            self.alarm = self.alarm.min(self.others_until);
        }
        if self.slots.saturating_sub(shift.running()) * 2 < self.slots {
            self.half_free = None;
        } else {
            self.half_free.get_or_insert(now);
        }
        if self.next_look(shift).is_none_or(|at| at > now) {
            return;
        }
        let wanted = Wanted {
            jobs: self.slots.saturating_sub(shift.running()).min(LARGEST_CLAIM),
            from: if now < self.whole_line { self.from } else { Place::START },
            alarms: now >= self.alarm,
            suspect: self.company == Company::AloneNext,
        };
        let runner = self.runner.clone();
        self.looking = Some(Box::pin(async move {
            let began = Instant::now();
            let found = look(&runner, wanted).await;
            Seen { asked: wanted.jobs, began, from: wanted.from, alone: wanted.suspect, found }
        }));
    }

    /// When the next look is due; `None` while one is under way, no place is free, or a job runs that has to run alone.
    pub(super) fn next_look(&self, shift: &Shift<State>) -> Option<Instant> {
        let free = self.slots.saturating_sub(shift.running());
        let is_held = self.company != Company::Mixed && shift.running() > 0;
        if self.looking.is_some() || free == 0 || is_held {
            return None;
        }
        let crowd = match self.half_free {
            Some(_) if free == self.slots => Some(self.start),
            since => since.map(|at| at + self.took / PATIENCE),
        };
        let next = crowd.filter(|_| self.is_long).map_or(self.next, |at| at.min(self.next));
        Some(next.min(self.alarm))
    }

    pub(super) async fn seen(&mut self) -> Seen {
        let Some(looking) = &mut self.looking else { return std::future::pending().await };
        let seen = looking.await;
        self.looking = None;
        seen
    }

    pub(super) async fn last(&mut self) -> Option<Seen> {
        match self.looking.take() {
            Some(looking) => Some(looking.await),
            None => None,
        }
    }

    pub(super) fn act(&mut self, seen: Seen, shift: &mut Shift<State>) {
        let now = Instant::now();
        self.took = seen.began.elapsed();
        match seen.found {
            Ok(found) => {
                if let Some(next) = found.next {
                    let is_next = next.suspects && now >= self.others_until;
                    self.company = if is_next { Company::AloneNext } else { Company::Mixed };
                    let is_held = is_next || found.suspect.is_some();
                    self.held = is_held.then(|| self.held.unwrap_or(seen.began));
                    self.asked = self.asked.split_off(&seen.began);
                    let own = now + next.alarm.unwrap_or(POLL).min(POLL);
                    let own = if next.suspects && now < self.others_until { own.min(self.others_until) } else { own };
                    self.alarm = self.asked.first().map_or(own, |at| own.min(*at));
                }
                if let Some(job) = found.suspect {
                    self.company = Company::Alone;
                    shift.start(vec![job], seen.began);
                }
                let was_whole = seen.from == Place::START;
                let found_all = found.line.jobs.len() < seen.asked;
                if was_whole {
                    let rest = self.took * WHOLE_LINE_SHARE;
                    self.whole_line = now + if found_all { rest } else { rest.max(WHOLE_LINE) };
                }
                self.from = found.line.first.unwrap_or(self.from);
                shift.start(found.line.jobs, seen.began);
                self.next = match (found_all, was_whole) {
                    (false, _) => now + GATHER,
                    // What was in front of the place may have been missed.
                    (true, false) => self.whole_line,
                    (true, true) => now + POLL,
                };
                if self.company == Company::AloneNext && !seen.alone {
                    self.next = now;
                }
                // The whole line is looked at before it counts as short.
                self.is_long = !found_all;
            }
            Err(error) => {
                tracing::warn!(error = format!("{:#}", anyhow::Error::new(error)), "Due jobs could not be looked for");
                self.next = now + PAUSE;
                self.alarm = now + PAUSE;
                self.is_long = false;
            }
        }
        if std::mem::take(&mut self.again) {
            self.next = now;
        }
    }
}

/// Puts a time off until the next multiple of a few milliseconds, so that a crowd of times becomes few looks.
fn later(start: Instant, at: Instant) -> Instant {
    let since = at.saturating_duration_since(start).as_millis() / GRAIN + 1;
    start + Duration::from_millis(u64::try_from(since * GRAIN).unwrap_or(u64::MAX))
}

async fn look(runner: &Runner<State>, wanted: Wanted) -> Result<Found, DbError> {
    if wanted.alarms {
        runner.ring(ALARMS).await?;
    }
    let mut found = Found { line: FromLine::default(), suspect: None, next: None };
    if wanted.suspect {
        found.suspect = runner.claim_suspect().await?;
    }
    if found.suspect.is_none() {
        found.line = runner.claim_due(wanted.jobs, wanted.from).await?;
    }
    if wanted.alarms || wanted.suspect {
        // What was claimed must not be lost because this one question was not answered.
        found.next = Some(runner.next_alarm().await.unwrap_or_default());
    }
    Ok(found)
}
