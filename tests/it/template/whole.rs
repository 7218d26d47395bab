//! What must hold of everything that is made, whatever it is.

use super::data::is_encrypted;
use super::sets::{Parameters, transform};
use super::{Stack, references};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// CloudFormation refuses a template in which something refers to what a condition has taken away.
#[test]
fn everything_that_is_referred_to_is_made() {
    for stack in Stack::all() {
        for (section, entries) in [("Resources", &stack.1["Resources"]), ("Outputs", &stack.1["Outputs"])] {
            for (name, entry) in entries.as_object().unwrap() {
                let mut named = BTreeSet::new();
                references(entry, &mut named);
                named.extend(super::list(&entry["DependsOn"]));

                for target in named.iter().filter(|target| !target.starts_with("AWS::")) {
                    let is_made = stack.1["Resources"].get(target).is_some();
                    assert!(is_made, "{}: {name} in {section} refers to {target}, which is not made", stack.0);
                }
            }
        }
    }
}

/// CloudFormation refuses that, too. What guards an alias counts as well as what it is made of
/// (<https://github.com/aws/aws-cdk/issues/2231>), and perhaps also what a condition takes away.
#[test]
fn nothing_waits_for_itself() {
    let mut stacks = Stack::all();
    let Some(plain) = transform(&[Parameters::new()], &[]) else { return };
    stacks.push(Stack("as it is written", Box::leak(Box::new(plain[0].clone()))));

    for stack in stacks {
        for (name, _) in stack.resources() {
            assert!(!stack.before(name).contains(name), "{}: {name} waits for itself", stack.0);
        }
    }
}

#[test]
fn nothing_is_public_but_the_api() {
    for stack in Stack::all() {
        assert_eq!(stack.of_type("AWS::Lambda::Url"), [""; 0]);
        for (name, resource) in stack.resources() {
            let properties = &resource["Properties"];
            for flag in ["PubliclyAccessible", "MapPublicIpOnLaunch"] {
                assert_ne!(properties[flag], true, "{}: {name}", stack.0);
            }
            assert_eq!(properties["SecurityGroupIngress"], Value::Null, "{}: {name}", stack.0);
            let statements = properties["PolicyDocument"]["Statement"].as_array().into_iter().flatten();
            for statement in statements.filter(|statement| statement["Effect"] == "Allow") {
                assert_ne!(statement["Principal"], "*", "{}: {name}", stack.0);
            }
        }
        for name in stack.of_type("AWS::EC2::SecurityGroupIngress") {
            let rule = stack.properties(name);
            assert_eq!([&rule["CidrIp"], &rule["CidrIpv6"]], [&Value::Null, &Value::Null], "{name}");
        }
        for name in stack.of_type("AWS::Lambda::Permission") {
            let permission = stack.properties(name);
            if permission["Principal"] == "secretsmanager.amazonaws.com" {
                assert_eq!(permission["SourceAccount"], json!({ "Ref": "AWS::AccountId" }), "{name}");
            } else {
                assert_eq!(permission["Principal"], "apigateway.amazonaws.com", "{name}");
                assert!(permission["SourceArn"]["Fn::Sub"].as_str().unwrap().contains("${HttpApi}"), "{name}");
            }
        }
    }
}

/// Fields that are about a secret and hold none.
const HARMLESS: [&str; 7] = [
    "DatabaseSecretArn",
    "ExcludePunctuation",
    "GenerateSecretString",
    "ManageMasterUserPassword",
    "MasterUserSecret.SecretArn",
    "PasswordLength",
    // A user name; the password is put into it when it is made.
    "SecretStringTemplate",
];

#[test]
fn no_secret_is_written_in_plain_text() {
    for stack in Stack::all() {
        for (name, resource) in stack.resources() {
            fields(&resource["Properties"], &mut |field, value| {
                let lower = field.to_lowercase();
                let is_about_secrets =
                    ["password", "secret", "token", "private_key"].iter().any(|word| lower.contains(word));
                let is_a_name = value.as_str().is_none_or(|text| text.starts_with("arn:"));
                assert!(!is_about_secrets || HARMLESS.contains(&field) || is_a_name, "{}: {name}: {field}", stack.0);
            });
        }
        for name in stack.1["Parameters"].as_object().unwrap().keys().filter(|name| !HARMLESS.contains(&name.as_str()))
        {
            assert!(!name.contains("Secret") && !name.contains("Password"), "{name} would be shown to everybody");
        }
    }
}

fn fields(value: &Value, each: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| fields(item, each)),
        Value::Object(object) => {
            for (name, value) in object {
                each(name, value);
                fields(value, each);
            }
        }
        _ => {}
    }
}

/// With keys of the services: a key of one's own costs, and adds nothing where one account does everything.
#[test]
fn everything_that_is_kept_is_encrypted() {
    let encryption = [
        ("AWS::RDS::DBCluster", "/StorageEncrypted", json!(true)),
        (
            "AWS::S3::Bucket",
            "/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/SSEAlgorithm",
            json!("AES256"),
        ),
        ("AWS::SQS::Queue", "/SqsManagedSseEnabled", json!(true)),
    ];
    for stack in Stack::all() {
        for (kind, field, expected) in &encryption {
            for name in stack.of_type(kind) {
                assert_eq!(stack.properties(name).pointer(field), Some(expected), "{}: {name}", stack.0);
            }
        }
        for name in stack.of_type("AWS::RDS::DBInstance") {
            let instance = stack.properties(name);
            let is_encrypted = is_encrypted(instance) || instance["DBClusterIdentifier"].is_object();
            assert!(is_encrypted, "{}: {name}", stack.0);
        }
    }
}

#[test]
fn a_function_reserves_no_concurrency() {
    for stack in Stack::all() {
        for name in stack.of_type("AWS::Lambda::Function") {
            let reserved = &stack.properties(name)["ReservedConcurrentExecutions"];
            assert_eq!(*reserved, Value::Null, "accounts with ten concurrent executions refuse {name}");
        }
    }
}
