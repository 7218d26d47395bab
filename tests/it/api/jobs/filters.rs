//! Filters of the list.

use super::{ids, job};
use crate::support::TestApp;
use crate::support::probe::{Probe, kinds};
use serde_json::json;
use shared::exports::{ExportTasks, Format};
use shared::jobs::NewJob;
use shared::tasks::Filter;

#[tokio::test]
async fn kind_and_state_are_met_exactly() {
    let app = TestApp::with_kinds(kinds()).await.may_leave_jobs();
    let ada = app.actor().await;
    let done = job(&app, &ada, &Probe::Nothing).await.to_string();
    let failed = job(&app, &ada, &Probe::Discard("hopeless".to_owned())).await.to_string();
    app.drain().await;
    let running = job(&app, &ada, &Probe::Nothing).await;
    app.worker.runner.claim(&[running]).await.unwrap();
    let running = running.to_string();
    let cancelled = job(&app, &ada, &Probe::Nothing).await.to_string();
    ada.act(&format!("/v1/jobs/{cancelled}/cancel")).await.json(200);
    let export = ExportTasks { format: Format::Csv, filter: Filter::default() };
    let export = app.enqueue_new(NewJob::new(&export).unwrap().owned_by(ada.id)).await.row.id.to_string();

    let found = async |query: &str| ids(&ada.get(&format!("/v1/jobs?{query}")).await.json(200));

    assert_eq!(found("state=succeeded").await, std::slice::from_ref(&done));
    assert_eq!(found("state=failed").await, std::slice::from_ref(&failed));
    assert_eq!(found("state=running").await, std::slice::from_ref(&running));
    assert_eq!(found("state=cancelled").await, std::slice::from_ref(&cancelled));
    assert_eq!(found("state=available").await, std::slice::from_ref(&export));
    assert_eq!(found("kind=export_tasks").await, std::slice::from_ref(&export));
    assert_eq!(found("kind=probe").await, [cancelled, running, failed.clone(), done]);
    assert_eq!(found("kind=probe&state=failed").await, [failed]);
    assert_eq!(found("kind=export_tasks&state=failed").await, [""; 0]);
    assert_eq!(found("kind=prob").await, [""; 0]);
}

#[tokio::test]
async fn a_filter_holds_on_every_page() {
    let app = TestApp::with_kinds(kinds()).await;
    let ada = app.actor().await;
    let mut expected = Vec::new();
    for number in 0..10 {
        let probe = if number % 2 == 0 { Probe::Nothing } else { Probe::Discard("hopeless".to_owned()) };
        let id = job(&app, &ada, &probe).await;
        if number % 2 == 1 {
            expected.insert(0, id.to_string());
        }
    }
    app.drain().await;

    let mut met = Vec::new();
    let mut next = Some("/v1/jobs?kind=probe&state=failed&limit=2".to_owned());
    while let Some(path) = next {
        let page = ada.get(&path).await;
        met.push(ids(&page.json(200)));
        next = page.next_page();
    }

    assert_eq!(met, [&expected[..2], &expected[2..4], &expected[4..]]);
}

#[tokio::test]
async fn a_filter_finds_nothing_of_others() {
    let app = TestApp::with_kinds(kinds()).await;
    let (ada, grace) = (app.actor().await, app.actor().await);
    job(&app, &ada, &Probe::Nothing).await;
    app.enqueue(&Probe::Nothing).await;
    app.drain().await;

    let found = grace.get("/v1/jobs?kind=probe&state=succeeded").await.json(200);

    assert_eq!(found, json!({ "items": [], "next_cursor": null }));
}
