//! The declarations of this build, and declarations that are wrong.

use super::{at, go_to, made, probe};
use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use scheduler::{CronError, Schedule, Schedules, Timetable, TimetableError, declared};
use shared::jobs::{Misfire, NewJob};
use std::collections::BTreeSet;

#[test]
fn every_declaration_can_make_its_jobs() {
    let registry = format!("{:?}", worker::registry());
    let mut names = BTreeSet::new();
    for schedule in declared() {
        let name = schedule.name();
        let timetable = schedule.timetable().unwrap_or_else(|error| panic!("{name}: {error}"));
        timetable.after(at("2030-01-01T00:00:00Z")).unwrap_or_else(|error| panic!("{name}: {error}"));
        let definition = schedule.definition().unwrap_or_else(|error| panic!("{name}: {error}"));

        assert!((1..=100).contains(&name.len()), "{name}");
        assert!(definition.misfire.at_most().is_none_or(|at_most| (1..=1_000).contains(&at_most)), "{name}");
        assert!(registry.contains(&format!("{:?}", definition.kind)), "{name}: no worker runs {}", definition.kind);
        assert!(names.insert(name), "{name} is there twice");
    }
    assert!(names.contains("expire_exports"));
}

#[tokio::test]
async fn a_declaration_that_is_wrong_does_not_hold_up_the_others() {
    let mut app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    app.scheduler.schedules = Schedules::new(vec![
        probe("a_wrong_expression", "0 3 * *", Misfire::Once),
        Schedule::new("a_wrong_zone", "0 3 * * *", "Europe/Atlantis", Misfire::Once, |_| NewJob::new(&Probe::Nothing)),
        probe("right", "0 3 * * *", Misfire::Once),
    ]);
    go_to(&app, "2030-01-01T00:00:00Z");

    app.tick().await;
    go_to(&app, "2030-01-01T03:00:01Z");

    assert_eq!(app.tick().await.scheduled, 1);
    assert_eq!(made(&app).await, [at("2030-01-01T03:00:00Z")]);
}

/// A row that another version wrote, in an expression that this one does not know.
#[tokio::test]
async fn a_row_that_is_not_understood_is_replaced_by_the_declaration() {
    let app = super::app_with(probe("nightly", "0 3 * * *", Misfire::Once), "2030-01-01T00:00:00Z").await;
    sqlx::query("update schedules set cron = '@reboot or so'").execute(&mut app.db().await).await.unwrap();

    go_to(&app, "2030-01-01T03:00:01Z");
    let not_understood = app.tick().await.scheduled;
    let tick = super::another(&app, vec![probe("nightly", "0 4 * * *", Misfire::Once)]).tick().await.unwrap();
    go_to(&app, "2030-01-01T04:00:01Z");

    assert_eq!((not_understood, tick.scheduled), (0, 0));
    assert_eq!(app.tick().await.scheduled, 1);
    assert_eq!(made(&app).await, [at("2030-01-01T04:00:00Z")]);
}

#[test]
fn what_is_wrong_is_said() {
    let why = |cron, zone| {
        Timetable::parse(cron, zone).and_then(|timetable| timetable.after(at("2030-01-01T00:00:00Z"))).unwrap_err()
    };

    assert_eq!(why("0 3 * *", "UTC"), TimetableError::Cron(CronError::Fields(4)));
    assert_eq!(why("0 3 * * *", "Europe/Atlantis"), TimetableError::Zone("Europe/Atlantis".to_owned()));
    assert_eq!(why("0 3 30 2 *", "UTC"), TimetableError::Never("0 3 30 2 *".to_owned()));
    for (cron, words) in [
        ("60 3 * * *", "`60` is no minute: the number is out of its range"),
        ("0 24 * * *", "`24` is no hour: the number is out of its range"),
        ("0 3 0 * *", "`0` is no day of the month: the number is out of its range"),
        ("0 3 * 13 *", "`13` is no month: the number is out of its range"),
        ("0 3 * * 8", "`8` is no weekday: the number is out of its range"),
        ("0 3 * * fri-mon", "`fri-mon` is no weekday: the range ends before it begins"),
        ("*/0 3 * * *", "`*/0` is no minute: the step is no number above 0"),
        ("5/10 3 * * *", "`5/10` is no minute: a step needs `*` or a range before it"),
        ("+5 3 * * *", "`+5` is no minute: it is neither `*` nor a number, a name, a range or a list of them"),
        ("0 3 * * ,", "`,` is no weekday: it is neither `*` nor a number, a name, a range or a list of them"),
    ] {
        assert_eq!(why(cron, "UTC").to_string(), words);
    }
}
