//! What a task may be, wherever it comes from: the rules that its types cannot say.

use super::{Changes, NewTask};
use crate::fields::{Fields, Mistake};
use std::ops::RangeInclusive;

/// The priorities there are.
pub const PRIORITIES: RangeInclusive<i64> = 0..=9;

/// Tags of one task.
const MOST_TAGS: usize = 20;

impl NewTask {
    /// Checks the task.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check(&self) -> Result<(), Vec<Mistake>> {
        let mut fields = Fields::default();
        self.judge(&mut fields);
        fields.check()
    }

    /// Notes all that is wrong with the task.
    pub fn judge(&self, fields: &mut Fields) {
        title(fields, &self.title);
        description(fields, &self.description);
        priority(fields, self.priority);
        tags(fields, &self.tags);
        if let Some(due_at) = self.due_at {
            fields.time("due_at", due_at);
        }
    }
}

impl Changes {
    /// Notes all that is wrong with what is to be changed.
    pub fn judge(&self, fields: &mut Fields) {
        if let Some(text) = &self.title {
            title(fields, text);
        }
        if let Some(text) = &self.description {
            description(fields, text);
        }
        if let Some(number) = self.priority {
            priority(fields, number);
        }
        if let Some(list) = &self.tags {
            tags(fields, list);
        }
        if let Some(due_at) = self.due_at.flatten() {
            fields.time("due_at", due_at);
        }
    }
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
