//! `errand schedules`, beside a running `errand` and on a database of somebody else.

use crate::hosts::{Errand, eventually, state_folder};
use crate::support::postgres;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

#[tokio::test]
async fn a_running_errand_is_found_by_its_state_folder() {
    let folder = state_folder();
    let errand = Errand::up(folder.path(), &[]).await;
    eventually("the scheduler has ticked", Duration::from_mins(1), async || {
        let schedules = shown(folder.path(), &["--json"], &[]).await;
        (!serde_json::from_str::<Vec<Value>>(&schedules).unwrap().is_empty()).then_some(())
    })
    .await;

    let schedules: Value = serde_json::from_str(&shown(folder.path(), &["--json"], &[]).await).unwrap();
    let table = shown(folder.path(), &[], &[]).await;

    let first = &schedules[0];
    let next: Vec<DateTime<Utc>> = serde_json::from_value(first["next"].clone()).unwrap();
    assert_eq!(
        first,
        &json!({
            "name": "expire_exports",
            "kind": "expire_exports",
            "cron": "17 3 * * *",
            "time_zone": "UTC",
            "misfire": "once",
            "misfire_at_most": null,
            "last_at": first["last_at"],
            "last_job": first["last_job"],
            "next": next,
        })
    );
    assert_eq!(next.len(), 3);
    assert!(next.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::days(1)), "{next:?}");
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("NAME              CRON        ZONE  LAST"), "{table}");
    assert!(lines[1].starts_with("expire_exports    17 3 * * *  UTC   "), "{table}");
    assert!(lines[1].matches("T03:17:00Z").count() >= 3, "{table}");
    errand.stop().await;
}

#[tokio::test]
async fn a_database_that_is_named_is_looked_at() {
    let folder = state_folder();
    let url = postgres::database().await;

    let table = shown(folder.path(), &[], &[("DATABASE_URL", &url)]).await;

    assert_eq!(table, "There are no schedules yet: the scheduler writes them with its first tick.\n");
}

#[tokio::test]
async fn without_either_it_says_what_to_do() {
    let folder = state_folder();

    let mut refused = Errand::start(folder.path(), &["schedules"], &[]);
    let status = refused.ended().await;

    assert_eq!((status.code(), refused.stdout()), (Some(1), String::new()));
    let expected = format!(
        "errand: no errand runs on the state folder {}: start one, name another folder with --state, or a database in \
         DATABASE_URL\n",
        folder.path().display()
    );
    assert_eq!(refused.stderr(), expected);
}

/// What the command prints.
async fn shown(state: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let mut command = Errand::start(state, &[&["schedules"][..], arguments].concat(), environment);
    let status = command.ended().await;
    assert_eq!(status.code(), Some(0), "{}", command.stderr());
    command.stdout()
}
