//! Who invokes `scheduler`: the schedule of the stack, each minute, or an operator with something to do.

use crate::Scheduler;
use crate::operations::Reply;
use serde_json::Value;
use std::time::Duration;
use tracing::Instrument as _;

/// What Lambda says of an invocation.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// Its id. Lambda does not tell a function who invoked it; AWS's own trail knows it by this id.
    pub id: &'a str,
    /// How long it may go on.
    pub time_left: Duration,
}

/// Performs the operation in the event's field `jobs`, and answers with a [`Reply`]. Without that field it ticks, whatever
/// else the event says, and answers what the tick did.
///
/// # Errors
/// When a tick could not use the database.
pub async fn handle(scheduler: &Scheduler, event: &Value, invocation: Invocation<'_>) -> anyhow::Result<Value> {
    let Some(operation) = event.get("jobs") else { return Ok(serde_json::to_value(scheduler.tick().await?)?) };
    let span = tracing::info_span!("operation", invocation.id = invocation.id);
    let reply = Reply::to(operation, scheduler, invocation.time_left).instrument(span).await;
    Ok(serde_json::to_value(reply)?)
}
