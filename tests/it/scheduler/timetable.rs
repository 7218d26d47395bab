//! Cron expressions on the clocks of the world.

use super::at;
use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Timelike as _, Utc};
use scheduler::Timetable;

const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";
/// Goes forward on the first Sunday of October and back on the first of April.
const SYDNEY: &str = "Australia/Sydney";
/// Goes forward at midnight, so that a day begins at one o'clock.
const SANTIAGO: &str = "America/Santiago";
/// Goes forward and back by half an hour.
const LORD_HOWE: &str = "Australia/Lord_Howe";

/// The times of the UTC day and the next one, each as the clock of the zone shows it.
fn on(date: &str, cron: &str, zone: &str) -> Vec<String> {
    let from = at(&format!("{date}T00:00:00Z")) - TimeDelta::hours(14);
    let zone_of: chrono_tz::Tz = zone.parse().unwrap();
    let date: NaiveDate = date.parse().unwrap();
    let times = timetable(cron, zone).between(from, from + TimeDelta::hours(60));
    let local = times.into_iter().map(|time| time.with_timezone(&zone_of)).filter(|time| time.date_naive() == date);
    local.map(|time| time.format("%H:%M%:z").to_string()).collect()
}

fn timetable(cron: &str, zone: &str) -> Timetable {
    Timetable::parse(cron, zone).unwrap()
}

#[test]
fn in_spring_a_named_time_that_does_not_exist_comes_once_right_after_the_gap() {
    for (zone, date, after_the_gap) in [
        (BERLIN, "2030-03-31", "03:00+02:00"),
        (NEW_YORK, "2030-03-10", "03:00-04:00"),
        (SYDNEY, "2030-10-06", "03:00+11:00"),
    ] {
        assert_eq!(on(date, "30 2 * * *", zone), [after_the_gap], "{zone}");
        assert_eq!(on(date, "0,15,30,45 2 * * *", zone), [after_the_gap], "{zone}");
        assert_eq!(on(date, "*/15 2 * * *", zone), [after_the_gap], "{zone}");
        assert_eq!(on(date, "0 2,3 * * *", zone), [after_the_gap], "{zone}");
        assert_eq!(on(date, "30 1 * * *", zone).len(), 1, "{zone}");
    }
    assert_eq!(on("2030-09-08", "0 0 * * *", SANTIAGO), ["01:00-03:00"]);
    assert_eq!(on("2030-10-06", "15 2 * * *", LORD_HOWE), ["02:30+11:00"]);
}

#[test]
fn in_autumn_a_named_time_that_exists_twice_comes_once_the_first_time() {
    for (zone, date, first) in [(BERLIN, "2030-10-27", "02:30+02:00"), (SYDNEY, "2030-04-07", "02:30+11:00")] {
        assert_eq!(on(date, "30 2 * * *", zone), [first], "{zone}");
    }
    assert_eq!(on("2030-11-03", "30 1 * * *", NEW_YORK), ["01:30-04:00"]);
    assert_eq!(
        on("2030-10-27", "0,30 2,14 * * *", BERLIN),
        ["02:00+02:00", "02:30+02:00", "14:00+01:00", "14:30+01:00"]
    );
    assert_eq!(on("2030-04-06", "30 23 * * *", SANTIAGO), ["23:30-03:00"]);
}

#[test]
fn short_names_mean_the_first_moment_of_each() {
    for (name, first) in [
        ("@hourly", "2030-05-15T11:00:00Z"),
        ("@daily", "2030-05-16T00:00:00Z"),
        ("@midnight", "2030-05-16T00:00:00Z"),
        ("@weekly", "2030-05-19T00:00:00Z"),
        ("@monthly", "2030-06-01T00:00:00Z"),
        ("@yearly", "2031-01-01T00:00:00Z"),
        ("@annually", "2031-01-01T00:00:00Z"),
    ] {
        assert_eq!(timetable(name, "UTC").after(at("2030-05-15T10:20:30Z")).unwrap(), at(first), "{name}");
    }
}

#[test]
fn what_repeats_keeps_its_rhythm_through_both() {
    for (zone, spring, autumn) in [
        (BERLIN, "2030-03-31", "2030-10-27"),
        (NEW_YORK, "2030-03-10", "2030-11-03"),
        (SYDNEY, "2030-10-06", "2030-04-07"),
        (LORD_HOWE, "2030-10-06", "2030-04-07"),
    ] {
        for day in [spring, autumn] {
            let from = at(&format!("{day}T00:00:00Z")) - TimeDelta::days(1);
            let times = timetable("*/5 * * * *", zone).between(from, from + TimeDelta::days(3));

            assert_eq!(times.len(), 3 * 24 * 12 + 1, "{zone} {day}");
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(5)), "{zone} {day}");
        }
    }
    assert_eq!(on("2030-03-31", "30 * * * *", BERLIN).len(), 23);
    assert_eq!(on("2030-10-27", "30 * * * *", BERLIN).len(), 25);
    assert_eq!(on("2030-10-27", "*/30 1-2 * * *", BERLIN).len(), 6);
}

/// From any minute around the change, `after` is the first that `between` has: nothing is skipped, nothing comes twice.
#[test]
fn the_next_time_is_the_first_of_those_that_follow() {
    for (zone, start) in [
        (BERLIN, "2030-03-30T20:00:00Z"),
        (BERLIN, "2030-10-26T20:00:00Z"),
        (NEW_YORK, "2030-03-10T00:00:00Z"),
        (NEW_YORK, "2030-11-03T00:00:00Z"),
        (SYDNEY, "2030-10-05T10:00:00Z"),
        (SYDNEY, "2030-04-06T10:00:00Z"),
        (SANTIAGO, "2030-09-07T22:00:00Z"),
        (SANTIAGO, "2030-04-06T22:00:00Z"),
        (LORD_HOWE, "2030-10-05T10:00:00Z"),
        (LORD_HOWE, "2030-04-06T10:00:00Z"),
    ] {
        for cron in ["30 2 * * *", "*/20 * * * *", "0 */2 * * *", "15 0 * * *", "59 23 * * *"] {
            let timetable = timetable(cron, zone);
            let end = at(start) + TimeDelta::hours(16);
            for step in 0..240 {
                let moment = at(start) + TimeDelta::minutes(3 * step);
                let following = timetable.between(moment + TimeDelta::seconds(1), end);

                let next = timetable.after(moment).unwrap();

                match following.first() {
                    Some(first) => assert_eq!(next, *first, "{cron} {zone} after {moment}"),
                    None => assert!(next > end, "{cron} {zone} after {moment}"),
                }
            }
        }
    }
}

/// The same, minute by minute, by the definition of cron.
#[test]
fn expressions_name_the_minutes_that_cron_says() {
    type Rule = fn(DateTime<Utc>) -> bool;
    let rules: [(&str, Rule); 12] = [
        ("* * * * *", |_| true),
        ("*/15 * * * *", |t| t.minute().is_multiple_of(15)),
        ("0 3 * * *", |t| (t.hour(), t.minute()) == (3, 0)),
        ("5,35 8-18/2 * * *", |t| [5, 35].contains(&t.minute()) && [8, 10, 12, 14, 16, 18].contains(&t.hour())),
        ("10-12 4 * * *", |t| t.hour() == 4 && (10..=12).contains(&t.minute())),
        ("0 0 1 * *", |t| (t.day(), t.hour(), t.minute()) == (1, 0, 0)),
        ("0 0 31 * *", |t| (t.day(), t.hour(), t.minute()) == (31, 0, 0)),
        ("0 12 * * mon-fri", |t| (t.hour(), t.minute()) == (12, 0) && t.weekday().number_from_monday() <= 5),
        ("0 12 * * 0", |t| (t.hour(), t.minute()) == (12, 0) && t.weekday().num_days_from_sunday() == 0),
        ("0 12 * * 7", |t| (t.hour(), t.minute()) == (12, 0) && t.weekday().num_days_from_sunday() == 0),
        ("0 6 * feb,Mar *", |t| (t.hour(), t.minute()) == (6, 0) && [2, 3].contains(&t.month())),
        ("0 6 13 * FRI", |t| {
            (t.hour(), t.minute()) == (6, 0) && (t.day() == 13 || t.weekday().number_from_monday() == 5)
        }),
    ];
    let from = at("2031-12-30T00:00:00Z");
    let to = at("2032-03-02T00:00:00Z");
    for (cron, is_named) in rules {
        let minutes = (to - from).num_minutes();
        let expected: Vec<_> =
            (0..=minutes).map(|minute| from + TimeDelta::minutes(minute)).filter(|time| is_named(*time)).collect();

        assert_eq!(timetable(cron, "UTC").between(from, to), expected, "{cron}");
    }
}

#[test]
fn a_rare_day_is_found() {
    let next = |cron, moment| timetable(cron, "UTC").after(at(moment)).unwrap();

    assert_eq!(next("0 0 29 2 *", "2096-02-29T00:00:00Z"), at("2104-02-29T00:00:00Z"), "2100 is no leap year");
    assert_eq!(next("0 0 1 1 *", "2030-01-01T00:00:00Z"), at("2031-01-01T00:00:00Z"));
    assert_eq!(next("0 0 * * *", "2030-01-01T23:59:59Z"), at("2030-01-02T00:00:00Z"));
}

/// Samoa went over the date line and left out the 30th of December 2011.
#[test]
fn a_day_that_does_not_exist_is_made_up_for() {
    let times = timetable("0 3 * * *", "Pacific/Apia").between(at("2011-12-29T00:00:00Z"), at("2011-12-31T12:00:00Z"));

    assert_eq!(
        times,
        [at("2011-12-29T13:00:00Z"), at("2011-12-30T10:00:00Z"), at("2011-12-30T13:00:00Z")],
        "the 29th at three, the 30th as soon as there is a day again, the 31st at three"
    );
}
