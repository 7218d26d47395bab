//! Logging in.

use super::{PASSWORD, credentials};
use crate::support::{Actor, Answer, TestApp};
use serde_json::json;
use std::time::Instant;

#[tokio::test]
async fn a_login_gives_a_token_that_works() {
    let app = TestApp::new().await;
    let nobody = Actor::nobody(&app);
    let account = nobody.post("/v1/auth/register", credentials("ada@example.com", PASSWORD)).await.json(201);

    let login = nobody.post("/v1/auth/login", credentials("ada@example.com", PASSWORD)).await.json(200);

    let token = login["access_token"].as_str().unwrap().to_owned();
    assert_eq!(login, json!({ "access_token": token, "token_type": "Bearer", "expires_in": 900 }));
    let id = serde_json::from_value(account["id"].clone()).unwrap();
    let ada = Actor::new(&app, id, token);
    let task = ada.task(json!({})).await;
    let owner: uuid::Uuid =
        sqlx::query_scalar("select owner_id from tasks").fetch_one(&mut app.db().await).await.unwrap();
    assert_eq!(owner, id.0);
    assert_eq!(ada.get("/v1/tasks").await.json(200)["items"], json!([task]));
}

#[tokio::test]
async fn an_address_is_found_in_every_case() {
    let app = TestApp::new().await;
    let nobody = Actor::nobody(&app);
    nobody.post("/v1/auth/register", credentials("Ada@example.com", PASSWORD)).await.json(201);

    for email in ["ada@example.com", "ADA@EXAMPLE.COM"] {
        nobody.post("/v1/auth/login", credentials(email, PASSWORD)).await.json(200);
    }
}

#[tokio::test]
async fn an_unknown_address_gets_the_answer_of_a_wrong_password() {
    let app = TestApp::new().await;
    let nobody = Actor::nobody(&app);
    nobody.post("/v1/auth/register", credentials("ada@example.com", PASSWORD)).await.json(201);

    let wrong = nobody.post("/v1/auth/login", credentials("ada@example.com", "not the password")).await;
    let unknown = nobody.post("/v1/auth/login", credentials("eve@example.com", "not the password")).await;

    assert_eq!(wrong.problem(401)["type"], "urn:errand:problem:unauthorized");
    assert_eq!(wrong.header("www-authenticate"), "Bearer");
    assert_eq!(without_id(&wrong), without_id(&unknown));
    let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&wrong), names(&unknown));
}

/// The middle one of many is compared, taken in turns: whatever else the machine does strikes both.
#[tokio::test]
async fn an_unknown_address_takes_the_time_of_a_wrong_password() {
    let app = TestApp::new().await;
    let nobody = Actor::nobody(&app);
    nobody.post("/v1/auth/register", credentials("ada@example.com", PASSWORD)).await.json(201);

    let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        for (email, times) in [("ada@example.com", &mut wrong), ("eve@example.com", &mut unknown)] {
            let started = Instant::now();
            nobody.post("/v1/auth/login", credentials(email, "not the password")).await.problem(401);
            times.push(started.elapsed());
        }
    }

    wrong.sort_unstable();
    unknown.sort_unstable();
    assert!(unknown[7] * 2 >= wrong[7], "unknown address: {unknown:?}, wrong password: {wrong:?}");
}

#[tokio::test]
async fn a_wrong_shape_is_refused_before_anything_is_looked_up() {
    let app = TestApp::without_database();

    let refused = Actor::nobody(&app).post("/v1/auth/login", credentials("ada", "short")).await.refused();

    assert_eq!(refused, ["email: not_allowed", "password: too_short"]);
}

/// The body, byte for byte, with the request's id taken out.
fn without_id(answer: &Answer) -> String {
    answer.text(401).replace(answer.header("x-request-id"), "")
}
