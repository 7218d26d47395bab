//! Lists: a page at a time, by opaque cursor.

use crate::ApiError;
use axum::http::{HeaderName, HeaderValue, Uri, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Items of a page when the client does not say.
const DEFAULT_LIMIT: i64 = 50;

/// Items of a page at most.
const LARGEST_LIMIT: i64 = 100;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// Where the next page starts; `null` on the last one.
    pub next_cursor: Option<String>,
}

/// Where a page starts and how long it is.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The last item of the page before.
    pub before: Option<Uuid>,
    /// Items at most.
    pub limit: i64,
}

impl Window {
    /// Reads the parameters `limit` and `cursor`.
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn parse(limit: Option<i64>, cursor: Option<&str>) -> Result<Self, ApiError> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=LARGEST_LIMIT).contains(&limit) {
            return Err(ApiError::field("limit", "out_of_range", format!("must be between 1 and {LARGEST_LIMIT}")));
        }
        let before = cursor.map(decode).transpose()?;
        Ok(Self { before, limit })
    }

    /// How many rows to ask for: one more than the page has, to know whether there is another page.
    #[must_use]
    pub fn rows(self) -> i64 {
        self.limit + 1
    }

    /// Cuts the rows to a page.
    #[must_use]
    pub fn page<T>(self, mut items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| has_more).map(|last| encode(id(last)));
        Page { items, next_cursor }
    }
}

impl<T> Page<T> {
    /// The `Link` header to the next page (RFC 8288): the same request with another cursor.
    #[must_use]
    pub fn link(&self, uri: &Uri) -> Option<(HeaderName, HeaderValue)> {
        let cursor = self.next_cursor.as_ref()?;
        let others =
            uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let query: Vec<&str> = others.collect();
        let separator = if query.is_empty() { "" } else { "&" };
        let link = format!("<{}?{}{separator}cursor={cursor}>; rel=\"next\"", uri.path(), query.join("&"));
        HeaderValue::from_str(&link).ok().map(|value| (header::LINK, value))
    }
}

fn encode(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

fn decode(cursor: &str) -> Result<Uuid, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes
        .and_then(|bytes| Uuid::from_slice(&bytes).ok())
        .ok_or_else(|| ApiError::field("cursor", "not_allowed", "must be a next_cursor of an earlier page"))
}
