//! Rotation, as Secrets Manager asks for it: step by step, each of them perhaps twice.

use super::TIME_LEFT;
use super::roles::{Stack, state};
use crate::api::events::sample;
use crate::support::moto::moto;
use crate::support::postgres;
use crate::support::rds::MASTER;
use crate::support::rotation::{STEPS, Secret};
use ::migrate::{RotatedSecrets, State, handle};
use serde_json::{Value, json};

/// Where nobody listens: a signing key needs no database.
const NOWHERE: &str = "postgres://nobody@127.0.0.1:1/none";

async fn step(state: &State, secret: &Secret<'_>, step: &str, version: &str) -> anyhow::Result<Value> {
    handle(state, secret.event(step, version), TIME_LEFT).await
}

/// Rotates once and says what is in use then.
async fn rotate(state: &State, secret: &Secret<'_>) -> String {
    let version = secret.begin().await;
    for name in STEPS {
        step(state, secret, name, &version).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
    }
    assert_eq!(secret.version("AWSCURRENT").await.as_ref(), Some(&version));
    secret.end(&version).await;
    secret.value("AWSCURRENT").await.unwrap()
}

async fn refusal(state: &State, secret: &Secret<'_>, name: &str, version: &str) -> String {
    format!("{:#}", step(state, secret, name, version).await.unwrap_err())
}

#[tokio::test]
async fn the_roles_take_turns_and_the_one_before_can_still_log_in() {
    let Some(stack) = Stack::migrated().await else { return };
    let mut logins = vec![stack.app.login("AWSCURRENT").await];

    for _ in 0..3 {
        rotate(&stack.state, &stack.app).await;

        let [before, current] = [stack.app.login("AWSPREVIOUS").await, stack.app.login("AWSCURRENT").await];
        assert_eq!(Some(&before), logins.last());
        stack.log_in(&before).await.unwrap();
        stack.log_in(&current).await.unwrap();
        logins.push(current);
    }

    let roles: Vec<&str> = logins.iter().map(|(role, _)| role.rsplit('_').next().unwrap()).collect();
    assert_eq!(roles, ["a", "b", "a", "b"]);
    let passwords: std::collections::BTreeSet<_> = logins.iter().map(|(_, password)| password).collect();
    assert_eq!(passwords.len(), 4);
    // The passwords of two rotations ago open nothing.
    for old in &logins[..2] {
        let error = stack.log_in(old).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), "28P01");
    }
}

#[tokio::test]
async fn nothing_is_in_use_before_the_last_step() {
    let Some(stack) = Stack::migrated().await else { return };
    let before = stack.app.login("AWSCURRENT").await;
    let version = stack.app.begin().await;

    for name in &STEPS[..3] {
        step(&stack.state, &stack.app, name, &version).await.unwrap();

        assert_eq!(stack.app.login("AWSCURRENT").await, before, "{name}");
        stack.log_in(&before).await.unwrap();
    }
}

/// Secrets Manager asks again when it got no answer.
#[tokio::test]
async fn each_step_can_be_repeated_at_any_later_time() {
    let Some(stack) = Stack::migrated().await else { return };
    let version = stack.app.begin().await;
    let mut pending = None;

    for (position, _) in STEPS.iter().enumerate() {
        for name in &STEPS[..=position] {
            step(&stack.state, &stack.app, name, &version).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        }
        let value = stack.app.value("AWSPENDING").await;
        assert_eq!(*pending.get_or_insert_with(|| value.clone()), value, "a repeated step makes another password");
    }
    for name in STEPS {
        assert_eq!(step(&stack.state, &stack.app, name, &version).await.unwrap(), json!({ "done": false }), "{name}");
    }

    let current = stack.app.login("AWSCURRENT").await;
    assert_eq!(current.0, format!("{}_app_b", stack.database.name));
    stack.log_in(&current).await.unwrap();
    assert_eq!(stack.app.version("AWSCURRENT").await, Some(version));
}

/// RDS has changed the master's password, say, and its secret is read too early.
#[tokio::test]
async fn a_rotation_that_could_not_reach_the_database_goes_on_when_it_can() {
    let Some(stack) = Stack::migrated().await else { return };
    let moto = moto().await.unwrap();
    let locked_out = stack.rds.url(&stack.database.name, MASTER, "the one before");
    let locked_out = state(moto, &locked_out, stack.state.rotated.clone());
    let before = stack.app.login("AWSCURRENT").await;
    let version = stack.app.begin().await;
    step(&stack.state, &stack.app, "createSecret", &version).await.unwrap();

    let error = refusal(&locked_out, &stack.app, "setSecret", &version).await;

    assert!(error.contains("password authentication failed"), "{error}");
    assert_eq!(stack.app.login("AWSCURRENT").await, before);
    for name in STEPS {
        step(&stack.state, &stack.app, name, &version).await.unwrap();
    }
    stack.log_in(&stack.app.login("AWSCURRENT").await).await.unwrap();
}

#[tokio::test]
async fn a_password_that_was_not_set_is_not_put_to_use() {
    let Some(stack) = Stack::migrated().await else { return };
    let before = stack.app.login("AWSCURRENT").await;
    let version = stack.app.begin().await;
    step(&stack.state, &stack.app, "createSecret", &version).await.unwrap();

    let error = refusal(&stack.state, &stack.app, "testSecret", &version).await;

    assert!(
        error.contains("is not permitted to log in") || error.contains("password authentication failed"),
        "{error}"
    );
    assert_eq!(stack.app.login("AWSCURRENT").await, before);
}

#[tokio::test]
async fn steps_before_there_is_a_value_fail_and_change_nothing() {
    let Some(stack) = Stack::migrated().await else { return };
    let before = stack.app.login("AWSCURRENT").await;
    let version = stack.app.begin().await;

    for name in ["setSecret", "finishSecret"] {
        let error = refusal(&stack.state, &stack.app, name, &version).await;
        assert!(error.contains("has no value"), "{name}: {error}");
    }

    assert_eq!(stack.app.login("AWSCURRENT").await, before);
}

/// Somebody has put the role in use into the version that is to come.
#[tokio::test]
async fn the_password_of_the_role_in_use_is_never_changed() {
    let Some(stack) = Stack::migrated().await else { return };
    let moto = moto().await.unwrap();
    let before = stack.app.login("AWSCURRENT").await;
    let version = stack.app.begin().await;
    let value = json!({ "username": before.0, "password": "another" }).to_string();
    let put = moto.secrets().put_secret_value().secret_id(&stack.app.arn).client_request_token(&version);
    put.version_stages("AWSPENDING").secret_string(value).send().await.unwrap();

    let error = refusal(&stack.state, &stack.app, "setSecret", &version).await;

    assert!(error.contains("which is in use, is not changed"), "{error}");
    stack.log_in(&before).await.unwrap();
}

#[tokio::test]
async fn a_request_for_another_version_or_secret_is_refused() {
    let Some(stack) = Stack::migrated().await else { return };
    let moto = moto().await.unwrap();
    let before = stack.app.login("AWSCURRENT").await;
    let old = stack.app.version("AWSCURRENT").await.unwrap();
    rotate(&stack.state, &stack.app).await;
    let other = Secret::of_app(moto, &format!("other_{}", stack.database.name), "password").await;
    let version_of_other = other.begin().await;

    for name in STEPS {
        let unknown = refusal(&stack.state, &stack.app, name, "00000000-0000-0000-0000-000000000000").await;
        let previous = refusal(&stack.state, &stack.app, name, &old).await;
        let foreign = refusal(&stack.state, &other, name, &version_of_other).await;

        assert!(unknown.contains("has no version 00000000"), "{name}: {unknown}");
        assert!(previous.contains("is not AWSPENDING"), "{name}: {previous}");
        assert!(foreign.contains("is none that this function rotates"), "{name}: {foreign}");
    }
    assert_eq!(stack.app.login("AWSPREVIOUS").await, before);
    assert_eq!(other.value("AWSPENDING").await, None);
}

#[tokio::test]
async fn a_secret_that_does_not_rotate_is_left_alone() {
    let Some(stack) = Stack::migrated().await else { return };
    let moto = moto().await.unwrap();
    let version = stack.app.begin().await;
    moto.secrets().cancel_rotate_secret().secret_id(&stack.app.arn).send().await.unwrap();

    let error = refusal(&stack.state, &stack.app, "createSecret", &version).await;

    assert!(error.contains("does not rotate"), "{error}");
}

#[tokio::test]
async fn an_unknown_step_is_an_error() {
    let Some(stack) = Stack::migrated().await else { return };
    let version = stack.app.begin().await;

    let error = refusal(&stack.state, &stack.app, "burnSecret", &version).await;

    assert!(error.contains("burnSecret"), "{error}");
}

/// The stack turns rotation on without rotating: Secrets Manager tries the function with a version that it takes away.
#[tokio::test]
async fn the_trial_of_a_new_rotation_tries_what_is_in_use() {
    let Some(stack) = Stack::migrated().await else { return };
    let copy = stack.app.turn_on().await;
    step(&stack.state, &stack.app, "testSecret", &copy).await.unwrap();
    stack.app.end(&copy).await;
    let empty = stack.app.begin().await;
    step(&stack.state, &stack.app, "testSecret", &empty).await.unwrap();

    let mut superuser = postgres::connect(&stack.database.url).await;
    let (role, _) = stack.app.login("AWSCURRENT").await;
    postgres::run(&mut superuser, &format!("alter role {role} password 'another'")).await;

    let error = refusal(&stack.state, &stack.app, "testSecret", &empty).await;
    assert!(error.contains("password authentication failed"), "{error}");
}

#[tokio::test]
async fn a_deploy_leaves_rotated_passwords_as_they_are() {
    let Some(stack) = Stack::migrated().await else { return };
    rotate(&stack.state, &stack.app).await;
    let [previous, current] = [stack.app.login("AWSPREVIOUS").await, stack.app.login("AWSCURRENT").await];

    stack.migrate().await;

    for login in [&previous, &current] {
        stack.log_in(login).await.unwrap();
    }
    // Half of a rotation: its password is kept too.
    let version = stack.app.begin().await;
    for name in &STEPS[..2] {
        step(&stack.state, &stack.app, name, &version).await.unwrap();
    }
    stack.migrate().await;
    for login in [&current, &stack.app.login("AWSPENDING").await] {
        stack.log_in(login).await.unwrap();
    }
}

/// What a database made of a snapshot has are the passwords of its time.
#[tokio::test]
async fn a_deploy_makes_the_secret_fit_a_restored_database() {
    let Some(stack) = Stack::migrated().await else { return };
    rotate(&stack.state, &stack.app).await;
    let mut superuser = postgres::connect(&stack.database.url).await;
    for role in ["a", "b"] {
        let role = format!("{}_app_{role}", stack.database.name);
        postgres::run(&mut superuser, &format!("alter role {role} password 'of the snapshot'")).await;
    }
    assert!(stack.log_in(&stack.app.login("AWSCURRENT").await).await.is_err());

    stack.migrate().await;

    stack.log_in(&stack.app.login("AWSCURRENT").await).await.unwrap();
    rotate(&stack.state, &stack.app).await;
    stack.log_in(&stack.app.login("AWSCURRENT").await).await.unwrap();
}

/// PostgreSQL writes statements into its log, for some settings; passwords are none of its log's business.
#[tokio::test]
async fn no_password_is_sent_to_the_database() {
    let Some(stack) = Stack::new().await else { return };
    let mut superuser = postgres::connect(&stack.database.url).await;
    let name = &stack.database.name;
    postgres::run(&mut superuser, &format!("alter database {name} set log_statement = 'all'")).await;
    let log = stack.rds.log();

    stack.migrate().await;
    rotate(&stack.state, &stack.app).await;

    let log = std::fs::read_to_string(log).unwrap();
    let role = format!("{name}_app_b");
    assert!(
        log.contains(&format!("alter role \"{role}\" with login password 'SCRAM-SHA-256$4096:")),
        "nothing is logged"
    );
    for stage in ["AWSPREVIOUS", "AWSCURRENT"] {
        let (role, password) = stack.app.login(stage).await;
        assert!(!log.contains(&format!("'{password}'")), "the password of {role} is in the log");
    }
}

#[tokio::test]
async fn a_signing_key_becomes_the_previous_one_when_the_next_takes_its_place() {
    let Some(moto) = moto().await else { return };
    let secret = Secret::new(moto, "signing-key-steps", &"x".repeat(64)).await;
    let rotated = RotatedSecrets { app: None, signing: Some(secret.arn.clone()) };
    let state = state(moto, NOWHERE, rotated);

    let first = rotate(&state, &secret).await;
    let previous = secret.value("AWSPREVIOUS").await.unwrap();
    let second = rotate(&state, &secret).await;

    assert_eq!(previous, "x".repeat(64));
    assert_eq!(secret.value("AWSPREVIOUS").await.as_ref(), Some(&first));
    assert_ne!(first, second);
    assert!([first, second].iter().all(|key| key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit())));
}

#[tokio::test]
async fn a_signing_key_that_is_too_short_is_not_put_to_use() {
    let Some(moto) = moto().await else { return };
    let secret = Secret::new(moto, "signing-key-short", &"x".repeat(64)).await;
    let state = state(moto, NOWHERE, RotatedSecrets { app: None, signing: Some(secret.arn.clone()) });
    let version = secret.begin().await;
    let put = moto.secrets().put_secret_value().secret_id(&secret.arn).client_request_token(&version);
    put.version_stages("AWSPENDING").secret_string("short").send().await.unwrap();

    let error = refusal(&state, &secret, "testSecret", &version).await;

    assert!(error.contains("less than 32 bytes"), "{error}");
}

/// As it comes from AWS, for a secret of another account than this test's.
#[tokio::test]
async fn the_sample_of_a_rotation_is_understood() {
    let Some(moto) = moto().await else { return };
    let event = sample("migrate-rotation.json");
    let arn = event["SecretId"].as_str().unwrap().to_owned();
    let known = state(moto, NOWHERE, RotatedSecrets { app: Some(arn), signing: None });
    let unknown = state(moto, NOWHERE, RotatedSecrets::default());

    let errors = [
        format!("{:#}", handle(&known, event.clone(), TIME_LEFT).await.unwrap_err()),
        format!("{:#}", handle(&unknown, event, TIME_LEFT).await.unwrap_err()),
    ];

    assert!(errors[0].contains("Secrets Manager would not describe arn:aws:secretsmanager"), "{}", errors[0]);
    assert!(errors[1].contains("is none that this function rotates"), "{}", errors[1]);
}
