//! A panic in a handler is an answer like any other internal error.

use crate::ApiError;
use axum::response::Response;
use std::any::Any;

pub(super) fn answer(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::panicked()
}
