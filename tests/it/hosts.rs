//! Errand as a process: started, stopped, killed, without a queue and with one.

mod client;
mod eventually;
mod jobs_command;
mod process;
mod queue;
mod services;
mod slow;
pub mod storage;
mod up;

pub use client::Client;
pub use eventually::{eventually, say};
pub use process::{Errand, Ran, run, state_folder};
pub use slow::{slow_down, speed_up, write_tasks};
