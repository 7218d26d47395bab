//! One JSON object for each event. `docs/logging.md` has the types of lines and the dictionary of fields.

use super::Reports;
use super::fields::{Fields, json};
use std::io::Write as _;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Fields of every line, which stand in places of their own. Nothing else may have their names.
const FRAME: [&str; 5] = ["timestamp", "level", "log_type", "message", "target"];

/// Room for a usual line.
const USUAL: usize = 512;

/// Writes lines: what every line has, the event's own fields, those of the spans around it from the innermost out, and
/// where in the code it is from. Of several fields of one name the innermost counts.
#[derive(Debug)]
pub struct JsonLines<W> {
    out: W,
    reports: Reports,
}

impl<W> JsonLines<W> {
    /// Writes lines there, each at once.
    pub fn new(out: W) -> Self {
        Self { out, reports: Reports::default() }
    }

    /// Also keeps errors to be reported.
    #[must_use]
    pub fn reporting(self, reports: &Reports) -> Self {
        Self { reports: reports.clone(), ..self }
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        span.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            record.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut own = Fields::default();
        event.record(&mut own);
        let level = event.metadata().level();
        let usual_type: &[u8] = if *level == Level::ERROR { br#""error""# } else { br#""application""# };

        let mut line = Line::begin();
        line.text("level", level.as_str());
        line.field("log_type", own.get("log_type").unwrap_or(usual_type));
        line.field("message", own.get("message").unwrap_or(br#""""#));
        line.fields(&own);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.fields(fields);
            }
        }
        line.text("target", event.metadata().target());
        let line = line.end();
        // Whoever read the log is gone: there is nobody left to tell.
        let _written = self.out.make_writer().write_all(&line);
        if *level == Level::ERROR {
            self.reports.keep(&line);
        }
    }
}

/// A line that is being written, and the names it has.
struct Line {
    json: Vec<u8>,
    names: Vec<&'static str>,
}

impl Line {
    fn begin() -> Self {
        let mut now = String::new();
        // A string takes everything.
        let _written = SystemTime.format_time(&mut Writer::new(&mut now));
        let mut json = Vec::with_capacity(USUAL);
        json.extend_from_slice(br#"{"timestamp":""#);
        json.extend_from_slice(now.as_bytes());
        json.push(b'"');
        Self { json, names: FRAME.to_vec() }
    }

    fn fields(&mut self, fields: &Fields) {
        for (name, value) in fields.iter() {
            if !self.names.contains(&name) {
                self.names.push(name);
                self.field(name, value);
            }
        }
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        json(&mut self.json, value);
    }

    /// Adds a field whose value is JSON already.
    fn field(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.json.extend_from_slice(value);
    }

    fn name(&mut self, name: &str) {
        self.json.push(b',');
        json(&mut self.json, name);
        self.json.push(b':');
    }

    fn end(mut self) -> Vec<u8> {
        self.json.extend_from_slice(b"}\n");
        self.json
    }
}
