//! Another engine in the same run: a folder with a `bench.sh` that takes the stage `jobs`, installs itself into
//! `PEER_BASE` and writes its medians to `results.json` there.

use crate::arguments::Arguments;
use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// What the peer measured.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Peer {
    /// The best of its numbers of processes.
    pub jobs_per_second: f64,
    /// CPU microseconds of its worker for each job.
    pub worker_us: f64,
    /// From send to commit at 20 a second.
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Resident memory of all its worker's processes, in MiB.
    pub memory_mib: f64,
}

pub async fn run(folder: &Path, arguments: &Arguments) -> anyhow::Result<Peer> {
    let base = arguments.peer_base.clone().unwrap_or_else(|| std::env::temp_dir().join("errand-peer"));
    let status = Command::new("bash")
        .arg(folder.join("bench.sh"))
        .arg("jobs")
        .env("PEER_BASE", &base)
        .env("REPS", arguments.rounds().to_string())
        .env("JOBS", arguments.jobs().to_string())
        // The table is ours; the peer's words go where a person can follow them.
        .stdout(Stdio::from(std::io::stderr()))
        .status()
        .await
        .context("the peer cannot be run")?;
    anyhow::ensure!(status.success(), "the peer failed: {status}");
    let file = base.join("results.json");
    let results = std::fs::read(&file).with_context(|| format!("the peer left no {}", file.display()))?;
    Ok(read(&serde_json::from_slice(&results)?))
}

fn read(results: &Value) -> Peer {
    let number = |path: &str| results.pointer(path).and_then(Value::as_f64).unwrap_or_default();
    let mut best = Peer::default();
    for concurrency in ["c2", "c4"] {
        let jobs_per_second = number(&format!("/jobs/{concurrency}/drain/jobs_per_s/0"));
        if jobs_per_second > best.jobs_per_second {
            best.jobs_per_second = jobs_per_second;
            best.worker_us = number(&format!("/jobs/{concurrency}/drain/celery_cpu_ms/0")) * 1e3;
            best.memory_mib = memory(results.get(format!("mem_celery_{concurrency}")));
        }
        let p50_ms = number(&format!("/jobs/{concurrency}/low_rate_20/p50_ms/0"));
        if best.p50_ms == 0.0 || p50_ms < best.p50_ms {
            best.p50_ms = p50_ms;
            best.p99_ms = number(&format!("/jobs/{concurrency}/low_rate_20/p99_ms/0"));
        }
    }
    best
}

/// Adds up the proportional share of each process.
fn memory(of_worker: Option<&Value>) -> f64 {
    let Some(of_worker) = of_worker else { return 0.0 };
    let pss = |process: &Value| process.get(1).and_then(Value::as_f64).unwrap_or_default();
    let children = of_worker.get("children").and_then(Value::as_array);
    of_worker.get("main").map_or(0.0, pss) + children.map_or(0.0, |children| children.iter().map(pss).sum())
}
