//! Secrets Manager while it rotates a secret, as the rotation function sees it.

use super::moto::Moto;
use serde_json::{Value, json};
use shared::ids::JobId;

/// The steps of a rotation, in their order.
pub const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// A secret that rotates.
pub struct Secret<'a> {
    /// Its ARN.
    pub arn: String,
    moto: &'a Moto,
}

impl<'a> Secret<'a> {
    /// Makes a secret. The server is shared, so each test needs a name of its own.
    pub async fn new(moto: &'a Moto, name: &str, value: &str) -> Self {
        let created = moto.secrets().create_secret().name(name).secret_string(value).send().await;
        Self { arn: created.unwrap().arn.unwrap(), moto }
    }

    /// Makes the secret of the application of a database, as the template does.
    pub async fn of_app(moto: &'a Moto, database: &str, password: &str) -> Self {
        let value = json!({ "username": format!("{database}_app_a"), "password": password });
        Self::new(moto, &format!("app-{database}"), &value.to_string()).await
    }

    /// Begins a rotation, and returns the id of the version that is to be made: it is there, and has no value.
    pub async fn begin(&self) -> String {
        self.rotate(true).await
    }

    /// Turns rotation on without rotating, and returns the id of a version that is taken away after the function was tried.
    pub async fn turn_on(&self) -> String {
        self.rotate(false).await
    }

    async fn rotate(&self, at_once: bool) -> String {
        let version = JobId::new().to_string();
        let rules = aws_sdk_secretsmanager::types::RotationRulesType::builder().automatically_after_days(30).build();
        let request = self.moto.secrets().rotate_secret().secret_id(&self.arn).client_request_token(&version);
        let asked = request.rotation_rules(rules).rotate_immediately(at_once);
        // It has begun the rotation when it finds that this server runs no functions.
        let function = "arn:aws:lambda:eu-central-1:123456789012:function:errand-migrate";
        let error = asked.rotation_lambda_arn(function).send().await.unwrap_err();
        assert!(format!("{error:?}").contains("Resource not found for ARN"), "{error:?}");
        version
    }

    /// What Secrets Manager sends for a step.
    pub fn event(&self, step: &str, version: &str) -> Value {
        json!({ "Step": step, "SecretId": self.arn, "ClientRequestToken": version })
    }

    /// Takes the label of a rotation away: this server takes one that stays for a rotation under way.
    pub async fn end(&self, version: &str) {
        let request =
            self.moto.secrets().update_secret_version_stage().secret_id(&self.arn).version_stage("AWSPENDING");
        request.remove_from_version_id(version).send().await.unwrap();
    }

    /// The value on a stage; `None` when there is none.
    pub async fn value(&self, stage: &str) -> Option<String> {
        let read = self.moto.secrets().get_secret_value().secret_id(&self.arn).version_stage(stage).send().await;
        read.ok()?.secret_string
    }

    /// User name and password on a stage.
    pub async fn login(&self, stage: &str) -> (String, String) {
        let value: Value = serde_json::from_str(&self.value(stage).await.unwrap()).unwrap();
        (value["username"].as_str().unwrap().to_owned(), value["password"].as_str().unwrap().to_owned())
    }

    /// The id of the version on a stage.
    pub async fn version(&self, stage: &str) -> Option<String> {
        let described = self.moto.secrets().describe_secret().secret_id(&self.arn).send().await.unwrap();
        let mut versions = described.version_ids_to_stages.unwrap().into_iter();
        versions.find(|(_, stages)| stages.iter().any(|other| other == stage)).map(|(version, _)| version)
    }
}
