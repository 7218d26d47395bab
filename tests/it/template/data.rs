//! What is kept: the database, the exports, the logs.

use super::{FUNCTIONS, Stack, file};
use aws_lambda_events::encodings::Base64Data;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn the_database_is_private_encrypted_and_backed_up() {
    let Some(stack) = Stack::transformed() else { return };

    let database = stack.properties("Database");

    assert_eq!(database["PubliclyAccessible"], false);
    assert_eq!(database["StorageEncrypted"], true);
    assert!(database["BackupRetentionPeriod"].as_u64().unwrap() >= 1);
    assert_eq!((&database["ManageMasterUserPassword"], &database["MasterUserPassword"]), (&json!(true), &Value::Null));
    assert_eq!(stack.properties("DatabaseParameters")["Parameters"]["rds.force_ssl"], "1");
    let resource = stack.resource("Database");
    assert_eq!(
        (&resource["DeletionPolicy"], &resource["UpdateReplacePolicy"]),
        (&json!("Snapshot"), &json!("Snapshot"))
    );
}

/// A function that meets a root it does not know refuses the connection.
#[test]
fn the_regions_of_the_template_are_those_whose_roots_are_built_in() {
    let Some(stack) = Stack::transformed() else { return };
    let assertion = &stack.0["Rules"]["RegionHasDatabaseRoot"]["Assertions"][0]["Assert"]["Fn::Contains"];
    assert_eq!(assertion[1], json!({ "Ref": "AWS::Region" }));

    let allowed: BTreeSet<String> = serde_json::from_value(assertion[0].clone()).unwrap();

    assert_eq!(allowed, regions_of(&file("shared/src/db/rds-global-bundle.pem")));
}

#[test]
fn exports_are_private_encrypted_and_expire() {
    let Some(stack) = Stack::transformed() else { return };
    assert_eq!(stack.of_type("AWS::S3::Bucket"), ["ExportBucket"]);

    let bucket = stack.properties("ExportBucket");

    assert_eq!(
        bucket["PublicAccessBlockConfiguration"],
        json!({
            "BlockPublicAcls": true,
            "BlockPublicPolicy": true,
            "IgnorePublicAcls": true,
            "RestrictPublicBuckets": true,
        })
    );
    let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
    assert_eq!(encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256");
    let rule = &bucket["LifecycleConfiguration"]["Rules"][0];
    assert_eq!((&rule["Status"], &rule["ExpirationInDays"]), (&json!("Enabled"), &json!(7)));
    let imports = &bucket["LifecycleConfiguration"]["Rules"][1];
    assert_eq!((&imports["Status"], &imports["ExpirationInDays"]), (&json!("Enabled"), &json!(3)));
    assert_eq!(imports["Prefix"], "imports/");
    let statement = &stack.properties("ExportBucketPolicy")["PolicyDocument"]["Statement"][0];
    assert_eq!(statement["Effect"], "Deny");
    assert_eq!(statement["Condition"], json!({ "Bool": { "aws:SecureTransport": "false" } }));
}

#[test]
fn the_signing_secret_is_generated_and_long_enough() {
    let Some(stack) = Stack::transformed() else { return };

    let secret = stack.properties("SigningSecret");

    assert_eq!(secret["SecretString"], Value::Null);
    assert!(secret["GenerateSecretString"]["PasswordLength"].as_u64().unwrap() >= 32);
}

#[test]
fn no_log_is_kept_forever() {
    let Some(stack) = Stack::transformed() else { return };

    let logs = stack.of_type("AWS::Logs::LogGroup");

    assert_eq!(logs.len(), FUNCTIONS.len() + 1, "{logs:?}");
    for name in logs {
        assert_eq!(stack.properties(name)["RetentionInDays"], json!({ "Ref": "LogRetentionDays" }), "{name}");
    }
}

#[test]
fn every_function_writes_json_into_a_group_of_its_own() {
    let Some(stack) = Stack::transformed() else { return };
    let mut groups = BTreeSet::new();

    for (function, resource) in FUNCTIONS {
        let logging = &stack.properties(resource)["LoggingConfig"];
        let group = logging["LogGroup"]["Ref"].as_str().unwrap();

        assert_eq!(logging["LogFormat"], "JSON", "{function}");
        let name = format!("/aws/lambda/${{AWS::StackName}}-{function}");
        assert_eq!(stack.properties(group)["LogGroupName"], json!({ "Fn::Sub": name }));
        groups.insert(group);
    }
    assert_eq!(groups.len(), FUNCTIONS.len());
}

/// The regions that the certificates of a bundle are for, as their subjects say.
fn regions_of(bundle: &str) -> BTreeSet<String> {
    let certificates = bundle.split("-----BEGIN CERTIFICATE-----").skip(1);
    certificates
        .map(|certificate| {
            let (body, _) = certificate.split_once("-----END").unwrap();
            let body: String = body.split_whitespace().collect();
            let Base64Data { 0: der, .. } = serde_json::from_value(json!(body)).unwrap();
            let text = String::from_utf8_lossy(&der).into_owned();
            let (_, subject) = text.split_once("Amazon RDS ").expect("a root of RDS");
            let (region, _) = subject.split_once(" Root CA").expect("a root of RDS");
            region.to_owned()
        })
        .collect()
}
