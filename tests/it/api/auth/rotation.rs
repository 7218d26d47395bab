//! Tokens while the signing secret rotates, in the real function on a Secrets Manager.

use super::{PASSWORD, credentials};
use crate::api::events::sample;
use crate::support::binaries;
use crate::support::moto::{Moto, moto};
use crate::support::postgres;
use crate::support::runtime_api::Sandbox;
use serde_json::{Value, json};

#[tokio::test]
async fn tokens_of_the_previous_secret_are_honoured_until_the_next_rotation() {
    let Some(moto) = moto().await else { return };
    let url = postgres::database().await;
    let secrets = moto.secrets();
    let name = "signing-rotation";
    let secret = secrets.create_secret().name(name).secret_string("the first secret, long enough for HS256");
    let arn = secret.send().await.unwrap().arn.unwrap();
    let rotate = async |value: &str| {
        secrets.put_secret_value().secret_id(&arn).secret_string(value).send().await.unwrap();
    };

    let mut function = start(moto, &url, &arn).await;
    let registered = call(&mut function, "POST", "/v1/auth/register", None).await;
    let first = login(&mut function).await;
    rotate("the second secret, long enough for HS256").await;
    // A fresh sandbox has nothing cached.
    let mut function = start(moto, &url, &arn).await;
    let with_previous = call(&mut function, "GET", "/v1/tasks", Some(&first)).await;
    let second = login(&mut function).await;
    let with_current = call(&mut function, "GET", "/v1/tasks", Some(&second)).await;
    rotate("the third secret, long enough for HS256").await;
    let mut function = start(moto, &url, &arn).await;
    let with_last_but_one = call(&mut function, "GET", "/v1/tasks", Some(&first)).await;
    let with_last = call(&mut function, "GET", "/v1/tasks", Some(&second)).await;

    assert_eq!(registered["statusCode"], 201, "{registered}");
    assert_eq!((&with_previous["statusCode"], &with_current["statusCode"]), (&json!(200), &json!(200)));
    assert_eq!((&with_last_but_one["statusCode"], &with_last["statusCode"]), (&json!(401), &json!(200)));
    // The header of a token names its key.
    assert_ne!(first.split('.').next(), second.split('.').next());
}

async fn start(moto: &Moto, url: &str, arn: &str) -> Sandbox {
    let mut environment = moto.environment();
    for (name, value) in [("DATABASE_URL", url), ("SIGNING_SECRET_ARN", arn), ("EXPORT_DIR", "/nonexistent")] {
        environment.push((name.to_owned(), value.to_owned()));
    }
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
    Sandbox::start(&binaries::path("api"), &environment).await
}

async fn login(function: &mut Sandbox) -> String {
    let answer = call(function, "POST", "/v1/auth/login", None).await;
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    body["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Sends what API Gateway sends; a `POST` carries Ada's credentials.
async fn call(function: &mut Sandbox, method: &str, path: &str, token: Option<&str>) -> Value {
    let mut event = sample("api-register.json");
    event["rawPath"] = json!(path);
    event["requestContext"]["http"]["path"] = json!(path);
    event["requestContext"]["http"]["method"] = json!(method);
    event["body"] = json!(credentials("ada@example.com", PASSWORD).to_string());
    if let Some(token) = token {
        event["headers"]["authorization"] = json!(format!("Bearer {token}"));
    }
    function.invoke(&event).await.answer()
}
