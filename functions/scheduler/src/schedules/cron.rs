//! Cron expressions of five fields: which minutes of a wall clock they name. What an hour is that a zone leaves out or
//! has twice is decided by the [timetable](super::timetable).

use chrono::{Datelike as _, NaiveDate};
use std::ops::RangeInclusive;

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Short names, as in crontab(5).
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Why an expression is none.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CronError {
    /// There are not five fields.
    #[error("a cron expression has five fields, minute hour day month weekday, and this one has {0}")]
    Fields(usize),
    /// A field says nothing that is known.
    #[error("`{text}` is no {field}: {why}")]
    Field {
        /// Which one.
        field: &'static str,
        /// What it says.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A parsed expression.
#[derive(Clone, Debug)]
pub(super) struct Cron {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// The numbers that a field names, one bit each.
#[derive(Clone, Copy, Debug)]
struct Field {
    bits: u64,
    /// Whether it begins with `*`.
    is_wild: bool,
}

impl Cron {
    pub(super) fn parse(expression: &str) -> Result<Self, CronError> {
        let expression = expression.trim();
        let nickname = NICKNAMES.iter().find(|(name, _)| *name == expression);
        let expression = nickname.map_or(expression, |(_, meaning)| meaning);
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return Err(CronError::Fields(fields.len()));
        };
        let mut weekdays = Field::parse("weekday", weekdays, 0..=7, &WEEKDAYS, 0)?;
        // Sunday is 0 and 7.
        weekdays.bits |= (weekdays.bits >> 7) & 1;
        Ok(Self {
            minutes: Field::parse("minute", minutes, 0..=59, &[], 0)?,
            hours: Field::parse("hour", hours, 0..=23, &[], 0)?,
            days: Field::parse("day of the month", days, 1..=31, &[], 0)?,
            months: Field::parse("month", months, 1..=12, &MONTHS, 1)?,
            weekdays,
        })
    }

    /// Whether it names times of this day. When both the day of the month and the weekday are named, either is enough:
    /// so it has been since the first cron.
    pub(super) fn is_on(&self, date: NaiveDate) -> bool {
        let day = self.days.has(date.day());
        let weekday = self.weekdays.has(date.weekday().num_days_from_sunday());
        let either = !self.days.is_wild && !self.weekdays.is_wild;
        self.months.has(date.month()) && if either { day || weekday } else { day && weekday }
    }

    /// The times of each of its days, as hour and minute, earliest first.
    pub(super) fn times(&self) -> impl Iterator<Item = (u32, u32)> {
        self.hours.numbers().flat_map(|hour| self.minutes.numbers().map(move |minute| (hour, minute)))
    }

    /// Whether it repeats as long as the day lasts, instead of naming times.
    pub(super) fn repeats(&self) -> bool {
        self.minutes.is_wild || self.hours.is_wild
    }

    /// Whether its hours are named.
    pub(super) fn names_hours(&self) -> bool {
        !self.hours.is_wild
    }
}

impl Field {
    /// Reads a list of `*`, `a`, `a-b`, each of the first and the last also with `/step`. Names stand for the numbers
    /// from `first_name` on.
    fn parse(
        field: &'static str,
        text: &str,
        range: RangeInclusive<u32>,
        names: &[&str],
        first_name: u32,
    ) -> Result<Self, CronError> {
        let wrong = |why| CronError::Field { field, text: text.to_owned(), why };
        let number = |word: &str| {
            let by_name = (first_name..).zip(names).find(|(_, name)| name.eq_ignore_ascii_case(word));
            let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
            let found = by_name.map(|(number, _)| number).or_else(|| word.parse().ok().filter(|_| is_number));
            match found {
                Some(number) if range.contains(&number) => Ok(number),
                Some(_) => Err(wrong("the number is out of its range")),
                None => Err(wrong("it is neither `*` nor a number, a name, a range or a list of them")),
            }
        };
        let mut bits = 0_u64;
        for item in text.split(',') {
            let (span, step) = match item.split_once('/') {
                Some((span, step)) => (span, Some(step)),
                None => (item, None),
            };
            let (from, to) = match span.split_once('-') {
                _ if span == "*" => (*range.start(), *range.end()),
                Some((from, to)) => (number(from)?, number(to)?),
                None if step.is_some() => return Err(wrong("a step needs `*` or a range before it")),
                None => (number(span)?, number(span)?),
            };
            if from > to {
                return Err(wrong("the range ends before it begins"));
            }
            let step = match step.map(str::parse::<usize>) {
                None => 1,
                Some(Ok(step)) if step > 0 => step,
                Some(_) => return Err(wrong("the step is no number above 0")),
            };
            bits |= (from..=to).step_by(step).fold(0, |bits, number| bits | (1 << number));
        }
        Ok(Self { bits, is_wild: text.starts_with('*') })
    }

    fn has(self, number: u32) -> bool {
        (self.bits >> number) & 1 == 1
    }

    fn numbers(self) -> impl Iterator<Item = u32> {
        (0..u64::BITS).filter(move |number| self.has(*number))
    }
}
