//! The function, invoked and waited for.

use super::{Answer, LONGEST_CALL, OutboundError, Reply, Request};
use crate::aws::Sdk;
use crate::lambda::Function;
use std::sync::Arc;
use std::time::Duration;

/// What an invocation may take on top of the call it makes: a cold start, and the way there and back.
const ALLOWANCE: Duration = Duration::from_secs(10);

/// The Lambda function. It is invoked once: a second mail or call because an answer was late is worse than a job that is
/// retried, which its log shows.
#[derive(Clone, Debug)]
pub struct LambdaOutbound(Function);

impl LambdaOutbound {
    pub(super) fn new(sdk: Arc<Sdk>, function_name: &str) -> Self {
        Self(Function::new(sdk, function_name, LONGEST_CALL + ALLOWANCE))
    }

    pub(super) async fn call(&self, request: Request) -> Result<Reply, OutboundError> {
        let answer: Answer = self.0.call(&request).await.map_err(|error| OutboundError::Unavailable(error.into()))?;
        answer.into()
    }
}
