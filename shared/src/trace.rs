//! Which trace a piece of work belongs to: the request that began it, its jobs, the jobs of these, and the calls they make
//! have one trace id, and each has a span id of its own.
//!
//! The format is W3C Trace Context (<https://www.w3.org/TR/trace-context/>). A trace travels in the header `traceparent`, in
//! the column `trace_context` of a job's row, and for X-Ray in an attribute of messages. `tracestate`, which belongs to other
//! vendors, ends here: nothing reads it, and rows would have to keep it.

use crate::ids::JobId;
use std::fmt;
use std::future::Future;
use tracing::Instrument as _;

tokio::task_local! {
    static CURRENT: Trace;
}

/// A place in a trace. As text it is a `traceparent`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Trace {
    id: u128,
    span: u64,
    is_sampled: bool,
}

impl Trace {
    /// Begins a trace.
    #[must_use]
    pub fn begin() -> Self {
        Self { id: fastrand::u128(1..), span: fastrand::u64(1..), is_sampled: true }
    }

    /// The trace of a job that nobody's trace asked for. Its id is the job's, so all of its attempts have the same.
    #[must_use]
    pub fn of_job(job: JobId) -> Self {
        Self { id: job.0.as_u128(), ..Self::begin() }
    }

    /// The trace of an invocation, whose header of X-Ray Lambda hands over.
    #[must_use]
    pub fn of_invocation(header: Option<&str>) -> Self {
        header.and_then(Self::from_xray).unwrap_or_else(Self::begin)
    }

    /// Reads a `traceparent`; `None` when it is not valid. What later versions of the format add is ignored.
    #[must_use]
    pub fn from_traceparent(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = hex(parts.next()?, 2)?;
        let (id, span) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
        let flags = hex(parts.next()?, 2)?;
        let is_known = version < 0xff && (version > 0 || parts.next().is_none());
        Self { id, span: u64::try_from(span).ok()?, is_sampled: flags & 1 == 1 }.valid().filter(|_| is_known)
    }

    /// Reads a header of X-Ray, `Root=1-<8 digits>-<24 digits>;Parent=…;Sampled=…`; `None` when it has no valid root. Its
    /// ids are those of W3C with other punctuation.
    #[must_use]
    pub fn from_xray(header: &str) -> Option<Self> {
        let mut trace = Self { id: 0, is_sampled: false, ..Self::begin() };
        for field in header.split(';') {
            match field.trim().split_once('=') {
                Some(("Root", root)) => {
                    let (seconds, rest) = root.strip_prefix("1-")?.split_once('-')?;
                    trace.id = hex(seconds, 8)? << 96 | hex(rest, 24)?;
                }
                Some(("Parent", parent)) => trace.span = u64::try_from(hex(parent, 16)?).ok()?,
                Some(("Sampled", sampled)) => trace.is_sampled = sampled == "1",
                _ => {}
            }
        }
        trace.valid()
    }

    /// W3C's zeros stand for no id.
    fn valid(self) -> Option<Self> {
        (self.id != 0 && self.span != 0).then_some(self)
    }

    /// A new place in the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span: fastrand::u64(1..), ..self }
    }

    /// The same place, recorded by X-Ray if the other is. On AWS that is for X-Ray to decide, and not for a client, because
    /// each recorded trace costs.
    #[must_use]
    pub fn sampled_like(self, other: Self) -> Self {
        Self { is_sampled: other.is_sampled, ..self }
    }

    /// The trace id, as in log lines.
    #[must_use]
    pub fn id(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{:032x}", self.id))
    }

    /// The span id, as in log lines.
    #[must_use]
    pub fn span_id(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{:016x}", self.span))
    }

    /// As a header of X-Ray.
    #[must_use]
    pub fn to_xray(self) -> String {
        let (seconds, rest) = (self.id >> 96, self.id & (u128::MAX >> 32));
        format!("Root=1-{seconds:08x}-{rest:024x};Parent={:016x};Sampled={}", self.span, u8::from(self.is_sampled))
    }

    /// The trace of the work that is being done.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|trace| *trace).ok()
    }

    /// Does work as part of this trace: jobs that it enqueues and calls that it makes belong to it too.
    pub async fn scope<W: Future>(self, work: W) -> W::Output {
        CURRENT.scope(self, work).await
    }

    /// Does the work of an invocation as part of this trace, which its lines name.
    pub async fn around<W: Future>(self, work: W) -> W::Output {
        let trace = self.child();
        let span = tracing::error_span!("invocation", trace_id = %trace.id(), span_id = %trace.span_id());
        trace.scope(work.instrument(span)).await
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.id(), self.span_id(), u8::from(self.is_sampled))
    }
}

/// Reads so many hexadecimal digits, in lower case alone.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex =
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}
