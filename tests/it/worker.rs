//! The worker, batch by batch.

mod batch;
mod outage;
mod serve;
mod timing;
