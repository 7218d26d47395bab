//! Each function gets the variables that it reads, and reads the variables that it gets.

use super::{FUNCTIONS, Stack, functions_with_database};
use serde_json::Value;
use shared::config::{ConfigError, DatabaseConfig, DatabaseSource, StorageSource};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What is read in place of something else on a laptop, and not set on AWS.
const LOCAL: [&str; 5] = ["DATABASE_URL", "MAIL_DIR", "OUTBOUND_ALLOW_PRIVATE", "SECRET_KEY", "SMTP_URL"];

#[test]
fn every_function_starts_on_its_variables_and_reads_them_all() {
    for stack in Stack::all() {
        for (function, resource) in FUNCTIONS {
            let given = variables(stack, resource);
            let read = RefCell::new(BTreeSet::new());
            let lookup = |name: &str| {
                read.borrow_mut().insert(name.to_owned());
                given.get(name).cloned()
            };

            let loaded = match function {
                "outbound" => ::outbound::Config::load(&lookup).map(drop),
                "smoke" => ::smoke::Config::load(&lookup).map(drop),
                _ => load(function, &lookup).map(drop),
            };
            loaded.unwrap_or_else(|error| panic!("{function} in {}: {error}", stack.0));

            let read = read.into_inner();
            let given: BTreeSet<String> = given.into_keys().collect();
            let unread: Vec<_> = given.difference(&read).collect();
            let missing: Vec<_> = read.difference(&given).filter(|name| !LOCAL.contains(&name.as_str())).collect();
            assert!(unread.is_empty(), "{function} is given {unread:?} and does not read them");
            assert!(missing.is_empty(), "{function} reads {missing:?} and is not given them");
        }
    }
}

#[test]
fn a_function_has_the_connections_that_it_can_use() {
    let Some(stack) = Stack::guided() else { return };
    let mut sizes = BTreeMap::new();

    for (function, resource) in functions_with_database() {
        let given = variables(stack, resource);
        sizes.insert(function, load(function, &|name| given.get(name).cloned()).unwrap().pool_size);
    }

    assert_eq!(sizes, [("api", 1), ("migrate", 1), ("scheduler", 1), ("worker", 10)].into());
    let batch = &stack.properties(stack.of_type("AWS::Lambda::EventSourceMapping")[0])["BatchSize"];
    assert_eq!(batch, sizes["worker"], "a connection for each job of a batch");
}

#[test]
fn credentials_are_named_and_never_written_into_variables() {
    let Some(stack) = Stack::guided() else { return };

    for (function, resource) in functions_with_database() {
        let given = variables(stack, resource);
        let database = load(function, &|name| given.get(name).cloned()).unwrap();

        assert!(matches!(database.source, DatabaseSource::Secret { .. }), "{function}: {database:?}");
    }
    let given = variables(stack, "ApiFunction");
    let api = ::api::Config::load(&|name| given.get(name).cloned()).unwrap();
    assert!(matches!(api.signing.source, ::api::SigningSource::Secret(_)), "{:?}", api.signing);
    assert!(matches!(api.storage.source, StorageSource::Bucket(_)), "{:?}", api.storage);
}

#[test]
fn the_migration_rotates_the_secrets_that_the_others_use() {
    for stack in Stack::all() {
        let secret = |function: &str, name: &str| variables(stack, function)[name].clone();
        let given = variables(stack, "MigrateFunction");
        let migrate = ::migrate::Config::load(&|name| given.get(name).cloned()).unwrap();

        for function in ["ApiFunction", "SchedulerFunction", "WorkerFunction"] {
            assert_eq!(migrate.rotated.app, Some(secret(function, "DATABASE_SECRET_ARN")), "{}: {function}", stack.0);
        }
        assert_eq!(migrate.rotated.signing, Some(secret("ApiFunction", "SIGNING_SECRET_ARN")), "{}", stack.0);
        assert_ne!(migrate.rotated.app, Some(secret("MigrateFunction", "DATABASE_SECRET_ARN")), "{}", stack.0);
    }
}

#[test]
fn only_production_hides_the_description_of_the_api() {
    for stack in Stack::all() {
        let given = variables(stack, "ApiFunction");

        let shown = ::api::Config::load(&|name| given.get(name).cloned()).unwrap().docs;

        assert_eq!(shown, given["ENVIRONMENT"] != "production", "{}", stack.0);
    }
}

/// A stack whose mail has no sender yet starts as well, and sends none.
#[test]
fn without_an_address_to_send_from_there_is_no_mail() {
    let Some(stack) = Stack::guided() else { return };
    let given = variables(stack, "OutboundFunction");

    let config = ::outbound::Config::load(&|name| given.get(name).cloned()).unwrap();

    assert!(matches!(config.mail, ::outbound::MailConfig::Off), "{config:?}");
    assert_eq!(config.reach, ::outbound::Reach::Internet);
}

/// Loads the configuration of a function; what they all have is its database.
fn load(function: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<DatabaseConfig, ConfigError> {
    match function {
        "api" => ::api::Config::load(lookup).map(|config| config.database),
        "migrate" => ::migrate::Config::load(lookup).map(|config| config.database),
        "scheduler" => ::scheduler::Config::load(lookup).map(|config| config.database),
        "worker" => ::worker::Config::load(lookup).map(|config| config.database),
        other => panic!("{other} has no configuration that is known here"),
    }
}

/// The variables that a function is given, with values as they are on AWS.
fn variables(stack: Stack, function: &str) -> BTreeMap<String, String> {
    let variables = stack.properties(function)["Environment"]["Variables"].as_object().unwrap();
    let value = |name: &str, value: &Value| match (value, name) {
        (Value::String(text), _) => text.clone(),
        (Value::Number(number), _) => number.to_string(),
        (_, "API_VERSION") => {
            "arn:aws:lambda:eu-central-1:123456789012:function:errand-ApiFunction-AbCdEf:7".to_owned()
        }
        (_, "DATABASE_HOST") => "errand.c9abcdefghij.eu-central-1.rds.amazonaws.com".to_owned(),
        // Told apart by what they refer to.
        (value, "APP_SECRET_ARN" | "DATABASE_SECRET_ARN" | "SIGNING_SECRET_ARN") => {
            format!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:{value}-AbCdEf")
        }
        (_, "OUTBOUND_FUNCTION") => "errand-OutboundFunction-AbCdEf".to_owned(),
        (_, "EXPORT_BUCKET") => "errand-exports".to_owned(),
        (_, "QUEUE_URL") => "https://sqs.eu-central-1.amazonaws.com/123456789012/errand".to_owned(),
        (value, name) => panic!("{name} is {value}: say here what that is on AWS"),
    };
    variables.iter().map(|(name, given)| (name.clone(), value(name, given))).collect()
}
