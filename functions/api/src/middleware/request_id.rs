//! The request id: API Gateway's, else the client's, else a new one. It is in the answer, in problem documents and in
//! every log line of the request. So is the trace, but for the answer.

use crate::problem::Problem;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::request::RequestContext;
use shared::trace::Trace;
use tracing::Instrument as _;
use tracing::field::Empty;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// A client's own id is taken only up to this length.
const LONGEST: usize = 128;

pub(super) async fn give(request: Request, next: Next) -> Response {
    let id = find(&request);
    let trace = trace(request.headers()).child();
    // The route, not the path: ids would make every line its own.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    // Of the highest level, so that every line that is written has these fields.
    let span = tracing::error_span!(
        "request",
        request.id = id,
        http.method = %request.method(),
        http.route = route,
        user.id = Empty,
        trace_id = %trace.id(),
        span_id = %trace.span_id(),
    );
    let mut response = trace.scope(next.run(request).instrument(span)).await;
    Problem::write(&mut response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// The client's trace; else that of X-Ray, which decides in both cases whether X-Ray records it; else a new one.
fn trace(headers: &HeaderMap) -> Trace {
    let only = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    };
    let sent = only(TRACE_PARENT).and_then(Trace::from_traceparent);
    let xray = only(XRAY).and_then(Trace::from_xray);
    match (sent, xray) {
        (Some(sent), Some(xray)) => sent.sampled_like(xray),
        (sent, xray) => sent.or(xray).unwrap_or_else(Trace::begin),
    }
}

fn find(request: &Request) -> String {
    if let Some(RequestContext::ApiGatewayV2(context)) = request.extensions().get()
        && let Some(id) = &context.request_id
    {
        return id.clone();
    }
    let sent = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
    // What a client sends goes into logs: only harmless characters, and not too many.
    let harmless = |id: &&str| {
        (1..=LONGEST).contains(&id.len())
            && id.chars().all(|character| character.is_ascii_alphanumeric() || "-_.:".contains(character))
    };
    sent.filter(harmless).map_or_else(|| shared::ids::anonymous().to_string(), ToOwned::to_owned)
}
