//! The worker as a Lambda function: a batch each invocation, and what is written about it before the sandbox is frozen.

use crate::{Config, Worker, handle_batch};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use shared::clock::time_left;
use shared::metrics::Metrics;
use shared::metrics::emf::Emf;
use shared::telemetry::Reports;
use shared::trace::Trace;
use std::sync::Arc;
use std::time::Instant;

/// A worker process that Lambda invokes.
#[derive(Debug)]
pub struct Function {
    worker: Worker,
    emf: Emf,
    reports: Reports,
}

impl Function {
    /// Makes it; nothing is fetched or connected yet.
    #[must_use]
    pub fn from_config(config: Config, reports: Reports) -> Self {
        let metrics = Metrics::default();
        let emf = Emf::new(metrics.clone(), config.environment, config.log);
        let worker = Worker::from_config(config);
        worker.runner.observe(Arc::new(metrics));
        Self { worker, emf, reports }
    }

    /// Runs the jobs of a batch.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
        let trace = Trace::of_invocation(event.context.xray_trace_id.as_deref());
        let deadline = Instant::now() + time_left(event.context.deadline());
        // Boxed: it holds the futures of everything that a batch does.
        let batch = Box::pin(handle_batch(&self.worker, event.payload, deadline));
        let response = trace.around(batch).await;
        self.emf.write(&self.worker.state.clock);
        self.reports.flush().await;
        response
    }
}
