//! `errand schedules`: which periodic jobs there are, when each was last and when it is next.

use crate::cli::SchedulesArgs;
use crate::{database, table};
use chrono::{DateTime, SecondsFormat, Utc};
use scheduler::Timetable;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::jobs::schedule::{self, Listed, ScheduleRow};
use std::io::{self, Write as _};
use std::iter;

/// How many of the next runs are shown.
const NEXT: usize = 3;

const HEADINGS: [&str; 5] = ["NAME", "CRON", "ZONE", "LAST", "NEXT"];

/// Prints them.
pub(crate) async fn run(
    arguments: SchedulesArgs,
    lookup: &(dyn Fn(&str) -> Option<String> + Sync),
) -> anyhow::Result<()> {
    let db = database::existing(arguments.state, lookup).await?;
    let mut listed = {
        let mut connection = db.acquire().await?;
        schedule::list(&mut connection, &Clock::default()).await?
    };
    db.close().await;
    listed.retain(|listed| !listed.schedule.retired);
    let mut out = io::stdout().lock();
    if arguments.json {
        let items: Vec<Value> = listed.iter().map(as_json).collect();
        writeln!(out, "{:#}", Value::Array(items))?;
    } else if listed.is_empty() {
        writeln!(out, "There are no schedules yet: the scheduler writes them with its first tick.")?;
    } else {
        let rows: Vec<[String; 5]> = listed.iter().map(as_row).collect();
        table::write(&mut out, HEADINGS, &rows)?;
    }
    Ok(())
}

/// The next runs, by the scheduler's own calculation. The first is what the row promises.
fn next(schedule: &ScheduleRow) -> Vec<DateTime<Utc>> {
    let timetable = Timetable::parse(&schedule.definition.cron, &schedule.definition.time_zone).ok();
    let following = |time: &DateTime<Utc>| timetable.as_ref()?.after(*time).ok();
    iter::successors(Some(schedule.next_at), following).take(NEXT).collect()
}

fn as_json(Listed { schedule, last_job_state }: &Listed) -> Value {
    let last_job = schedule.last_job.zip(*last_job_state);
    json!({
        "name": schedule.name,
        "kind": schedule.definition.kind,
        "cron": schedule.definition.cron,
        "time_zone": schedule.definition.time_zone,
        "misfire": schedule.definition.misfire.name(),
        "misfire_at_most": schedule.definition.misfire.at_most(),
        "last_at": schedule.last_at.map(written),
        "last_job": last_job.map(|(id, state)| json!({ "id": id, "state": state })),
        "next": next(schedule).into_iter().map(written).collect::<Vec<_>>(),
    })
}

fn as_row(Listed { schedule, last_job_state }: &Listed) -> [String; 5] {
    let last = match (schedule.last_at, last_job_state) {
        (None, _) => "never".to_owned(),
        (Some(at), None) => written(at),
        (Some(at), Some(state)) => format!("{} ({})", written(at), json!(state).as_str().unwrap_or_default()),
    };
    let next: Vec<String> = next(schedule).into_iter().map(written).collect();
    let definition = &schedule.definition;
    [schedule.name.clone(), definition.cron.clone(), definition.time_zone.clone(), last, next.join(", ")]
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
