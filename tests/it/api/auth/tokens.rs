//! What is taken for a token, and for how long.

use crate::support::{Actor, Answer, TestApp};
use ::api::{SigningKeys, SigningSource};
use aws_lambda_events::encodings::Base64Data;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use shared::secrets::Secrets;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_token_lasts_fifteen_minutes() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    app.advance(Duration::from_mins(14));
    let before = ada.get("/v1/tasks").await;
    app.advance(Duration::from_mins(1));
    let after = ada.get("/v1/tasks").await;

    before.json(200);
    assert_eq!(after.problem(401)["detail"], "The access token has expired. Log in again.");
    assert_eq!(after.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let token = &ada.token;
    let headers = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer garbage".to_owned(),
        "Bearer a.b.c".to_owned(),
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer {token}x"),
        format!("Bearer {token} {token}"),
        format!("Bearer {}", token.rsplit_once('.').unwrap().0),
    ];

    for header in headers {
        refused(&with(&app, &header).await);
    }
}

#[tokio::test]
async fn a_request_without_a_token_is_refused() {
    let app = TestApp::new().await;

    refused(&Actor::nobody(&app).get("/v1/tasks").await);
}

#[tokio::test]
async fn the_scheme_is_met_in_any_case() {
    let app = TestApp::new().await;
    let ada = app.actor().await;

    with(&app, &format!("bearer {}", ada.token)).await.json(200);
}

#[tokio::test]
async fn a_token_of_another_key_is_refused() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let key = SigningSource::Key("another secret, also long enough for HS256".into());
    let others = SigningKeys::new(key, Secrets::new(Arc::default()));
    let forged = others.issue(ada.id, app.clock.now()).await.unwrap();

    refused(&with(&app, &format!("Bearer {forged}")).await);
    // Nor does it help to name the right key.
    let [header, ..] = parts(&ada.token);
    let [_, claims, signature] = parts(&forged);
    refused(&with(&app, &format!("Bearer {header}.{claims}.{signature}")).await);
}

#[tokio::test]
async fn claims_cannot_be_put_under_another_signature() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let grace = app.actor().await;
    let [header, _, signature] = parts(&ada.token);
    let [_, claims, _] = parts(&grace.token);

    refused(&with(&app, &format!("Bearer {header}.{claims}.{signature}")).await);
}

#[tokio::test]
async fn a_token_cannot_choose_its_algorithm() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let [header, claims, signature] = parts(&ada.token);
    let mut header: Value = serde_json::from_slice(&decode(header)).unwrap();
    assert_eq!(header["alg"], "HS256");

    for algorithm in ["none", "None", "HS384", "RS256", "EdDSA"] {
        header["alg"] = json!(algorithm);
        let header = encode(header.to_string().into_bytes());

        refused(&with(&app, &format!("Bearer {header}.{claims}.")).await);
        refused(&with(&app, &format!("Bearer {header}.{claims}.{signature}")).await);
    }
}

#[tokio::test]
async fn a_token_holds_the_account_and_its_times_and_nothing_else() {
    let app = TestApp::new().await;
    let ada = app.actor().await;
    let [header, claims, _] = parts(&ada.token);

    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    let claims: Value = serde_json::from_slice(&decode(claims)).unwrap();

    assert_eq!(header["kid"].as_str().unwrap().len(), 16);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    assert_eq!(claims, json!({ "sub": ada.id, "iat": claims["iat"], "exp": claims["exp"] }));
}

/// Lists tasks with a header `Authorization`, whatever it holds.
async fn with(app: &TestApp, authorization: &str) -> Answer {
    let request = Request::get("/v1/tasks").header("authorization", authorization);
    app.send(request.body(Body::empty()).unwrap()).await
}

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!(answer.problem(401)["type"], "urn:errand:problem:unauthorized");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

fn decode(part: &str) -> Vec<u8> {
    let padding = "=".repeat(part.len().next_multiple_of(4) - part.len());
    let standard = part.replace('-', "+").replace('_', "/") + &padding;
    serde_json::from_value::<Base64Data>(json!(standard)).unwrap().0
}

fn encode(bytes: Vec<u8>) -> String {
    let mut data = Base64Data::default();
    data.0 = bytes;
    let standard = serde_json::to_value(data).unwrap();
    standard.as_str().unwrap().trim_end_matches('=').replace('+', "-").replace('/', "_")
}
