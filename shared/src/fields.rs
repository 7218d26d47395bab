//! Checks of values that go beyond their types; all that is wrong is reported together.

use chrono::{DateTime, Datelike as _, Utc};
use std::ops::RangeInclusive;

/// What was wrong with one field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    /// Where: a name, or a path like `tags[2]`.
    pub field: String,
    /// Names the kind of mistake; never changes.
    pub code: &'static str,
    /// The mistake in words.
    pub message: String,
}

impl Mistake {
    /// Makes one.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }
}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub struct Fields {
    mistakes: Vec<Mistake>,
}

impl Fields {
    /// Notes a mistake.
    pub fn wrong(&mut self, field: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(field, code, message));
    }

    /// Checks a text's length in characters; PostgreSQL cannot keep U+0000, so it is refused.
    pub fn text(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) {
        let characters = value.chars().count();
        if characters < *length.start() {
            self.wrong(field, "too_short", format!("must have at least {} characters", length.start()));
        } else if characters > *length.end() {
            self.wrong(
                field,
                "too_long",
                format!("must have at most {} characters, and has {characters}", length.end()),
            );
        }
        if value.contains('\0') {
            self.wrong(field, "not_allowed", "must not contain the character U+0000");
        }
    }

    /// Checks that a number is within limits.
    pub fn number(&mut self, field: &str, value: i64, limits: RangeInclusive<i64>) {
        if !limits.contains(&value) {
            self.wrong(field, "out_of_range", format!("must be between {} and {}", limits.start(), limits.end()));
        }
    }

    /// Checks that a time can be written after RFC 3339, whose years have four digits; PostgreSQL can keep all of those.
    pub fn time(&mut self, field: &str, value: DateTime<Utc>) {
        if !(0..=9999).contains(&value.year()) {
            self.wrong(field, "out_of_range", "must be between the years 0000 and 9999");
        }
    }

    /// Passes when nothing is wrong.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn check(self) -> Result<(), Vec<Mistake>> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(self.mistakes) }
    }
}
