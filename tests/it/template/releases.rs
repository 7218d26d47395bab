//! New versions: published exactly when there is something new, tried before they get traffic, and watched while they do.

use super::evaluate::{evaluate, refusals};
use super::sets::{Parameters, parameters, transform};
use super::{Stack, list};
use serde_json::{Value, json};

/// The functions behind an alias that shifts.
const SHIFTED: [&str; 2] = ["ApiFunction", "WorkerFunction"];

/// Another value that a parameter may have, for those whose values are not listed or counted.
fn another(name: &str) -> Value {
    match name {
        "SentryDsn" => json!("https://key@sentry.example.com/1"),
        "AlarmEmail" => json!("somebody@example.net"),
        "AllowedOrigins" => json!("https://other.example.net"),
        "CertificateArn" => {
            json!("arn:aws:acm:eu-central-1:123456789012:certificate/76543210-89ab-cdef-0123-456789abcdef")
        }
        "DatabaseClass" => json!("db.t4g.small"),
        "DatabaseHost" | "DomainName" => json!("other.example.net"),
        "DatabaseName" => json!("other"),
        "DatabaseSecretArn" => json!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:other-AbCdEf"),
        "DatabaseSnapshot" => json!("errand-before-the-mistake"),
        "DatabaseSecurityGroupId" => json!("sg-0123456789abcdef1"),
        "HostedZoneId" => json!("Z9876543210ABCDEFGHIJ"),
        "MailFrom" => json!("other@example.net"),
        "RoleBoundaryArn" => json!("arn:aws:iam::123456789012:policy/other"),
        "SubnetIds" => json!("subnet-0123456789abcdef2,subnet-0123456789abcdef3"),
        "VpcId" => json!("vpc-0123456789abcdef1"),
        other => panic!("say here what else {other} may be"),
    }
}

/// The set with each parameter changed in turn, as far as the template's rules allow that.
fn variants(template: &Value, set: &Parameters) -> Vec<(String, Parameters)> {
    let declared = template["Parameters"].as_object().unwrap();
    let changed = declared.iter().map(|(name, parameter)| {
        let now = set.get(name).unwrap_or(&parameter["Default"]);
        let value = match (&parameter["AllowedValues"], now) {
            (Value::Array(values), _) => values.iter().find(|value| *value != now).unwrap().clone(),
            (_, Value::Number(number)) => json!(number.as_u64().unwrap() + 1),
            _ => another(name),
        };
        let mut variant = set.clone();
        variant.insert(name.clone(), value);
        (name.clone(), variant)
    });
    changed.filter(|(_, variant)| refusals(template, variant).is_empty()).collect()
}

/// SAM names a version after its function. When the name stays, a change never arrives behind the alias; when the name
/// changes and the function does not, Lambda refuses to publish the same thing twice and the deployment fails.
#[test]
fn a_changed_parameter_publishes_a_version_exactly_when_it_changes_the_function() {
    let Some(stack) = Stack::guided() else { return };
    let mut published = Vec::new();

    for name in ["guided", "existing"] {
        let set = parameters(name);
        let variants = variants(stack.1, &set);
        let mut sets = vec![set.clone()];
        sets.extend(variants.iter().map(|(_, variant)| variant.clone()));
        let made = transform(&sets, &[]).unwrap();
        let made: Vec<Value> = made.iter().zip(&sets).map(|(plain, set)| evaluate(plain, set)).collect();

        let before: Value = made[0].clone();
        for ((parameter, _), after) in variants.iter().zip(&made[1..]) {
            for function in SHIFTED {
                let is_other = what_is_published(&before, function) != what_is_published(after, function);
                let is_published = version(&before, function) != version(after, function);

                assert_eq!(is_published, is_other, "{name}: {function} after a change of {parameter}");
                if is_published && function == "ApiFunction" {
                    published.push(format!("{name} {parameter}"));
                }
            }
        }
    }
    let expected = [
        "guided Architecture",
        "guided DatabaseSnapshot",
        "guided DatabaseType",
        "guided Egress",
        "guided Environment",
        "guided FunctionMemory",
        "guided SentryDsn",
        "existing Architecture",
        "existing DatabaseHost",
        "existing DatabaseName",
        "existing Egress",
        "existing Environment",
        "existing FunctionMemory",
        "existing SentryDsn",
        "existing SubnetIds",
    ];
    assert_eq!(published, expected);
}

#[test]
fn another_build_is_another_version() {
    let Some(stack) = Stack::guided() else { return };

    let built = transform(&[Parameters::new()], &["--code", "s3://artifacts/other"]).unwrap();

    for function in ["ApiFunction", "MigrateFunction", "WorkerFunction"] {
        assert_ne!(version(&built[0], function), stack.version(function), "{function}");
    }
}

/// A version that was kept would keep its network, and could not be published a second time after a rollback.
#[test]
fn versions_go_when_the_next_one_is_in_place() {
    for stack in Stack::all() {
        for name in stack.of_type("AWS::Lambda::Version") {
            assert_eq!(stack.resource(name)["DeletionPolicy"], "Delete", "{name}");
        }
    }
}

#[test]
fn traffic_shifts_by_the_type_of_the_parameter_and_is_rolled_back_on_an_alarm() {
    for stack in Stack::all() {
        let shift = match stack.0 {
            "development" => "CodeDeployDefault.LambdaAllAtOnce",
            "nat" => "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
            _ => "CodeDeployDefault.LambdaCanary10Percent5Minutes",
        };

        assert_eq!(stack.of_type("AWS::CodeDeploy::DeploymentGroup").len(), SHIFTED.len());
        for function in SHIFTED {
            let group = stack.properties(&format!("{function}DeploymentGroup"));
            let update =
                &stack.resource(&format!("{function}Aliaslive"))["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"];

            assert_eq!(group["DeploymentConfigName"], shift, "{}: {function}", stack.0);
            assert_eq!(group["ServiceRoleArn"], json!({ "Fn::GetAtt": ["DeployRole", "Arn"] }));
            assert!(
                list(&group["AutoRollbackConfiguration"]["Events"]).contains(&"DEPLOYMENT_STOP_ON_ALARM".to_owned())
            );
            assert_eq!(update["DeploymentGroupName"], json!({ "Ref": format!("{function}DeploymentGroup") }));
            // A fix must be able to pass while the alarm over all requests is on.
            let alarms: Vec<&str> =
                group["AlarmConfiguration"]["Alarms"].as_array().unwrap().iter().map(named).collect();
            let own = format!("{}VersionErrorsAlarm", function.trim_end_matches("Function"));
            let guards_all = function == "ApiFunction" && stack.0 != "development";
            let expected = if guards_all { vec![own.as_str(), "ApiErrorsAlarm"] } else { vec![own.as_str()] };
            assert_eq!(alarms, expected, "{}", stack.0);
        }
    }
}

#[test]
fn the_smoke_function_tries_the_version_that_is_to_come() {
    for stack in Stack::all() {
        let update = &stack.resource("ApiFunctionAliaslive")["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"];
        let smoke = stack.properties("SmokeFunction");

        assert_eq!(update["BeforeAllowTrafficHook"], json!({ "Ref": "SmokeFunction" }));
        let tried = &smoke["Environment"]["Variables"]["API_VERSION"];
        assert_eq!(*tried, json!({ "Ref": stack.version("ApiFunction") }));
        assert!(stack.before("ApiFunctionAliaslive").contains("SmokeFunction"));
        // CodeDeploy's own policies let it invoke functions of such names alone.
        assert_eq!(smoke["FunctionName"], json!({ "Fn::Sub": "CodeDeployHook_${AWS::StackName}" }));
    }
}

fn named(alarm: &Value) -> &str {
    alarm["Name"]["Ref"].as_str().unwrap()
}

/// What Lambda would compare: the function, with the database's address in it.
fn what_is_published<'a>(template: &'a Value, function: &str) -> [&'a Value; 2] {
    let resources = &template["Resources"];
    // A database from another snapshot is another one, at another address.
    [&resources[function]["Properties"], &resources["Database"]["Properties"]["DBSnapshotIdentifier"]]
}

/// The name of the version of a function.
fn version<'a>(template: &'a Value, function: &str) -> &'a str {
    let resources = template["Resources"].as_object().unwrap();
    let mut versions = resources.iter().filter(|(_, resource)| {
        resource["Type"] == "AWS::Lambda::Version" && resource["Properties"]["FunctionName"]["Ref"] == function
    });
    versions.next().unwrap().0
}
