//! The fields of a line or a span, written as JSON when they are recorded.

use serde::Serialize;
use std::error::Error;
use std::fmt;
use std::ops::Range;
use tracing::field::{Field, Visit};

/// Names and values in the order in which they were recorded; each name once, with the latest value.
#[derive(Debug, Default)]
pub(super) struct Fields {
    json: Vec<u8>,
    places: Vec<(&'static str, Range<usize>)>,
}

impl Fields {
    /// Returns a field's value, as JSON.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(known, _)| *known == name).map(|(_, json)| json)
    }

    /// Returns all fields, their values as JSON.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.places.iter().map(|(name, place)| (*name, self.json.get(place.clone()).unwrap_or_default()))
    }

    fn put(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
        let name = field.name();
        // A name that is a keyword of Rust is written with a prefix.
        let name = name.strip_prefix("r#").unwrap_or(name);
        self.places.retain(|(known, _)| *known != name);
        let start = self.json.len();
        json(&mut self.json, value);
        self.places.push((name, start..self.json.len()));
    }
}

impl Visit for Fields {
    /// JSON has no numbers that are not finite: such a one is null.
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, &format_args!("{}", Chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &format_args!("{value:?}"));
    }
}

/// Writes a value at the end of a text that is JSON.
pub(super) fn json(text: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Neither a text nor a number can be refused, and a vector takes everything.
    let _written = serde_json::to_writer(text, value);
}

/// What went wrong, and after each `: ` what caused it.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
