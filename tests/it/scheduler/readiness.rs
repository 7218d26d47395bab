//! Whether the service is ready, as the scheduler finds out and says.

use crate::support::TestApp;
use crate::support::moto::moto;
use crate::support::probe::kinds;
use scheduler::Prober;
use serde_json::{Value, json};
use shared::aws::Sdk;
use shared::config::{Environment, LogConfig, LogFormat};
use shared::metrics::emf::Emf;
use shared::metrics::prometheus;
use shared::secrets::Secrets;
use std::sync::Arc;
use std::time::Duration;
use tracing::Level;

fn emf(app: &TestApp) -> Emf {
    let log = LogConfig { level: Level::INFO, format: LogFormat::Json };
    Emf::new(app.scheduler.upkeep.metrics.clone(), Environment::Staging, log)
}

/// The values of `Ready` that were not written yet.
fn ready(emf: &Emf, app: &TestApp) -> Vec<Value> {
    emf.lines(&app.clock).iter().map(|line| line["Ready"].clone()).filter(|ready| !ready.is_null()).collect()
}

#[tokio::test]
async fn a_tick_says_whether_it_could_use_the_database() {
    let (proxy, app) = TestApp::behind_proxy(kinds()).await;
    let emf = emf(&app);
    assert!(!prometheus::text(&app.scheduler.upkeep.metrics).contains("errand_ready"));

    app.tick().await;
    let before = ready(&emf, &app);
    proxy.refuse(true);
    proxy.cut_all();
    let failed = app.scheduler.tick().await;
    let meanwhile = ready(&emf, &app);
    let text = prometheus::text(&app.scheduler.upkeep.metrics);
    proxy.refuse(false);
    app.tick().await;
    let after = ready(&emf, &app);

    assert!(failed.is_err());
    assert_eq!((before, meanwhile, after), (vec![json!(1)], vec![json!(0)], vec![json!(1)]));
    assert!(text.contains("# TYPE errand_ready gauge\nerrand_ready 0\n"), "{text}");
}

#[tokio::test]
async fn without_the_secret_that_signs_tokens_nothing_is_ready() {
    let Some(moto) = moto().await else { return };
    let created = moto.secrets().create_secret().name("readiness").secret_string("x".repeat(40)).send().await;
    let arn = created.unwrap().arn.unwrap();
    let secrets = Secrets::new(Arc::new(Sdk::from(moto.config())));
    let mut app = TestApp::with_kinds(kinds()).await;
    app.scheduler.prober = Prober::new(Some(arn.clone()), &secrets);
    let emf = emf(&app);

    app.tick().await;
    let before = ready(&emf, &app);
    // Someone deletes it; it is kept for some days.
    moto.secrets().delete_secret().secret_id(&arn).send().await.unwrap();
    app.advance(Duration::from_mins(6));
    app.tick().await;
    let deleted = ready(&emf, &app);
    moto.secrets().restore_secret().secret_id(&arn).send().await.unwrap();
    app.tick().await;
    let restored = ready(&emf, &app);

    assert_eq!((before, deleted, restored), (vec![json!(1)], vec![json!(0)], vec![json!(1)]));
}
