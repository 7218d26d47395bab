//! `local-postgres run -- <command…>`: runs a command beside a throwaway PostgreSQL.
//!
//! The command finds the server in `DATABASE_URL`, and its exit code becomes this program's.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use local_postgres::{Options, Search, Server};
use tokio::process::Command;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = (arguments.next(), arguments.next(), arguments.next());
    let (Some(verb), Some(dashes), Some(program)) = usage else {
        bail!("usage: local-postgres run -- <command>…");
    };
    if verb != "run" || dashes != "--" {
        bail!("usage: local-postgres run -- <command>…");
    }

    let temporary = std::env::temp_dir();
    let mut search = Search::from_environment(|name| std::env::var(name).ok());
    search.download_to = Some(temporary.join("local-postgres-downloads"));
    let server = Server::start(Options::throwaway(&temporary, search)?).await?;
    let status = Command::new(&program)
        .args(arguments)
        .env("DATABASE_URL", server.url("postgres"))
        .status()
        .await
        .with_context(|| format!("cannot run {}", program.display()));
    server.stop().await?;

    let code = u8::try_from(status?.code().unwrap_or(1)).unwrap_or(1);
    Ok(ExitCode::from(code))
}
