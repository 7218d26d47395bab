//! An example endpoint: the first thing to call.

use crate::extract::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// A greeting.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Hello {
    message: &'static str,
    version: &'static str,
}

/// Greets.
#[utoipa::path(get, path = "/hello", tag = "service", security(()), responses((status = 200, body = Hello)))]
pub(super) async fn get_hello() -> Json<Hello> {
    Json(Hello { message: "Hello from Errand", version: env!("CARGO_PKG_VERSION") })
}
