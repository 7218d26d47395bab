//! A panic is a line like any other, with the place in the code instead of a backtrace.

use std::panic::{PanicHookInfo, set_hook};

/// Logs each panic of the process. What becomes of the work is for whoever catches the panic.
pub(super) fn log() {
    set_hook(Box::new(line));
}

fn line(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(
        error.code = "panic",
        error = panic.payload_as_str().unwrap_or("without a message"),
        panic.location = location,
        "The code panicked at {location}",
    );
}
