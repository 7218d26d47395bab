//! Pages of tasks.

use crate::support::{Actor, TestApp};
use serde_json::{Value, json};

#[tokio::test]
async fn tasks_come_newest_first() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for title in ["first", "second", "third"] {
        ada.task(json!({ "title": title })).await;
    }

    let page = ada.get("/v1/tasks").await;

    assert_eq!(titles(&page.json(200)), ["third", "second", "first"]);
    assert_eq!(page.json(200)["next_cursor"], Value::Null);
    assert_eq!(page.next_page(), None);
}

#[tokio::test]
async fn items_are_whole_tasks() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let task = ada.task(json!({ "priority": 3, "tags": ["a", "b"], "due_at": "2026-12-24T18:30:00Z" })).await;

    let page = ada.get("/v1/tasks").await.json(200);

    assert_eq!(page, json!({ "items": [task], "next_cursor": null }));
}

#[tokio::test]
async fn a_walk_meets_every_task_once_while_new_ones_are_created() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let mut expected = Vec::new();
    for number in 0..120 {
        let task = ada.task(json!({ "title": format!("task {number}") })).await;
        expected.insert(0, id(&task));
    }

    let mut met = Vec::new();
    let mut sizes = Vec::new();
    let mut next = Some("/v1/tasks?limit=25".to_owned());
    while let Some(path) = next {
        let page = ada.get(&path).await;
        let items = page.json(200)["items"].as_array().unwrap().clone();
        sizes.push(items.len());
        met.extend(items.iter().map(id));
        next = page.next_page();
        ada.task(json!({ "title": "meanwhile" })).await;
    }

    assert_eq!(sizes, [25, 25, 25, 25, 20]);
    assert_eq!(met, expected);
}

#[tokio::test]
async fn a_page_that_is_just_full_is_the_last_one() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for _ in 0..4 {
        ada.task(json!({})).await;
    }

    let first = ada.get("/v1/tasks?limit=2").await;
    let second = ada.get(&first.next_page().unwrap()).await;

    assert_eq!(second.json(200)["items"].as_array().unwrap().len(), 2);
    assert_eq!(second.json(200)["next_cursor"], Value::Null);
    assert_eq!(second.next_page(), None);
}

#[tokio::test]
async fn the_cursor_leads_where_the_link_does() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for _ in 0..3 {
        ada.task(json!({ "tags": ["a b"] })).await;
    }

    let first = ada.get("/v1/tasks?limit=1&tag=a%20b").await;
    let cursor = first.json(200)["next_cursor"].as_str().unwrap().to_owned();
    let second = ada.get(&first.next_page().unwrap()).await;

    assert_eq!(first.next_page().unwrap(), format!("/v1/tasks?limit=1&tag=a%20b&cursor={cursor}"));
    assert_eq!(second.json(200), ada.get(&format!("/v1/tasks?tag=a+b&limit=1&cursor={cursor}")).await.json(200));
    let cursor = second.json(200)["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(second.next_page().unwrap(), format!("/v1/tasks?limit=1&tag=a%20b&cursor={cursor}"));
}

#[tokio::test]
async fn a_page_has_fifty_items_unless_asked_otherwise_and_a_hundred_at_most() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for _ in 0..101 {
        ada.task(json!({})).await;
    }

    assert_eq!(size(&ada, "/v1/tasks").await, 50);
    assert_eq!(size(&ada, "/v1/tasks?limit=1").await, 1);
    assert_eq!(size(&ada, "/v1/tasks?limit=100").await, 100);
}

#[tokio::test]
async fn wrong_parameters_are_refused_by_name() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let mistakes = [
        ("limit=0", "limit: out_of_range"),
        ("limit=101", "limit: out_of_range"),
        ("limit=-1", "limit: out_of_range"),
        ("limit=abc", "limit: wrong_type"),
        ("limit=", "limit: wrong_type"),
        ("limit=99999999999999999999", "limit: wrong_type"),
        ("cursor=abc", "cursor: not_allowed"),
        ("cursor=", "cursor: not_allowed"),
        ("cursor=%00", "cursor: not_allowed"),
        ("cursor=AaH9LHfaez2OIUxdbn-A", "cursor: not_allowed"),
        ("status=later", "status: wrong_type"),
        ("priority=10", "priority: out_of_range"),
        ("priority=high", "priority: wrong_type"),
        ("tag=", "tag: too_short"),
        ("tag=%00", "tag: not_allowed"),
        ("q=", "q: too_short"),
        ("q=a%00b", "q: not_allowed"),
        ("due_before=tomorrow", "due_before: wrong_type"),
        ("due_after=2026-12-24", "due_after: wrong_type"),
        ("due_before=-9999-01-01T00:00:00Z", "due_before: out_of_range"),
        ("due_after=%2B262142-01-01T00:00:00Z", "due_after: out_of_range"),
        ("colour=red", "colour: unknown"),
        ("limit=5&limit=6", "limit: duplicate"),
    ];

    for (query, error) in mistakes {
        let answer = ada.get(&format!("/v1/tasks?{query}")).await;

        assert_eq!(answer.refused(), [error], "{query}");
    }
}

async fn size(actor: &Actor<'_>, path: &str) -> usize {
    actor.get(path).await.json(200)["items"].as_array().unwrap().len()
}

fn titles(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap()).collect()
}

fn id(task: &Value) -> String {
    task["id"].as_str().unwrap().to_owned()
}
