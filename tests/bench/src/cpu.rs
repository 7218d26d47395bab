//! CPU time and memory, of this process and of PostgreSQL, as Linux counts them. Elsewhere nothing is reported.

use sqlx::PgConnection;
use std::fs;

/// `USER_HZ`: the unit of `/proc/<pid>/stat`, the same on every architecture that Linux supports today.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds used so far.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    pub process: f64,
    pub postgres: f64,
}

/// Reads the clocks of this process and of a PostgreSQL server.
#[derive(Debug)]
pub struct Meter {
    postmaster: Option<u32>,
}

/// What `/proc/<pid>/stat` says.
struct Stat {
    parent: u32,
    own: f64,
    /// Of children that have ended.
    reaped: f64,
}

impl Meter {
    /// Finds the server by one of its backends.
    pub async fn beside(connection: &mut PgConnection) -> anyhow::Result<Self> {
        let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(connection).await?;
        Ok(Self { postmaster: stat(&backend.to_string()).map(|stat| stat.parent) })
    }

    pub fn now(&self) -> Option<Cpu> {
        let process = stat("self")?.own;
        let postmaster = self.postmaster?;
        let server = stat(&postmaster.to_string())?;
        let backends: f64 = fs::read_dir("/proc")
            .ok()?
            .filter_map(|entry| stat(entry.ok()?.file_name().to_str().filter(|name| is_number(name))?))
            .filter(|stat| stat.parent == postmaster)
            .map(|stat| stat.own + stat.reaped)
            .sum();
        Some(Cpu { process, postgres: server.own + server.reaped + backends })
    }
}

fn is_number(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}

fn stat(process: &str) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold anything, spaces and brackets too; what follows starts with the state.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let mut ticks = fields.skip(9).map(|field| field.parse::<f64>().unwrap_or_default());
    let own = ticks.next()? + ticks.next()?;
    let reaped = ticks.next()? + ticks.next()?;
    Some(Stat { parent, own: own / TICKS_PER_SECOND, reaped: reaped / TICKS_PER_SECOND })
}

/// Forgets how much memory this process had at most.
pub fn reset_memory() {
    let _not_linux = fs::write("/proc/self/clear_refs", "5");
}

/// Returns the most memory this process had since, in MiB.
pub fn memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}
