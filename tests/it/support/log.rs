//! The lines that this test's thread writes while it is there, as a function would write them.

use serde_json::Value;
use shared::telemetry::JsonLines;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

/// A log, until it is dropped.
pub struct Log {
    written: Written,
    _logging: DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Begins, with this project's lines from `info` on.
    pub fn begin() -> Self {
        let written = Written::default();
        let out = written.clone();
        let filter = Targets::new().with_default(LevelFilter::WARN).with_targets(
            ["api", "it", "outbound", "scheduler", "shared", "worker"].map(|ours| (ours, LevelFilter::INFO)),
        );
        let lines = JsonLines::new(move || out.clone()).with_filter(filter);
        Self { written, _logging: tracing::subscriber::set_default(Registry::default().with(lines)) }
    }

    /// What was written, as it was written.
    pub fn text(&self) -> String {
        String::from_utf8(self.written.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines, each of which is one object.
    pub fn lines(&self) -> Vec<Value> {
        parsed(self.text().lines())
    }
}

/// Reads lines, and insists that each is one object.
pub fn parsed<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).ok().filter(Value::is_object);
    lines.into_iter().map(|line| parse(line).unwrap_or_else(|| panic!("no object: {line}"))).collect()
}
