//! `local-postgres run -- <command…>`: runs a command beside a throwaway PostgreSQL.
//!
//! The command finds the server in `DATABASE_URL`, and its exit code becomes this program's.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use local_postgres::{Options, Search, Server};
use tokio::process::Command;

const USAGE: &str = "usage: local-postgres run -- <command>…";

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a command-line tool reports there")]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("local-postgres: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<u8> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [verb, dashes, program, rest @ ..] = arguments.as_slice() else {
        bail!(USAGE);
    };
    ensure!(verb == "run" && dashes == "--", USAGE);

    let temporary = std::env::temp_dir();
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    let mut search = Search::from_environment(|name| std::env::var(name).ok());
    search.download_to = Some(temporary.join("local-postgres-downloads"));
    let server = Server::start(Options::throwaway(&temporary, search)?).await?;
    let status = Command::new(program)
        .args(rest)
        .env("DATABASE_URL", server.url("postgres"))
        .status()
        .await
        .with_context(|| format!("cannot run {}", program.display()));
    server.stop().await?;

    // A command that a signal ended has no code.
    Ok(u8::try_from(status?.code().unwrap_or(1))?)
}
