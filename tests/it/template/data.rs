//! What is kept: the database, the exports, the logs.

use super::{FUNCTIONS, Stack, file};
use aws_lambda_events::encodings::Base64Data;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn the_database_is_private_encrypted_and_backed_up() {
    for stack in Stack::all() {
        let holds_data = match stack.0 {
            "existing" => None,
            "aurora" => Some("Cluster"),
            _ => Some("Database"),
        };

        let found: Vec<&str> = ["AWS::RDS::DBCluster", "AWS::RDS::DBInstance"]
            .iter()
            .flat_map(|kind| stack.of_type(kind))
            .filter(|name| *name != "ClusterInstance")
            .collect();
        assert_eq!(found, holds_data.into_iter().collect::<Vec<_>>(), "{}", stack.0);
        for name in stack.of_type("AWS::RDS::DBInstance") {
            assert_eq!(stack.properties(name)["PubliclyAccessible"], false, "{}: {name}", stack.0);
        }
        for name in found {
            let database = stack.properties(name);
            assert!(is_encrypted(database), "{}: {name}", stack.0);
            assert!(database["BackupRetentionPeriod"].as_u64().unwrap() >= 1, "{name}");
            assert_eq!(database["ManageMasterUserPassword"], true, "{name}");
            assert_eq!(database["MasterUserPassword"], Value::Null, "{name}");
            let resource = stack.resource(name);
            let policies = [&resource["DeletionPolicy"], &resource["UpdateReplacePolicy"]];
            assert_eq!(policies, ["Snapshot", "Snapshot"], "{name}");
        }
        let parameters = ["AWS::RDS::DBParameterGroup", "AWS::RDS::DBClusterParameterGroup"];
        for name in parameters.iter().flat_map(|kind| stack.of_type(kind)) {
            assert_eq!(stack.properties(name)["Parameters"]["rds.force_ssl"], "1", "{name}");
        }
    }
}

/// RDS refuses what a snapshot says already, and encrypts the copy as the snapshot is.
#[test]
fn a_database_from_a_snapshot_is_told_nothing_that_the_snapshot_knows() {
    let Some(stack) = Stack::of("nat") else { return };

    let database = stack.properties("Database");

    assert_eq!(database["DBSnapshotIdentifier"], "errand-before-the-mistake");
    for property in ["DBName", "MasterUsername", "StorageEncrypted"] {
        assert_eq!(database[property], Value::Null, "{property}");
    }
    let Some(stack) = Stack::guided() else { return };
    assert_eq!(stack.properties("Database")["DBSnapshotIdentifier"], Value::Null);
}

/// With it, a first deploy that fails could not be taken away again.
#[test]
fn the_database_is_protected_from_deletion_only_when_somebody_says_so() {
    for (set, name, protected) in [("guided", "Database", false), ("aurora", "Cluster", true)] {
        let Some(stack) = Stack::of(set) else { return };

        assert_eq!(stack.properties(name)["DeletionProtection"], protected, "{set}");
    }
}

/// Paused it costs its storage alone.
#[test]
fn aurora_shrinks_to_nothing_and_grows_as_far_as_it_may() {
    let Some(stack) = Stack::of("aurora") else { return };

    let scaling = &stack.properties("Cluster")["ServerlessV2ScalingConfiguration"];

    assert_eq!(*scaling, json!({ "MinCapacity": 0, "MaxCapacity": 16, "SecondsUntilAutoPause": 300 }));
    assert_eq!(stack.properties("ClusterInstance")["DBInstanceClass"], "db.serverless");
}

/// A function that meets a root it does not know refuses the connection.
#[test]
fn the_regions_of_the_template_are_those_whose_roots_are_built_in() {
    let Some(stack) = Stack::guided() else { return };
    let assertion = &stack.1["Rules"]["RegionHasDatabaseRoot"]["Assertions"][0]["Assert"]["Fn::Contains"];
    assert_eq!(assertion[1], json!({ "Ref": "AWS::Region" }));

    let allowed: BTreeSet<String> = serde_json::from_value(assertion[0].clone()).unwrap();

    assert_eq!(allowed, regions_of(&file("shared/src/db/rds-global-bundle.pem")));
}

#[test]
fn exports_are_private_encrypted_and_expire() {
    let Some(stack) = Stack::guided() else { return };
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
    let Some(stack) = Stack::guided() else { return };

    let secret = stack.properties("SigningSecret");

    assert_eq!(secret["SecretString"], Value::Null);
    assert!(secret["GenerateSecretString"]["PasswordLength"].as_u64().unwrap() >= 32);
}

#[test]
fn no_log_is_kept_forever() {
    for stack in Stack::all() {
        let logs = stack.of_type("AWS::Logs::LogGroup");

        assert_eq!(logs.len(), FUNCTIONS.len() + 1, "{logs:?}");
        let days = if stack.0 == "development" { 1 } else { 7 };
        for name in logs {
            assert_eq!(stack.properties(name)["RetentionInDays"], days, "{}: {name}", stack.0);
        }
    }
}

#[test]
fn every_function_writes_json_into_a_group_of_its_own() {
    let Some(stack) = Stack::guided() else { return };
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

/// A snapshot of an encrypted database is encrypted, and so is what is made of it.
pub(super) fn is_encrypted(database: &Value) -> bool {
    database["StorageEncrypted"] == true || database["DBSnapshotIdentifier"].is_string()
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
