//! The tables, as Markdown: what `docs/performance.md` quotes can be pasted.

use super::{Cost, LikePeer, Line, Report, Steady, Unit};
use crate::compare::Side;
use crate::peer::Peer;
use std::io::{self, Write};

const NOTHING: &str = "–";

impl Report {
    /// Prints everything.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let settings: Vec<String> =
            self.setting.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        writeln!(out, "\nProfile `{}`, PostgreSQL {}, {}.", self.profile, self.setting.postgres, settings.join(", "))?;
        writeln!(out, "Medians of {} rounds in turns, {} jobs in a round of ten a claim.\n", self.rounds, self.jobs)?;
        if !self.lines.is_empty() {
            writeln!(
                out,
                "| measure | engine | floor | engine ÷ floor | by CPU | aim | CPU µs a job: process | PostgreSQL | statements a job \
                | memory | peer | engine ÷ peer |"
            )?;
            writeln!(out, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
            for line in &self.lines {
                self.print_line(out, line)?;
            }
            writeln!(out, "\nWhere two numbers stand, the second is the floor's.")?;
        }
        self.print_steadiness(out)?;
        self.print_statements(out)?;
        if let Some(Peer { worker_us, memory_mib, .. }) = &self.peer {
            writeln!(out, "\nThe peer's workers use {worker_us:.0} µs of CPU a job, and {memory_mib:.0} MiB.")?;
        }
        if let Some((name, share)) = self.lowest() {
            writeln!(out, "\nLeast of its floor: {share:.0} %, {name}.")?;
        }
        Ok(())
    }

    fn print_line(&self, out: &mut impl Write, line: &Line) -> io::Result<()> {
        let sides = line.sides.as_ref();
        let both = |what: fn(&Side) -> Option<f64>, digits: usize| {
            let (engine, floor) = sides.map_or((None, None), |sides| (what(&sides.engine), what(&sides.floor)));
            match (engine, floor) {
                (Some(engine), Some(floor)) => format!("{engine:.digits$} / {floor:.digits$}"),
                _ => NOTHING.to_owned(),
            }
        };
        let statements = |side: &Side| {
            let count: f64 = side.statements.iter().map(|statement| statement.per_job).sum();
            (count > 0.0).then_some(count)
        };
        let peer = self.of_peer(line.like_peer);
        let ratio = peer.map(|peer| match line.unit {
            Unit::PerSecond => format!("{:.1} × as many", line.engine / peer),
            Unit::Milliseconds => format!("{:.2} of the time", line.engine / peer),
        });
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            line.name,
            line.unit.show(line.engine),
            shown(line.floor.map(|floor| line.unit.show(floor))),
            shown(line.share.map(|share| format!("{share:.0} %"))),
            shown(sides.and_then(|sides| sides.cpu_share).map(|share| format!("{share:.0} %"))),
            shown(line.aim.map(|aim| line.unit.show(aim))),
            both(|side| side.process_us, 0),
            both(|side| side.postgres_us, 0),
            both(statements, 2),
            shown(line.memory_mib.map(|mib| format!("{mib:.0} MiB"))),
            shown(peer.map(|peer| line.unit.show(peer))),
            shown(ratio),
        )
    }

    fn of_peer(&self, like: Option<LikePeer>) -> Option<f64> {
        let peer = self.peer.as_ref()?;
        Some(match like? {
            LikePeer::Drain => peer.jobs_per_second,
            LikePeer::P50 => peer.p50_ms,
            LikePeer::P99 => peer.p99_ms,
        })
    }

    fn print_steadiness(&self, out: &mut impl Write) -> io::Result<()> {
        if !self.steadiness.is_empty() {
            writeln!(out, "\n| to stay flat | now | otherwise | ratio | pages a statement: now | otherwise |")?;
            writeln!(out, "|---|--:|--:|--:|--:|--:|")?;
        }
        for Steady { name, unit, now, base } in &self.steadiness {
            let ratio = base.map(|base| format!("{:.2}", now.number / base.number));
            let pages = |cost: Option<Cost>| shown(cost.and_then(|cost| cost.pages).map(|pages| format!("{pages:.0}")));
            writeln!(
                out,
                "| {name} | {} | {} | {} | {} | {} |",
                unit.show(now.number),
                shown(base.map(|base| unit.show(base.number))),
                shown(ratio),
                pages(Some(*now)),
                pages(*base),
            )?;
        }
        if !self.fairness.is_empty() {
            writeln!(out, "\n| fairness | others that ran before it | its wait |\n|---|--:|--:|")?;
        }
        for fair in &self.fairness {
            writeln!(out, "| {} | {} | {:.1} ms |", fair.name, fair.jobs_before, fair.waited_ms)?;
        }
        Ok(())
    }

    fn print_statements(&self, out: &mut impl Write) -> io::Result<()> {
        if !self.setting.counts_statements {
            return writeln!(out, "\nStatements were not counted: pg_stat_statements is not installed.");
        }
        let Some((name, engine)) = self.most_telling() else { return Ok(()) };
        writeln!(out, "\nWhat PostgreSQL executed for \"{name}\":\n")?;
        writeln!(out, "| statement | times a job | µs each | µs a job |\n|---|--:|--:|--:|")?;
        for statement in &engine.statements {
            let start: String = statement.text.chars().take(50).collect();
            let (per_job, mean, sum) = (statement.per_job, statement.mean_us, statement.us_per_job);
            writeln!(out, "| `{}` | {per_job:.3} | {mean:.1} | {sum:.1} |", start.trim())?;
        }
        Ok(())
    }
}

impl Unit {
    fn show(self, number: f64) -> String {
        match self {
            Self::PerSecond => format!("{number:.0}/s"),
            Self::Milliseconds => format!("{number:.2} ms"),
        }
    }
}

fn shown(text: Option<String>) -> String {
    text.unwrap_or_else(|| NOTHING.to_owned())
}
