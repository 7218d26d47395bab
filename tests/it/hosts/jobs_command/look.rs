//! Looking: `list`, `show`, `stats`.

use super::{app, failed_job, jobs};
use crate::support::postgres;
use crate::support::probe::Probe;
use serde_json::{Value, json};
use shared::ids::{JobId, OwnerId};
use shared::jobs::NewJob;
use std::time::Duration;

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn jobs_of_all_owners_are_listed_newest_first() {
    let app = app().await;
    let owner = OwnerId::new();
    let failed = failed_job(&app).await.to_string();
    let waiting = app.enqueue(&Probe::Nothing).await.to_string();
    let of_ada = app.enqueue_new(NewJob::new(&Probe::Nothing).unwrap().owned_by(owner)).await.row.id.to_string();

    let owner = owner.to_string();
    let found = async |arguments: &[&str]| {
        let mut all = vec!["list", "--json"];
        all.extend(arguments);
        jobs(&app, &all).await.json()
    };

    assert_eq!(ids(&found(&[]).await), [of_ada.as_str(), &waiting, &failed]);
    assert_eq!(ids(&found(&["--state", "available"]).await), [of_ada.as_str(), &waiting]);
    assert_eq!(ids(&found(&["--owner", &owner]).await), [of_ada.as_str()]);
    assert_eq!(ids(&found(&["--owner", &owner, "--state", "failed"]).await), [""; 0]);
    assert_eq!(ids(&found(&["--kind", "export_tasks"]).await), [""; 0]);
    assert_eq!(ids(&found(&["--kind", "probe", "--limit", "1"]).await), [of_ada.as_str()]);
    let failed = &found(&["--state", "failed"]).await[0];
    assert_eq!((&failed["owner_id"], &failed["errors"][0]["error"]), (&Value::Null, &json!("hopeless")));
}

#[tokio::test]
async fn a_table_is_for_people() {
    let app = app().await;
    let failed = failed_job(&app).await;
    let error = "two\nlines \u{1b}[31m and a lot more than fits into a table for people to read on a terminal";
    let update = "update jobs set errors = jsonb_set(errors, '{0,error}', to_jsonb($1::text))";
    sqlx::query(update).bind(error).execute(&mut app.db().await).await.unwrap();
    app.enqueue(&Probe::Nothing).await;

    let whole = jobs(&app, &["list"]).await;
    let cut = jobs(&app, &["list", "--limit", "1"]).await;

    let lines: Vec<&str> = whole.done().lines().collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(
        lines[0].starts_with("ID                                    KIND   STATE      ATTEMPT  RUN AT"),
        "{lines:#?}"
    );
    assert!(lines[1].contains("  probe  available  0/3      20"), "{lines:#?}");
    assert!(lines[2].starts_with(&format!("{failed}  probe  failed     1/3      20")), "{lines:#?}");
    assert!(lines[2].ends_with("two lines  [31m and a lot more than fits into a table for pe…"), "{lines:#?}");
    assert!(cut.done().ends_with("There are more: --limit shows them.\n"), "{}", cut.stdout);
}

#[tokio::test]
async fn everything_of_a_row_is_shown() {
    let app = app().await;
    let id = app.enqueue(&Probe::Fail("connection to 10.0.0.7 refused".to_owned())).await;
    app.batch(&[id]).await;
    postgres::run(&mut app.db().await, r#"update jobs set checkpoint = '{"row": 7}'"#).await;
    let row: Value =
        sqlx::query_scalar("select to_jsonb(jobs) from jobs").fetch_one(&mut app.db().await).await.unwrap();

    let json = jobs(&app, &["show", &id.to_string(), "--json"]).await.json();
    let text = jobs(&app, &["show", &id.to_string()]).await;

    assert_eq!(json, row);
    assert_eq!(json["payload"], json!({ "fail": "connection to 10.0.0.7 refused" }));
    let text = text.done();
    for column in row.as_object().unwrap().keys() {
        assert!(text.lines().any(|line| line.split_whitespace().next() == Some(column)), "{column}:\n{text}");
    }
    let id = id.to_string();
    let line = |name: &str, value: &str| format!("{name:16}  {value}\n");
    for (name, value) in [("id", id.as_str()), ("kind", "probe"), ("owner_id", "-"), ("attempt", "1"), ("result", "-")]
    {
        assert!(text.contains(&line(name, value)), "{name}:\n{text}");
    }
    assert!(text.contains(&format!("checkpoint        {{\n{:18}  \"row\": 7\n{:18}}}\n", "", "")), "{text}");
    assert!(text.contains("\"internal\": true"), "{text}");
}

#[tokio::test]
async fn a_job_that_is_not_there_is_said() {
    let app = app().await;
    let id = JobId::new();

    let shown = jobs(&app, &["show", &id.to_string()]).await;

    assert_eq!((shown.code, shown.stdout.as_str()), (1, ""));
    assert_eq!(shown.stderr, format!("errand: there is no job {id}\n"));
}

#[tokio::test]
async fn each_kind_is_counted() {
    let app = app().await;
    failed_job(&app).await;
    failed_job(&app).await;
    let done = app.enqueue(&Probe::Nothing).await;
    let old = app.enqueue(&Probe::Nothing).await;
    app.batch(&[done, old]).await;
    let mut db = app.db().await;
    postgres::run(&mut db, &format!("update jobs set finished_at = now() - interval '25 h' where id = '{old}'")).await;
    let running = app.enqueue(&Probe::Nothing).await;
    app.worker.runner.claim(&[running]).await.unwrap();
    let due = app.enqueue(&Probe::Nothing).await;
    postgres::run(&mut db, &format!("update jobs set run_at = now() - interval '1 h' where id = '{due}'")).await;
    app.enqueue(&Probe::Nothing).await;
    let tomorrow = app.clock.now() + Duration::from_hours(24);
    app.enqueue_new(NewJob::new(&Probe::Nothing).unwrap().at(tomorrow)).await;
    // A kind of which nothing has ended, in two versions.
    app.enqueue(&Probe::Nothing).await;
    app.enqueue(&Probe::Nothing).await;
    let newest = "select id from jobs order by id desc limit 2";
    postgres::run(
        &mut db,
        &format!("update jobs set kind = 'other', run_at = now() - interval '1 h' where id in ({newest})"),
    )
    .await;
    postgres::run(&mut db, "update jobs set version = 2 where id = (select id from jobs order by id desc limit 1)")
        .await;

    let json = jobs(&app, &["stats", "--json"]).await.json();
    let text = jobs(&app, &["stats"]).await;

    let age = json[1]["oldest_due_s"].as_f64().unwrap();
    assert!((3600.0..3660.0).contains(&age), "{age}");
    let (other, probe) = (&json[0], &json[1]);
    assert_eq!((&other["kind"], &other["available"], &other["succeeded_24h"]), (&json!("other"), &json!(2), &json!(0)));
    assert_eq!(other["unsupported"], 2);
    assert_eq!(
        probe,
        &json!({
            "kind": "probe",
            "available": 2,
            "oldest_due_s": age,
            "unsupported": 0,
            "scheduled": 1,
            "running": 1,
            "succeeded_24h": 1,
            "failed_24h": 2,
            "cancelled_24h": 0,
        })
    );
    let lines: Vec<Vec<&str>> = text.done().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[2][..2], ["probe", "2"]);
    assert_eq!(lines[2][3..], ["s", "0", "1", "1", "1", "2", "0"]);
}

#[tokio::test]
async fn nothing_is_counted_where_nothing_is() {
    let app = app().await;

    assert_eq!(jobs(&app, &["stats", "--json"]).await.json(), json!([]));
    assert_eq!(jobs(&app, &["list", "--json"]).await.json(), json!([]));
}
