//! Text that PostgreSQL accepts: it refuses U+0000, in `text` and in `jsonb` alike.

use serde_json::Value;

/// An error message is cut to this many characters before it is kept.
const LONGEST_ERROR: usize = 2_000;

/// Takes U+0000 out of every string and every key of a value.
pub(super) fn storable(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_nul(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(storable).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (without_nul(key), storable(value))).collect())
        }
        other => other,
    }
}

/// Makes an error message fit to be kept.
pub(super) fn storable_error(text: &str) -> String {
    text.chars().filter(|character| *character != '\0').take(LONGEST_ERROR).collect()
}

fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text }
}
