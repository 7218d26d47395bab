//! What a task may be, wherever it comes from: the rules that its types cannot say.

use super::{Changes, NewTask};
use crate::fields::{Fields, Mistake};
use chrono::{DateTime, Months, Utc};
use std::ops::RangeInclusive;

/// The priorities there are.
pub const PRIORITIES: RangeInclusive<i64> = 0..=9;

/// Tags of one task.
const MOST_TAGS: usize = 20;

/// How far ahead a reminder may be.
const REMINDER_REACH: Months = Months::new(5 * 12);

impl NewTask {
    /// Checks the task, but for its reminder.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check(&self) -> Result<(), Vec<Mistake>> {
        let mut fields = Fields::default();
        title(&mut fields, &self.title);
        description(&mut fields, &self.description);
        priority(&mut fields, self.priority);
        tags(&mut fields, &self.tags);
        if let Some(due_at) = self.due_at {
            fields.time("due_at", due_at);
        }
        fields.check()
    }
}

impl Changes {
    /// Checks what is to be changed, but for the reminder.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check(&self) -> Result<(), Vec<Mistake>> {
        let mut fields = Fields::default();
        if let Some(text) = &self.title {
            title(&mut fields, text);
        }
        if let Some(text) = &self.description {
            description(&mut fields, text);
        }
        if let Some(number) = self.priority {
            priority(&mut fields, number);
        }
        if let Some(list) = &self.tags {
            tags(&mut fields, list);
        }
        if let Some(due_at) = self.due_at.flatten() {
            fields.time("due_at", due_at);
        }
        fields.check()
    }
}

/// Checks when somebody wants to be reminded.
///
/// # Errors
/// When that is over, or too far away.
pub fn check_reminder(remind_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Mistake> {
    let Some(remind_at) = remind_at else { return Ok(()) };
    let is_near = now.checked_add_months(REMINDER_REACH).is_none_or(|furthest| remind_at <= furthest);
    if remind_at > now && is_near {
        return Ok(());
    }
    Err(Mistake::new("remind_at", "out_of_range", "must be in the future, and within five years"))
}

fn title(fields: &mut Fields, title: &str) {
    fields.text("title", title, 1..=200);
}

fn description(fields: &mut Fields, description: &str) {
    fields.text("description", description, 0..=10_000);
}

fn priority(fields: &mut Fields, priority: i16) {
    fields.number("priority", priority.into(), PRIORITIES);
}

fn tags(fields: &mut Fields, tags: &[String]) {
    if tags.len() > MOST_TAGS {
        fields.wrong("tags", "too_many", format!("must be at most {MOST_TAGS}, and there are {}", tags.len()));
    }
    for (index, tag) in tags.iter().enumerate() {
        fields.text(&format!("tags[{index}]"), tag, 1..=50);
    }
}
