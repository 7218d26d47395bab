//! Everything that was measured: tables for people, one file for programs.

mod table;

use crate::arguments::Arguments;
use crate::compare::{Compared, Side};
use crate::database::Setting;
use crate::kinds::Work;
use crate::peer::Peer;
use serde::Serialize;
use std::io::Write as _;

/// What the project aims at, in jobs a second.
const NOOP_AIM: f64 = 50_000.0;
const EFFECTS_AIM: f64 = 8_000.0;

/// A run.
#[derive(Serialize)]
pub struct Report {
    profile: String,
    setting: Setting,
    rounds: usize,
    jobs: usize,
    lines: Vec<Line>,
    steadiness: Vec<Steady>,
    fairness: Vec<Fair>,
    pub peer: Option<Peer>,
}

/// One measure of engine and floor.
#[derive(Serialize)]
struct Line {
    name: String,
    unit: Unit,
    engine: f64,
    floor: Option<f64>,
    /// What the engine has of its floor, in per cent.
    share: Option<f64>,
    aim: Option<f64>,
    sides: Option<Compared>,
    memory_mib: Option<f64>,
    /// The bound is for it.
    bounded: bool,
    like_peer: Option<LikePeer>,
}

#[derive(Clone, Copy, Eq, PartialEq, Serialize)]
enum Unit {
    /// The more the better.
    PerSecond,
    /// The less the better.
    Milliseconds,
}

/// Which of the peer's numbers stands beside a line.
#[derive(Clone, Copy, Eq, PartialEq, Serialize)]
enum LikePeer {
    Drain,
    P50,
    P99,
}

/// Something that is to stay as it is.
#[derive(Serialize)]
struct Steady {
    name: String,
    unit: Unit,
    now: Cost,
    base: Option<Cost>,
}

/// A time or a rate, and the pages that a statement touched for it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Cost {
    pub number: f64,
    pub pages: Option<f64>,
}

#[derive(Serialize)]
struct Fair {
    name: String,
    jobs_before: usize,
    waited_ms: f64,
}

impl Report {
    pub fn new(arguments: &Arguments, setting: Setting) -> Self {
        // Cargo names the folder after the profile; the program itself is not told.
        let profile = std::env::current_exe().ok().and_then(|program| {
            let folder = program.parent()?.file_name()?;
            Some(folder.to_string_lossy().into_owned())
        });
        Self {
            profile: profile.unwrap_or_default(),
            setting,
            rounds: arguments.rounds(),
            jobs: arguments.jobs(),
            lines: Vec::new(),
            steadiness: Vec::new(),
            fairness: Vec::new(),
            peer: None,
        }
    }

    pub fn drain(&mut self, name: &str, work: Work, per_claim: usize, compared: Compared, memory_mib: Option<f64>) {
        let aim = match work {
            Work::Nothing => NOOP_AIM,
            Work::Effects | Work::AtOnce => EFFECTS_AIM,
        };
        let like_peer = (work == Work::Effects && per_claim == 10).then_some(LikePeer::Drain);
        self.compared(name, compared, (per_claim >= 100).then_some(aim), |line| Line {
            memory_mib,
            bounded: per_claim >= 10,
            like_peer,
            ..line
        });
    }

    pub fn enqueue(&mut self, name: &str, compared: Compared, aim: Option<f64>) {
        self.compared(name, compared, aim, |line| line);
    }

    fn compared(&mut self, name: &str, compared: Compared, aim: Option<f64>, more: impl Fn(Line) -> Line) {
        self.add(more(Line {
            name: name.to_owned(),
            unit: Unit::PerSecond,
            engine: compared.engine.per_second,
            floor: Some(compared.floor.per_second),
            share: Some(compared.share),
            aim,
            sides: Some(compared),
            memory_mib: None,
            bounded: false,
            like_peer: None,
        }));
    }

    pub fn latency(&mut self, name: &str, engine: f64, floor: Option<f64>, aim: Option<f64>) {
        let like_peer = match aim {
            Some(_) if name.ends_with("p50") => Some(LikePeer::P50),
            Some(_) => Some(LikePeer::P99),
            None => None,
        };
        self.add(Line {
            name: name.to_owned(),
            unit: Unit::Milliseconds,
            engine,
            floor,
            share: floor.map(|floor| 100.0 * floor / engine),
            aim,
            sides: None,
            memory_mib: None,
            bounded: false,
            like_peer,
        });
    }

    fn add(&mut self, line: Line) {
        progress(&format!("{}: {:.5}, floor {:.5}", line.name, line.engine, line.floor.unwrap_or_default()));
        self.lines.push(line);
    }

    /// Something timed that is to stay as it is otherwise.
    pub fn steady(&mut self, name: &str, now: Cost, base: Option<Cost>) {
        self.keep_steady(name, Unit::Milliseconds, now, base);
    }

    /// The same for something by the second.
    pub fn steady_rate(&mut self, name: &str, now: f64, base: f64) {
        let [now, base] = [now, base].map(|number| Cost { number, pages: None });
        self.keep_steady(name, Unit::PerSecond, now, Some(base));
    }

    fn keep_steady(&mut self, name: &str, unit: Unit, now: Cost, base: Option<Cost>) {
        progress(&format!("{name}: {:.3}, else {:.3}", now.number, base.unwrap_or_default().number));
        self.steadiness.push(Steady { name: name.to_owned(), unit, now, base });
    }

    pub fn fairness(&mut self, name: &str, jobs_before: usize, waited_ms: f64) {
        progress(&format!("{name}: after {jobs_before} others, {waited_ms:.1} ms"));
        self.fairness.push(Fair { name: name.to_owned(), jobs_before, waited_ms });
    }

    /// The line that has the least of its floor, among those that the bound is for.
    pub fn lowest(&self) -> Option<(&str, f64)> {
        let bounded = self.lines.iter().filter(|line| line.bounded);
        let shares = bounded.filter_map(|line| Some((line.name.as_str(), line.share?)));
        shares.min_by(|(_, one), (_, other)| one.total_cmp(other))
    }

    /// The statements of a line's engine, if they were counted.
    fn most_telling(&self) -> Option<(&str, &Side)> {
        let line = self.lines.iter().rfind(|line| line.like_peer == Some(LikePeer::Drain))?;
        Some((line.name.as_str(), &line.sides.as_ref()?.engine))
    }
}

/// Tells whoever waits how far it is.
pub fn progress(text: &str) {
    let _nobody_looks = writeln!(std::io::stderr(), "{text}");
}
