//! Probes.

use super::events::{sample, with_token};
use crate::support::runtime_api::Sandbox;
use crate::support::{Actor, Answer, TestApp, binaries, moto, postgres};
use serde_json::{Value, json};

#[tokio::test]
async fn liveness_answers_without_any_dependency() {
    let app = TestApp::without_database();

    let answer = Actor::nobody(&app).get("/health/live").await;

    assert_eq!(answer.json(200), json!({ "status": "healthy" }));
}

#[tokio::test]
async fn everything_is_healthy_when_it_is() {
    let app = TestApp::new().await;
    let [health, ready, other] = probes(&app).await;

    assert_eq!(
        health.json(200),
        json!({
            "status": "healthy",
            "components": { "database": "healthy", "queue": "healthy", "secrets": "healthy" },
        })
    );
    assert_eq!(ready.json(200), json!({ "status": "healthy" }));
    assert_eq!(other.json(200), json!({ "status": "healthy" }));
}

#[tokio::test]
async fn a_database_that_is_down_makes_the_service_unready() {
    let app = TestApp::without_database();

    let [health, ready, other] = probes(&app).await;

    assert_eq!(
        health.json(503),
        json!({
            "status": "unhealthy",
            "components": { "database": "unhealthy", "queue": "healthy", "secrets": "healthy" },
        })
    );
    assert_eq!(ready.json(503), json!({ "status": "unhealthy" }));
    assert_eq!(other.json(503), json!({ "status": "unhealthy" }));
}

#[tokio::test]
async fn readiness_follows_the_database_down_and_up_again() {
    let (proxy, app) = TestApp::behind_proxy(::worker::registry()).await;
    let nobody = Actor::nobody(&app);

    let before = nobody.get("/health/ready").await;
    proxy.refuse(true);
    let down = nobody.get("/health/ready").await;
    let live = nobody.get("/health/live").await;
    proxy.refuse(false);
    let after = nobody.get("/health/ready").await;

    assert_eq!((before.status, down.status, live.status, after.status), (200, 503, 200, 200));
}

#[tokio::test]
async fn a_look_is_remembered_for_as_long_as_it_may_be() {
    let (proxy, mut app) = TestApp::behind_proxy(::worker::registry()).await;
    app.api.health = ::api::HealthCache::for_lambda();
    let router = ::api::app(app.api.clone());
    let look = async || {
        let request = axum::http::Request::get("/health").body(axum::body::Body::empty()).unwrap();
        tower::ServiceExt::oneshot(router.clone(), request).await.unwrap().status()
    };

    look().await;
    proxy.reset();
    for _ in 0..20 {
        look().await;
    }

    assert_eq!(proxy.statements(), [""; 0]);
}

#[tokio::test]
async fn probes_of_the_same_moment_share_a_look() {
    let (proxy, app) = TestApp::behind_proxy(::worker::registry()).await;
    probes(&app).await;
    proxy.reset();

    probes(&app).await;

    assert_eq!(proxy.statements(), ["select 1"]);
}

/// The real function, because only the environment of a process can lead the SDK to another endpoint.
#[tokio::test]
async fn a_queue_that_is_away_only_degrades_the_service() {
    let Some(moto) = moto::moto().await else { return };
    let app = TestApp::new().await.may_leave_jobs();
    let ada = app.actor().await;
    let queue = moto.queue("health-probe").await;

    let mut answers = Vec::new();
    for endpoint in [&moto.endpoint, "http://127.0.0.1:1"] {
        let mut environment = environment(endpoint, &app.url);
        environment.extend([("QUEUE_URL", queue.as_str()), ("SECRET_KEY", "a secret of tests, long enough for HS256")]);
        let mut function = Sandbox::start(&binaries::path("api"), &environment).await;
        // This also makes the SQS client, whose making is not what is looked at here.
        let export = function.invoke(&with_token(&sample("api-export.json"), &ada)).await.answer();
        answers.push((export["statusCode"].clone(), health(&mut function).await));
    }

    let report = |status: &str, queue: &str| {
        let components = json!({ "database": "healthy", "queue": queue, "secrets": "healthy" });
        json!({ "status": status, "components": components })
    };
    assert_eq!(answers[0], (json!(202), (200, report("healthy", "healthy"))));
    assert_eq!(answers[1], (json!(202), (200, report("degraded", "degraded"))));
}

#[tokio::test]
async fn a_signing_secret_that_cannot_be_read_makes_the_service_unready() {
    let Some(moto) = moto::moto().await else { return };
    let url = postgres::database().await;
    let mut environment = environment(&moto.endpoint, &url);
    environment.push(("SIGNING_SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:none-AbCdEf"));

    let (status, report) = health(&mut Sandbox::start(&binaries::path("api"), &environment).await).await;

    assert_eq!((status, &report["status"]), (503, &json!("unhealthy")));
    assert_eq!(report["components"], json!({ "database": "healthy", "queue": "healthy", "secrets": "unhealthy" }));
}

fn environment<'a>(endpoint: &'a str, url: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", endpoint),
        ("DATABASE_URL", url),
        ("EXPORT_DIR", "/nonexistent"),
    ]
}

/// Asks the real function how it is.
async fn health(function: &mut Sandbox) -> (u64, Value) {
    let mut event = sample("api-get-live.json");
    event["rawPath"] = json!("/health");
    event["requestContext"]["http"]["path"] = json!("/health");
    let answer = function.invoke(&event).await.answer();
    (answer["statusCode"].as_u64().unwrap(), serde_json::from_str(answer["body"].as_str().unwrap()).unwrap())
}

/// Asks `/health`, `/health/ready` and `/ready`.
async fn probes(app: &TestApp) -> [Answer; 3] {
    let nobody = Actor::nobody(app);
    let (health, ready, other) = tokio::join!(nobody.get("/health"), nobody.get("/health/ready"), nobody.get("/ready"));
    [health, ready, other]
}
