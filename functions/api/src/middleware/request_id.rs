//! The request id: API Gateway's, else the client's, else a new one. It is in the answer, in problem documents and in
//! every log line of the request.

use crate::problem::Problem;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::request::RequestContext;
use tracing::Instrument as _;
use tracing::field::Empty;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// A client's own id is taken only up to this length.
const LONGEST: usize = 128;

pub(super) async fn give(request: Request, next: Next) -> Response {
    let id = find(&request);
    // The route, not the path: ids would make every line its own.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    // Of the highest level, so that every line that is written has these fields.
    let span = tracing::error_span!(
        "request",
        request.id = id,
        http.method = %request.method(),
        http.route = route,
        user.id = Empty,
    );
    let mut response = next.run(request).instrument(span).await;
    Problem::write(&mut response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
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
