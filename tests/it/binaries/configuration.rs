//! Variables that are missing or wrong: the function ends at once and names them all.

use crate::support::binaries;
use crate::support::runtime_api::{Invocation, Sandbox};
use serde_json::json;

/// Starts a function that cannot start, and returns what it says.
async fn refusal(function: &str, environment: &[(&str, &str)]) -> String {
    let mut sandbox = Sandbox::start(&binaries::path(function), environment).await;
    match sandbox.invoke(&json!({})).await {
        Invocation::Died(status) => assert!(!status.success(), "{status}"),
        Invocation::Error(_) => {}
        other => panic!("{other:?}"),
    }
    sandbox.output().join("\n")
}

#[tokio::test]
async fn everything_that_is_missing_is_named() {
    for (function, missing) in [
        ("api", &["DATABASE_URL", "EXPORT_DIR", "SECRET_KEY"] as &[_]),
        ("worker", &["DATABASE_URL", "EXPORT_DIR"]),
        ("scheduler", &["DATABASE_URL"]),
        ("migrate", &["DATABASE_URL"]),
        ("outbound", &["MAIL_DIR"]),
        ("smoke", &["API_VERSION"]),
    ] {
        let said = refusal(function, &[]).await;

        for name in missing {
            assert!(said.contains(&format!("{name} is not set")), "{function}: {said}");
        }
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_and_no_secret_is_told() {
    let environment = [
        ("API_DOCS", "maybe"),
        ("DATABASE_POOL_SIZE", "many"),
        ("DATABASE_URL", "not a URL, but a secret-word"),
        ("ENVIRONMENT", "moon"),
        ("EXPORT_DIR", "/tmp"),
        ("LOG_FORMAT", "verse"),
        ("LOG_LEVEL", "loud"),
        ("QUEUE_URL", "queue"),
        ("SECRET_KEY", "secret-word"),
    ];

    let said = refusal("api", &environment).await;

    for (name, _) in environment.iter().filter(|(name, _)| *name != "EXPORT_DIR") {
        assert!(said.contains(&format!("{name} is")), "{name}: {said}");
    }
    assert!(!said.contains("secret-word"), "{said}");
}
