//! Making an account.

use super::{PASSWORD, credentials};
use crate::support::{Actor, TestApp};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn an_account_is_made() {
    let app = TestApp::new().await;

    let answer = Actor::nobody(&app).post("/v1/auth/register", credentials("Ada@example.com", PASSWORD)).await;

    let account = answer.json(201);
    assert_eq!(account["id"].as_str().unwrap().parse::<Uuid>().unwrap().get_version_num(), 7);
    assert_eq!(account, json!({ "id": account["id"], "email": "Ada@example.com" }));
}

#[tokio::test]
async fn a_password_is_kept_as_an_argon2id_hash_with_a_salt_of_its_own() {
    let app = TestApp::new().await;
    let nobody = Actor::nobody(&app);

    nobody.post("/v1/auth/register", credentials("ada@example.com", PASSWORD)).await.json(201);
    nobody.post("/v1/auth/register", credentials("grace@example.com", PASSWORD)).await.json(201);

    let hashes: Vec<String> =
        sqlx::query_scalar("select password_hash from users").fetch_all(&mut app.db().await).await.unwrap();
    assert!(hashes.iter().all(|hash| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")), "{hashes:?}");
    assert_ne!(hashes[0], hashes[1]);
}

#[tokio::test]
async fn an_address_is_taken_in_every_case() {
    let app = TestApp::new().await;
    let nobody = Actor::nobody(&app);
    nobody.post("/v1/auth/register", credentials("ada@example.com", PASSWORD)).await.json(201);

    for email in ["ada@example.com", "ADA@Example.COM"] {
        let problem = nobody.post("/v1/auth/register", credentials(email, "another password")).await.problem(409);

        assert_eq!(problem["type"], "urn:errand:problem:conflict");
        assert_eq!(problem["errors"][0]["field"], "email");
        assert_eq!(problem["errors"][0]["code"], "taken");
    }
    nobody.post("/v1/auth/login", credentials("ada@example.com", PASSWORD)).await.json(200);
}

#[tokio::test]
async fn of_two_at_once_one_gets_the_address() {
    let app = TestApp::new().await;
    let nobody = Actor::nobody(&app);

    let (a, b) = tokio::join!(
        nobody.post("/v1/auth/register", credentials("ada@example.com", PASSWORD)),
        nobody.post("/v1/auth/register", credentials("Ada@example.com", PASSWORD)),
    );

    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    let app = TestApp::new().await;
    let local = "a".repeat(309);
    let mistakes = [
        "ada",
        "ada.example.com",
        "@example.com",
        "ada@",
        "ada@home@example.com",
        "a da@example.com",
        "ada@example.com\n",
        &format!("{local}@example.com"),
    ];

    for email in mistakes {
        let refused = Actor::nobody(&app).post("/v1/auth/register", credentials(email, PASSWORD)).await.refused();

        assert!(
            !refused.is_empty() && refused.iter().all(|error| error.starts_with("email: ")),
            "{email}: {refused:?}"
        );
    }
    let longest = format!("{}@example.com", &local[1..]);
    Actor::nobody(&app).post("/v1/auth/register", credentials(&longest, PASSWORD)).await.json(201);
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let app = TestApp::new().await;

    let refused = Actor::nobody(&app).post("/v1/auth/register", credentials("ada", "short")).await.refused();

    assert_eq!(refused, ["email: not_allowed", "password: too_short"]);
}

#[tokio::test]
async fn passwords_are_measured_in_characters() {
    let app = TestApp::new().await;
    let nobody = Actor::nobody(&app);
    let register =
        async |email: &str, password: String| nobody.post("/v1/auth/register", credentials(email, &password)).await;

    assert_eq!(register("a@example.com", "é".repeat(7)).await.refused(), ["password: too_short"]);
    assert_eq!(register("b@example.com", "é".repeat(129)).await.refused(), ["password: too_long"]);
    register("c@example.com", "é".repeat(8)).await.json(201);
    register("d@example.com", "🧺".repeat(128)).await.json(201);
    nobody.post("/v1/auth/login", credentials("d@example.com", &"🧺".repeat(128))).await.json(200);
}

#[tokio::test]
async fn missing_and_unknown_fields_are_named() {
    let app = TestApp::new().await;
    let nobody = Actor::nobody(&app);

    for (body, error) in [
        (json!({ "password": PASSWORD }), "email: missing"),
        (json!({ "email": "ada@example.com" }), "password: missing"),
        (json!({ "email": "ada@example.com", "password": PASSWORD, "admin": true }), "admin: unknown"),
        (json!({ "email": null, "password": PASSWORD }), "email: wrong_type"),
    ] {
        assert_eq!(nobody.post("/v1/auth/register", body.clone()).await.refused(), [error], "{body}");
    }
}
