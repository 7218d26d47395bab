//! A panic in a handler is an answer like any other internal error.

use crate::ApiError;
use anyhow::anyhow;
use axum::response::{IntoResponse as _, Response};
use std::any::Any;

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
pub(super) fn answer(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    ApiError::Internal(anyhow!("a handler panicked: {message}")).into_response()
}
