//! A line as Sentry takes it: <https://develop.sentry.dev/sdk/data-model/envelopes/>.

use crate::config::SentryConfig;
use crate::ids;
use serde_json::{Map, Value, json};

pub(super) const CONTENT_TYPE: &str = "application/x-sentry-envelope";

/// Fields that errors can be looked for by. Ids of requests and jobs lead into the log; whose they are stays there.
const TAGS: [&str; 8] =
    ["error.code", "http.method", "http.route", "job.attempt", "job.id", "job.kind", "panic.location", "request.id"];

/// Characters of a text that are sent.
const LONGEST: usize = 2_000;

/// Makes the envelope of a line; `None` when the line is none of ours.
pub(super) fn write(line: &[u8], config: &SentryConfig, dropped: u64) -> Option<Vec<u8>> {
    let line: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let text = |name: &str| line.get(name).and_then(Value::as_str);
    let id = ids::anonymous().simple().to_string();
    let code = text("error.code").or_else(|| text("target"))?;
    let place = text("panic.location").or_else(|| text("job.kind")).or_else(|| text("http.route"));
    let tags: Map<String, Value> =
        TAGS.iter().filter_map(|name| Some(((*name).to_owned(), line.get(*name)?.clone()))).collect();
    let mut event = json!({
        "event_id": id,
        "timestamp": text("timestamp"),
        "platform": "other",
        "level": "error",
        "logger": text("target"),
        "release": concat!("errand@", env!("CARGO_PKG_VERSION")),
        "environment": config.environment.name(),
        "transaction": place,
        // Not by the text, which may differ each time: by what kind of error it is, and of which job or route.
        "fingerprint": [code, place.unwrap_or_default()],
        "exception": { "values": [{
            "type": code,
            "value": text("error").or_else(|| text("message")).map(harmless),
        }] },
        "tags": tags,
        "extra": { "message": text("message").map(harmless), "dropped": dropped },
    });
    if let (Some(trace), Some(span), Some(event)) = (text("trace_id"), text("span_id"), event.as_object_mut()) {
        event.insert("contexts".to_owned(), json!({ "trace": { "trace_id": trace, "span_id": span } }));
    }
    let event = event.to_string();
    let head = json!({ "event_id": id });
    let item = json!({ "type": "event", "length": event.len() });
    Some(format!("{head}\n{item}\n{event}\n").into_bytes())
}

/// Lines hold no address of a person. This is the second fence: what looks like one is taken out, and what is long cut.
fn harmless(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST).collect();
    let is_end = |c: char| c.is_whitespace() || "\"'<>()[]{},;".contains(c);
    let mut harmless = String::with_capacity(cut.len());
    for word in cut.split_inclusive(is_end) {
        let bare = word.trim_end_matches(is_end);
        harmless.push_str(if bare.contains('@') { "[address]" } else { bare });
        harmless.push_str(word.strip_prefix(bare).unwrap_or_default());
    }
    harmless
}
