//! Errand in one process.

use clap::Parser as _;
use errand::Cli;
use std::io::Write as _;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let lookup = |name: &str| std::env::var(name).ok();
    match errand::run(Cli::parse(), &lookup).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when standard error is closed.
            let _unheard = writeln!(std::io::stderr(), "errand: {error:#}");
            ExitCode::FAILURE
        }
    }
}
