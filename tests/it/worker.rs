//! The worker, batch by batch.

mod batch;
mod jobs;
mod outage;
mod serve;
mod timing;
