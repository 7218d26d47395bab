//! The secrets that rotate, and when.

use super::Stack;
use migrate::Roles;
use serde_json::json;

/// What rotates, by the name of its secret and of its schedule.
const ROTATED: [(&str, &str); 2] = [("AppSecret", "AppSecretRotation"), ("SigningSecret", "SigningSecretRotation")];

/// `development` is the set in which nothing rotates.
#[test]
fn secrets_rotate_by_the_parameter_and_not_at_once() {
    for stack in Stack::all() {
        let made = stack.of_type("AWS::SecretsManager::RotationSchedule");
        let rotates = stack.0 != "development";
        assert_eq!(made.len(), if rotates { ROTATED.len() } else { 0 }, "{}: {made:?}", stack.0);

        for (secret, schedule) in ROTATED.iter().filter(|_| rotates) {
            let rotation = stack.properties(schedule);

            assert_eq!(rotation["SecretId"], json!({ "Ref": secret }));
            assert_eq!(rotation["RotationLambdaARN"], json!({ "Fn::GetAtt": ["MigrateFunction", "Arn"] }));
            assert_eq!(rotation["RotationRules"], json!({ "AutomaticallyAfterDays": 30 }), "{}", stack.0);
            assert_eq!(rotation["RotateImmediatelyOnUpdate"], false);
        }
    }
}

/// Before it there are no roles whose password could be changed.
#[test]
fn no_rotation_begins_before_the_migration_and_before_secrets_manager_may_invoke_it() {
    let Some(stack) = Stack::guided() else { return };

    for (_, schedule) in ROTATED {
        let before = stack.before(schedule);

        assert!(before.contains("Migration") && before.contains("RotationPermission"), "{schedule}: {before:?}");
    }
    let permission = stack.properties("RotationPermission");
    assert_eq!(permission["Principal"], "secretsmanager.amazonaws.com");
    assert_eq!(permission["SourceAccount"], json!({ "Ref": "AWS::AccountId" }));
    assert_eq!(permission["FunctionName"], json!({ "Ref": "MigrateFunction" }));
}

/// What the migration accepts as the first role of the application.
#[test]
fn the_secret_of_the_application_is_generated_for_the_first_of_its_roles() {
    let Some(stack) = Stack::guided() else { return };

    let secret = stack.properties("AppSecret");

    assert_eq!(secret["SecretString"], json!(null));
    let generated = &secret["GenerateSecretString"];
    let roles = Roles::of("errand").unwrap();
    assert_eq!(generated["SecretStringTemplate"], json!({ "username": roles.logins[0] }).to_string());
    assert_eq!(generated["GenerateStringKey"], "password");
    assert_eq!((&generated["ExcludePunctuation"], &generated["PasswordLength"]), (&json!(true), &json!(64)));
}

/// The longest name that the parameter takes is one that roles can be named after.
#[test]
fn a_database_whose_name_is_too_long_for_its_roles_is_refused_before_anything_is_made() {
    let Some(stack) = Stack::guided() else { return };

    let pattern = stack.1["Parameters"]["DatabaseName"]["AllowedPattern"].as_str().unwrap();

    let (_, limits) = pattern.split_once("{0,").unwrap();
    let longest: usize = 1 + limits.trim_end_matches("}$").parse::<usize>().unwrap();
    assert!(Roles::of(&"x".repeat(longest)).is_ok());
    assert!(Roles::of(&"x".repeat(longest + 1)).is_err());
}
