//! The benchmark of the job engine: that it still runs, and finds that all it wrote was done. What it measures says nothing
//! here, where everything is built for tests.

use crate::support::binaries;
use serde_json::Value;
use std::process::Command;
use tempfile::TempDir;

#[test]
fn each_part_of_it_runs() {
    let folder = TempDir::new().unwrap();
    let json = folder.path().join("run.json");

    let output = Command::new(binaries::path("bench-jobs"))
        .args(["--quick", "--jobs", "40", "--rounds", "1", "--per-claim", "10", "--hold", "1"])
        .args(["--finished", "500", "--waiting", "200", "--json"])
        .arg(&json)
        .output()
        .unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let lines = report["lines"].as_array().unwrap();
    let drains: Vec<&Value> = lines.iter().filter(|line| line["name"].as_str().unwrap().ends_with("a claim")).collect();
    assert_eq!(drains.len(), 6, "two paths of three kinds of work: {report:#}");
    assert!(lines.len() > drains.len(), "enqueueing and latency are there too: {report:#}");
    for line in lines {
        assert!(line["engine"].as_f64().unwrap() > 0.0, "{line}");
    }
    for part in ["steadiness", "fairness"] {
        assert!(!report[part].as_array().unwrap().is_empty(), "{part}: {report:#}");
    }
}
