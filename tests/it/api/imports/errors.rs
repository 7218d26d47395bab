//! Why rows were refused.

use super::import;
use crate::support::{Actor, TestApp};
use serde_json::{Value, json};
use std::fmt::Write as _;

#[tokio::test]
async fn rows_are_refused_by_row_field_and_code() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let csv = "title,priority,tags,due_at\n\
               fine,1,,\n\
               ,10,[\"\"],yesterday\n\
               short\n\
               \"loose\" end,1,,\n";

    let job = import(&app, &ada, "text/csv", csv).await;

    assert_eq!(job["result"], json!({ "rows": 4, "imported": 1, "refused": 3 }));
    let page = ada.get(&errors_of(&job)).await.json(200);
    assert_eq!(page["next_cursor"], Value::Null);
    assert_eq!(
        page["items"],
        json!([
            { "row": 2, "field": "due_at", "code": "wrong_type", "message": "must be a time such as 2030-01-31T09:00:00Z, and is \"yesterday\"" },
            { "row": 2, "field": "title", "code": "too_short", "message": "must have at least 1 characters" },
            { "row": 2, "field": "priority", "code": "out_of_range", "message": "must be between 0 and 9" },
            { "row": 2, "field": "tags[0]", "code": "too_short", "message": "must have at least 1 characters" },
            { "row": 3, "field": "", "code": "malformed", "message": "the row has 1 cells, and the header has 4" },
            { "row": 4, "field": "", "code": "malformed", "message": "a cell that begins with a quote must end with one, and quotes in it are doubled" },
        ])
    );
}

#[tokio::test]
async fn errors_come_in_pages_in_the_order_of_the_file() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let csv = "title,priority\n".to_owned() + &"bad,99\n".repeat(7);

    let job = import(&app, &ada, "text/csv", csv).await;

    let mut rows = Vec::new();
    let mut next = Some(format!("{}?limit=3", errors_of(&job)));
    let mut pages = 0;
    while let Some(path) = next {
        let page = ada.get(&path).await;
        rows.extend(page.json(200)["items"].as_array().unwrap().iter().map(|error| error["row"].clone()));
        next = page.next_page();
        pages += 1;
    }
    assert_eq!((json!(rows), pages), (json!([1, 2, 3, 4, 5, 6, 7]), 3));
}

#[tokio::test]
async fn the_first_thousand_are_kept_and_all_are_counted() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let mut csv = "title\n".to_owned();
    for row in 1..=2_300 {
        writeln!(csv, "{}", if row % 2 == 0 { "fine" } else { "\"\"" }).unwrap();
    }

    let job = import(&app, &ada, "text/csv", csv).await;

    assert_eq!(job["result"], json!({ "rows": 2_300, "imported": 1_150, "refused": 1_150 }));
    let kept: Vec<(i32, i64)> = sqlx::query_as("select number, row_number from import_errors order by number")
        .fetch_all(&mut app.db().await)
        .await
        .unwrap();
    assert_eq!(kept.len(), 1_000);
    assert!(kept.iter().zip(1..).all(|((number, row), place)| *number == place && *row == i64::from(place) * 2 - 1));
}

#[tokio::test]
async fn an_import_without_errors_has_an_empty_list() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    let job = import(&app, &ada, "text/csv", "title\nfine\n").await;

    assert_eq!(ada.get(&errors_of(&job)).await.json(200), json!({ "items": [], "next_cursor": null }));
}

#[tokio::test]
async fn what_a_message_repeats_of_the_file_is_short_and_storable() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let name = format!("a\\u0000{}", "b".repeat(5_000));

    let job = import(&app, &ada, "application/json", format!("[{{\"title\": \"x\", \"{name}\": 1}}]")).await;

    let errors = ada.get(&errors_of(&job)).await.json(200);
    assert_eq!(errors["items"][0]["code"], "unknown");
    assert!(errors.to_string().len() < 1_000, "{errors}");
}

#[tokio::test]
async fn another_owner_gets_none() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let grace = app.actor().await;
    let job = import(&app, &ada, "text/csv", "title\n\"\"\n").await;

    grace.get(&errors_of(&job)).await.problem(404);
    Actor::nobody(&app).get(&errors_of(&job)).await.problem(401);
    grace.get("/v1/imports/no-id/errors").await.problem(404);
    assert_eq!(ada.get(&format!("{}?limit=0", errors_of(&job))).await.refused(), ["limit: out_of_range"]);
    assert_eq!(ada.get(&format!("{}?cursor=x", errors_of(&job))).await.refused(), ["cursor: not_allowed"]);
    let far = "_____________________w";
    assert_eq!(ada.get(&format!("{}?cursor={far}", errors_of(&job))).await.refused(), ["cursor: not_allowed"]);
}

fn errors_of(job: &Value) -> String {
    format!("/v1/imports/{}/errors", job["id"].as_str().unwrap())
}
