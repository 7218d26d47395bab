//! The handle that jobs hold: the function on Lambda, or the same code in this process.

use super::lambda::LambdaOutbound;
use super::{OutboundError, Reply, Request};
use crate::aws::Sdk;
use futures_util::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// Whoever does in this process what the function does on Lambda.
pub trait Local: fmt::Debug + Send + Sync {
    /// Does what is asked.
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Reply, OutboundError>>;
}

/// The way out.
#[derive(Clone, Debug)]
pub struct Outbound(Way);

#[derive(Clone, Debug)]
enum Way {
    Lambda(LambdaOutbound),
    Local(Arc<dyn Local>),
    Nowhere,
}

impl Outbound {
    /// Goes through the Lambda function of this name or ARN; nothing is connected before the first call.
    #[must_use]
    pub fn lambda(sdk: Arc<Sdk>, function_name: &str) -> Self {
        Self(Way::Lambda(LambdaOutbound::new(sdk, function_name)))
    }

    /// Stays in this process.
    #[must_use]
    pub fn local(local: Arc<dyn Local>) -> Self {
        Self(Way::Local(local))
    }

    /// Leads nowhere: each call says that `OUTBOUND_FUNCTION` is not set.
    #[must_use]
    pub fn nowhere() -> Self {
        Self(Way::Nowhere)
    }

    /// Does what is asked, and tries once: trying again is the job's affair.
    ///
    /// # Errors
    /// [`OutboundError`] says whether trying again is of any use.
    pub async fn call(&self, request: Request) -> Result<Reply, OutboundError> {
        match &self.0 {
            Way::Lambda(function) => function.call(request).await,
            Way::Local(local) => local.call(request).await,
            Way::Nowhere => Err(OutboundError::Unavailable(anyhow::anyhow!("OUTBOUND_FUNCTION is not set"))),
        }
    }
}
