//! A panic in a handler is an answer like any other internal error.

use crate::ApiError;
use axum::response::Response;
use std::any::Any;

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
pub(super) fn answer(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::panicked()
}
