//! Secrets: one is made for a laptop, a given one is used.

use crate::hosts::{Client, Errand, state_folder};
use crate::support::moto::moto;
use crate::support::postgres;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

#[tokio::test]
async fn the_secret_of_a_laptop_is_its_owners_alone() {
    let folder = state_folder();
    let errand = Errand::up(folder.path(), &[]).await;

    let key = folder.path().join("secret-key");

    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = fs::read_to_string(&key).unwrap();
    assert!(secret.len() >= 32, "{} bytes", secret.len());
    assert!(!errand.stdout().contains(&secret) && !errand.stderr().contains(&secret));
    errand.stop().await;
}

#[tokio::test]
async fn hosts_with_the_same_secret_of_secrets_manager_honour_each_others_tokens() {
    let Some(moto) = moto().await else { return };
    let secret = moto.secrets().create_secret().name("hosts-up-secrets").secret_string("x".repeat(40)).send().await;
    let arn = secret.unwrap().arn.unwrap();
    let url = postgres::database().await;
    let aws = moto.environment();
    let mut environment: Vec<(&str, &str)> = aws.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    environment.extend([("DATABASE_URL", url.as_str()), ("SIGNING_SECRET_ARN", arn.as_str())]);
    let folders = [state_folder(), state_folder()];
    let first = Errand::up(folders[0].path(), &environment).await;
    let second = Errand::up(folders[1].path(), &environment).await;
    let client = Client::new(first.address(), "ada@example.com").await;

    let client = client.at(second.address());

    client.get("/v1/tasks").await.json(200);
    assert!(!folders[0].path().join("secret-key").exists(), "no secret of its own is needed");
    first.stop().await;
    second.stop().await;
}
