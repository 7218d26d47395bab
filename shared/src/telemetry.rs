//! Log lines: JSON on standard output for machines, text on standard error for eyes.

mod fields;
mod lines;
mod panics;
mod reports;

pub use lines::JsonLines;
pub use reports::{Dsn, Reports};

use crate::config::{LogConfig, LogFormat, SentryConfig};
use std::io::Write as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry};

/// Starts logging for the process, and keeps its errors for Sentry if it is to hear of them. A second call changes nothing.
pub fn init(config: LogConfig, sentry: Option<SentryConfig>) -> Reports {
    let reports = Reports::to(sentry);
    // Libraries speak up when something is wrong; statement texts and wire details stay out of the logs.
    let filter = Targets::new().with_default(LevelFilter::WARN).with_targets(
        ["api", "errand", "local_postgres", "migrate", "outbound", "scheduler", "shared", "smoke", "worker"]
            .map(|ours| (ours, config.level)),
    );
    let layer = match config.format {
        LogFormat::Json => JsonLines::new(std::io::stdout).reporting(&reports).boxed(),
        LogFormat::Text => {
            let text = tracing_subscriber::fmt::layer().with_target(false).with_writer(std::io::stderr);
            text.and_then(reports.are_wanted().then(|| JsonLines::new(std::io::sink).reporting(&reports))).boxed()
        }
    };
    // Only fails when a subscriber is installed already, as in tests that share a process.
    if Registry::default().with(layer.with_filter(filter)).try_init().is_ok() {
        panics::log();
    }
    reports
}

/// Writes a line that is JSON already, to where the JSON lines go.
pub fn write_line(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever read the log is gone: there is nobody left to tell.
    let _written = writeln!(out, "{line}");
}
