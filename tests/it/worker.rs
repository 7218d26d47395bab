//! The worker, batch by batch.
