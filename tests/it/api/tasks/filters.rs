//! Filters of the list, one by one and together.

use crate::support::{Actor, TestApp};
use serde_json::json;

#[tokio::test]
async fn status_and_priority_are_met_exactly() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for (title, status, priority) in
        [("a", "open", 0), ("b", "in_progress", 5), ("c", "done", 5), ("d", "open", 9), ("e", "done", 0)]
    {
        ada.task(json!({ "title": title, "status": status, "priority": priority })).await;
    }

    assert_eq!(found(&ada, "status=open").await, ["d", "a"]);
    assert_eq!(found(&ada, "status=in_progress").await, ["b"]);
    assert_eq!(found(&ada, "status=done").await, ["e", "c"]);
    assert_eq!(found(&ada, "priority=0").await, ["e", "a"]);
    assert_eq!(found(&ada, "priority=5").await, ["c", "b"]);
    assert_eq!(found(&ada, "priority=9&status=done").await, [""; 0]);
}

#[tokio::test]
async fn a_tag_is_met_whole() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    ada.task(json!({ "title": "both", "tags": ["home", "garden"] })).await;
    ada.task(json!({ "title": "one", "tags": ["garden"] })).await;
    ada.task(json!({ "title": "longer", "tags": ["gardening"] })).await;
    ada.task(json!({ "title": "other case", "tags": ["Garden"] })).await;
    ada.task(json!({ "title": "none" })).await;

    assert_eq!(found(&ada, "tag=garden").await, ["one", "both"]);
    assert_eq!(found(&ada, "tag=home").await, ["both"]);
    assert_eq!(found(&ada, "tag=%25").await, [""; 0]);
}

#[tokio::test]
async fn due_before_leaves_its_moment_out_and_due_after_takes_it_in() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for (title, due_at) in [
        ("early", json!("2026-12-24T11:59:59.999999Z")),
        ("noon", json!("2026-12-24T12:00:00Z")),
        ("late", json!("2026-12-24T12:00:00.000001Z")),
        ("never", json!(null)),
    ] {
        ada.task(json!({ "title": title, "due_at": due_at })).await;
    }

    assert_eq!(found(&ada, "due_before=2026-12-24T12:00:00Z").await, ["early"]);
    assert_eq!(found(&ada, "due_after=2026-12-24T12:00:00Z").await, ["late", "noon"]);
    assert_eq!(
        found(&ada, "due_after=2026-12-24T14:00:00%2B02:00&due_before=2026-12-24T12:00:00.000001Z").await,
        ["noon"]
    );
}

#[tokio::test]
async fn text_is_found_in_title_and_description_in_any_case() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    ada.task(json!({ "title": "Call the Plumber" })).await;
    ada.task(json!({ "title": "Pipes", "description": "ask the plumber first" })).await;
    ada.task(json!({ "title": "Nap", "tags": ["plumber"] })).await;
    ada.task(json!({ "title": "שלום עולם 🧺" })).await;

    assert_eq!(found(&ada, "q=PLUMB").await, ["Pipes", "Call the Plumber"]);
    assert_eq!(found(&ada, "q=the+plumber").await, ["Pipes", "Call the Plumber"]);
    assert_eq!(found(&ada, "q=%D7%A2%D7%95%D7%9C%D7%9D").await, ["שלום עולם 🧺"]);
    assert_eq!(found(&ada, "q=%F0%9F%A7%BA").await, ["שלום עולם 🧺"]);
    assert_eq!(found(&ada, "q=plumbing").await, [""; 0]);
}

#[tokio::test]
async fn no_character_of_a_text_is_special() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for title in ["100% done", "100 done", "snake_case", "snakeXcase", r"C:\temp", "C:temp", r"\%"] {
        ada.task(json!({ "title": title })).await;
    }

    assert_eq!(found(&ada, "q=%25").await, [r"\%", "100% done"]);
    assert_eq!(found(&ada, "q=0%25+d").await, ["100% done"]);
    assert_eq!(found(&ada, "q=_").await, ["snake_case"]);
    assert_eq!(found(&ada, "q=%5C").await, [r"\%", r"C:\temp"]);
    assert_eq!(found(&ada, "q=%5C%25").await, [r"\%"]);
}

#[tokio::test]
async fn filters_hold_together() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let wanted = json!({
        "title": "Wanted",
        "status": "open",
        "priority": 4,
        "tags": ["home"],
        "due_at": "2026-12-24T12:00:00Z",
    });
    ada.task(wanted.clone()).await;
    for (field, value) in [
        ("title", json!("Other")),
        ("status", json!("done")),
        ("priority", json!(5)),
        ("tags", json!(["work"])),
        ("due_at", json!("2026-12-26T12:00:00Z")),
        ("due_at", json!("2026-12-22T12:00:00Z")),
    ] {
        let mut nearly = wanted.clone();
        nearly[field] = value;
        ada.task(nearly).await;
    }

    let query = "q=want&status=open&priority=4&tag=home&due_after=2026-12-23T12:00:00Z&due_before=2026-12-25T12:00:00Z";

    assert_eq!(found(&ada, query).await, ["Wanted"]);
}

#[tokio::test]
async fn a_filter_holds_on_every_page() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for number in 0..10 {
        let status = if number % 2 == 0 { "open" } else { "done" };
        ada.task(json!({ "title": number.to_string(), "status": status })).await;
    }

    let mut met = Vec::new();
    let mut next = Some("/v1/tasks?status=done&limit=2".to_owned());
    while let Some(path) = next {
        let page = ada.get(&path).await;
        let items = page.json(200)["items"].as_array().unwrap().clone();
        met.extend(items.iter().map(|task| task["title"].as_str().unwrap().to_owned()));
        next = page.next_page();
    }

    assert_eq!(met, ["9", "7", "5", "3", "1"]);
}

/// The titles of the tasks that a query finds.
async fn found(actor: &Actor<'_>, query: &str) -> Vec<String> {
    let page = actor.get(&format!("/v1/tasks?{query}")).await.json(200);
    page["items"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
}
