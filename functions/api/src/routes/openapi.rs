//! The OpenAPI document. It is made when it is asked for: a cold start does not pay for it.

use crate::problem::Problem;
use crate::{ApiError, AppState};
use axum::Json;
use axum::extract::State;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

/// Returns the OpenAPI document, where it is switched on.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "service",
    security(()),
    responses((status = 200, description = "This document", body = serde_json::Value)),
)]
pub(super) async fn get_openapi(State(state): State<AppState>) -> Result<Json<OpenApi>, ApiError> {
    if state.docs { Ok(Json(super::openapi())) } else { Err(ApiError::NotFound) }
}

/// Adds what holds for all routes: every failure is a problem document.
pub(super) fn describe(mut openapi: OpenApi) -> OpenApi {
    openapi.info = InfoBuilder::new()
        .title("Errand")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Tasks, and background jobs that are never lost and never applied twice."))
        .build();
    let problem = ResponseBuilder::new()
        .description("A problem document (RFC 9457)")
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
        )
        .build();
    let components = ComponentsBuilder::from(openapi.components.take().unwrap_or_default())
        .security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        .schema(Problem::name(), Problem::schema())
        .response("Problem", problem);
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    openapi.components = Some(components.schemas_from_iter(schemas).build());
    for path in openapi.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.put, &mut path.post, &mut path.patch, &mut path.delete];
        for operation in operations.into_iter().flatten() {
            operation.responses.responses.insert("default".to_owned(), Ref::from_response_name("Problem").into());
        }
    }
    openapi
}
