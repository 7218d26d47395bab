//! The worker: an SQS batch in, job kinds run. The same kinds run from PostgreSQL alone in [`serve()`].

mod batch;
mod config;
mod function;
mod jobs;
mod serve;
mod state;

pub use batch::{LookNow, handle_batch, handle_batch_until};
pub use config::Config;
pub use function::Function;
pub use jobs::registry;
pub use serve::serve;
pub use state::{State, Worker};
