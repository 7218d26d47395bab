//! What is in an export: exactly the tasks, whatever is written in them.

use super::export;
use crate::support::{Actor, TestApp};
use serde_json::{Map, Value, json};

/// Texts that break what is quoted carelessly.
const TEXTS: [&str; 14] = [
    "plain",
    "a, b, c",
    "she said \"no\"",
    "\"",
    "two\nlines",
    "two\r\nlines",
    "carriage\rreturn",
    "🧺 👩‍👩‍👧 e\u{301}",
    "שלום, \"עולם\"",
    "=HYPERLINK(\"x\")",
    "+1;-1;@sum",
    " leading and trailing ",
    "tab\tand \\ and \\n and \\\"",
    "\u{feff}bom and \u{2028} line separator",
];

#[tokio::test]
async fn a_thousand_tasks_come_back_exactly_as_csv_and_as_json() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for number in 0..1_000 {
        ada.task(awkward(number)).await;
    }
    let tasks = all(&ada, "/v1/tasks?limit=100").await;

    let csv = export(&app, &ada, json!({ "format": "csv" })).await;
    let json = export(&app, &ada, json!({ "format": "json" })).await;

    assert_eq!(tasks.len(), 1_000);
    assert_eq!((&csv["result"]["rows"], &json["result"]["rows"]), (&json!(1_000), &json!(1_000)));
    let csv = ada.get(csv["result"]["url"].as_str().unwrap()).await.text(200);
    let json = ada.get(json["result"]["url"].as_str().unwrap()).await.json(200);
    assert!(csv.starts_with(
        "id,title,description,status,priority,tags,due_at,remind_at,created_at,updated_at,completed_at,version\r\n"
    ));
    for ((from_csv, from_json), task) in parsed(&csv).iter().zip(json.as_array().unwrap()).zip(&tasks) {
        assert_eq!((from_csv, from_json), (task, task));
    }
    assert_eq!((parsed(&csv).len(), json.as_array().unwrap().len()), (1_000, 1_000));
}

#[tokio::test]
async fn an_export_of_nothing_is_a_whole_file() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let csv = export(&app, &ada, json!({ "format": "csv" })).await;
    let json = export(&app, &ada, json!({ "format": "json" })).await;

    assert_eq!((&csv["result"]["rows"], &json["result"]["rows"]), (&json!(0), &json!(0)));
    let csv = ada.get(csv["result"]["url"].as_str().unwrap()).await.text(200);
    assert_eq!(csv.lines().count(), 1);
    assert_eq!(parsed(&csv), [json!(null); 0]);
    assert_eq!(ada.get(json["result"]["url"].as_str().unwrap()).await.json(200), json!([]));
}

/// The worker reads 1,000 tasks at a time.
#[tokio::test]
async fn tasks_on_both_sides_of_a_page_are_all_there_once() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let insert = "
        insert into tasks (id, owner_id, title, description, status, priority, tags, created_at, updated_at, version)
        select gen_random_uuid(), $1, number::text, '', 'open', 0, '{}', now(), now(), 1
        from generate_series(1, 2001) as number
    ";
    sqlx::query(insert).bind(ada.id).execute(&mut app.db().await).await.unwrap();

    let json = export(&app, &ada, json!({ "format": "json" })).await;
    let csv = export(&app, &ada, json!({ "format": "csv" })).await;

    let json = ada.get(json["result"]["url"].as_str().unwrap()).await.json(200);
    let csv = parsed(&ada.get(csv["result"]["url"].as_str().unwrap()).await.text(200));
    assert_eq!(&csv, json.as_array().unwrap());
    let mut numbers: Vec<u32> = csv.iter().map(|task| task["title"].as_str().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=2001).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_export_has_the_tasks_that_the_list_has_for_the_same_filter() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    for number in 0..60 {
        ada.task(awkward(number)).await;
    }
    let filters = [
        (json!({ "status": "done" }), "status=done"),
        (json!({ "priority": 3 }), "priority=3"),
        (json!({ "tag": "a, b, c" }), "tag=a,+b,+c"),
        (json!({ "due_before": "2026-12-11T00:00:00Z" }), "due_before=2026-12-11T00:00:00Z"),
        (json!({ "due_after": "2026-12-11T00:00:00Z" }), "due_after=2026-12-11T00:00:00Z"),
        (json!({ "q": "SAID \"" }), "q=SAID+%22"),
        (json!({ "q": "\\" }), "q=%5C"),
        (json!({ "status": "done", "priority": 5, "q": "a" }), "status=done&priority=5&q=a"),
        (json!({}), ""),
    ];

    for (filter, query) in filters {
        let job = export(&app, &ada, json!({ "format": "json", "filter": filter.clone() })).await;
        let exported = ada.get(job["result"]["url"].as_str().unwrap()).await.json(200);
        let listed = ada.get(&format!("/v1/tasks?limit=100&{query}")).await.json(200);

        assert_eq!(exported, listed["items"], "{filter}");
        let count = exported.as_array().unwrap().len();
        assert!(count > 0 && (count < 60 || query.is_empty()), "{filter} finds {count}");
    }
}

#[tokio::test]
async fn an_export_has_the_callers_tasks_alone() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let grace = app.actor().await;
    ada.task(json!({ "title": "Ada's" })).await;
    let hers = grace.task(json!({ "title": "Grace's" })).await;

    let job = export(&app, &grace, json!({ "format": "json" })).await;

    assert_eq!(grace.get(job["result"]["url"].as_str().unwrap()).await.json(200), json!([hers]));
}

/// A task in which every field varies, and each text is one that breaks careless quoting.
pub fn awkward(number: usize) -> Value {
    let text = |offset: usize| TEXTS[(number + offset) % TEXTS.len()];
    let status = ["open", "in_progress", "done"][number % 3];
    let due_at = (!number.is_multiple_of(3)).then(|| format!("2026-12-{:02}T12:00:00.{number:06}Z", number % 20 + 1));
    json!({
        "title": format!("{} {number} {}", text(0), text(1)),
        "description": text(2).repeat(number % 4),
        "status": status,
        "priority": number % 10,
        "tags": (0..number % 4).map(text).collect::<Vec<_>>(),
        "due_at": due_at,
    })
}

/// All items of a list, page by page.
pub async fn all(actor: &Actor<'_>, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page = actor.get(&path).await;
        items.extend(page.json(200)["items"].as_array().unwrap().clone());
        next = page.next_page();
    }
    items
}

/// Reads a CSV file into tasks as the API shows them.
fn parsed(csv: &str) -> Vec<Value> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names = reader.headers().unwrap().clone();
    let task = |record: csv::StringRecord| {
        let fields = names.iter().zip(&record).map(|(name, text)| (name.to_owned(), value(name, text)));
        fields.collect::<Map<_, _>>().into()
    };
    reader.records().map(|record| task(record.unwrap())).collect()
}

fn value(name: &str, text: &str) -> Value {
    match name {
        "priority" | "version" | "tags" => serde_json::from_str(text).unwrap(),
        "due_at" | "remind_at" | "completed_at" if text.is_empty() => Value::Null,
        _ => text.into(),
    }
}
