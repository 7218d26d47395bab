//! Finds, starts and stops a PostgreSQL server for a laptop or a test run.
//!
//! The server belongs to the process that started it: it listens on loopback alone, has no Unix
//! socket, and stops when that process ends, however it ends. A data directory is used by one
//! server at a time. Nothing here speaks SQL, and no environment variable is read in here.
//!
//! | module | job |
//! |---|---|
//! | [`search`](Search) | which PostgreSQL installation to use |
//! | `download` | fetches one where none is installed |
//! | `identity` | which user runs the server, as it refuses root |
//! | `watched` | a child process that ends when this process does |
//! | `occupancy` | who uses a data directory now |
//! | [`running`](running()) | the server that another process runs |
//! | `data_dir` | makes a data directory, checks and hands over an existing one |
//! | [`server`](Server) | ties them together |

mod binaries;
mod data_dir;
mod download;
mod error;
mod identity;
mod log;
mod occupancy;
mod options;
mod pid_file;
mod running;
mod search;
mod server;
mod watched;

pub use binaries::{Binaries, OLDEST_MAJOR};
pub use error::{NothingFound, Refusal, StartError, StopError};
pub use options::{Durability, Options};
pub use running::running;
pub use search::{Installed, Search};
pub use server::Server;
