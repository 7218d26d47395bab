//! The worker, batch by batch.

mod batch;
mod expire_exports;
mod outage;
mod serve;
mod timing;
