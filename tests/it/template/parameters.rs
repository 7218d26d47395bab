//! What can be asked for, and what is refused before anything is made.

use super::evaluate::refusals;
use super::sets::{NAMES, Parameters, parameters, samconfig};
use super::{Stack, file};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn declared(stack: Stack) -> impl Iterator<Item = (&'static String, &'static Value)> {
    stack.1["Parameters"].as_object().unwrap().iter()
}

#[test]
fn every_parameter_has_a_default_a_description_and_limits() {
    let Some(stack) = Stack::guided() else { return };

    for (name, parameter) in declared(stack) {
        assert!(parameter["Default"].is_string() || parameter["Default"].is_number(), "{name}");
        assert!(parameter["Description"].as_str().unwrap().len() > 20, "{name}");
        match parameter["Type"].as_str().unwrap() {
            "Number" => assert!(parameter["MinValue"].is_u64() != parameter["AllowedValues"].is_array(), "{name}"),
            "String" if parameter["AllowedValues"].is_array() => {}
            "String" => {
                let pattern = parameter["AllowedPattern"].as_str().unwrap();
                assert!(pattern.starts_with('^') && pattern.ends_with('$'), "{name}: {pattern}");
                assert!(parameter["ConstraintDescription"].is_string(), "{name}");
            }
            other => panic!("{name} is a {other}"),
        }
    }
}

/// `sam deploy --guided` asks for such a parameter until something is typed, whatever its default. It would hide nothing
/// either: the values are written into the functions' variables and their tracing.
#[test]
fn no_parameter_is_asked_for_without_its_default() {
    let Some(stack) = Stack::guided() else { return };

    for (name, parameter) in declared(stack) {
        assert_eq!(parameter["NoEcho"], Value::Null, "{name}");
    }
}

#[test]
fn every_parameter_is_in_one_group_and_in_the_guide() {
    let Some(stack) = Stack::guided() else { return };
    let guide = file("docs/deploy.md");
    let groups = stack.1["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"].as_array().unwrap();

    let grouped: Vec<&str> = groups
        .iter()
        .flat_map(|group| group["Parameters"].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();

    let names: BTreeSet<&str> = declared(stack).map(|(name, _)| name.as_str()).collect();
    assert_eq!(grouped.iter().copied().collect::<BTreeSet<_>>(), names);
    assert_eq!(grouped.len(), names.len(), "a parameter is in two groups");
    for name in names {
        assert!(guide.contains(&format!("`{name}`")), "docs/deploy.md does not know {name}");
    }
}

/// Build and deploy read the same line, so they cannot mean different processors. The metrics and the rights of a stack
/// depend on its environment, and the rights on its name as well, so the two must not be mixed.
#[test]
fn samconfig_says_of_each_stack_what_it_is_and_nothing_that_is_no_parameter() {
    let Some(stack) = Stack::guided() else { return };
    let names: BTreeSet<&str> = declared(stack).map(|(name, _)| name.as_str()).collect();
    let text = file("samconfig.toml");

    for (table, environment) in [("default", "production"), ("staging", "staging"), ("development", "development")] {
        let given = samconfig(table);

        assert_eq!(given["Environment"], environment, "{table}");
        let heading = format!("[{table}.global.parameters]\nstack_name = \"errand-{environment}\"\n");
        assert!(text.contains(&heading), "the stack of {table} is not called errand-{environment}");
        // CanaryType is now and then another for one deployment, and would stay so if the next one did not name it.
        for name in ["Architecture", "CanaryType"] {
            assert!(given.contains_key(name), "{table} does not say {name}");
        }
        for (name, value) in &given {
            assert!(names.contains(name.as_str()), "{table}: {name} is no parameter");
            let allowed = &stack.1["Parameters"][name]["AllowedValues"];
            assert!(allowed.as_array().is_none_or(|allowed| allowed.contains(value)), "{table}: {name}={value}");
        }
        assert_eq!(refusals(stack.1, &given), [""; 0], "{table}");
    }
    let tables: Vec<&str> = text.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(tables.len(), 6, "{tables:?}");
    assert!(tables.iter().all(|table| table.contains(".global.") || table.contains(".deploy.")), "{tables:?}");
}

#[test]
fn the_named_sets_are_accepted() {
    let Some(stack) = Stack::guided() else { return };

    for name in NAMES {
        assert_eq!(refusals(stack.1, &parameters(name)), [""; 0], "{name}");
    }
}

#[test]
fn half_of_something_is_refused_and_the_missing_half_is_named() {
    let Some(stack) = Stack::guided() else { return };
    let refused = |set: &str, changes: Value| {
        let mut given: Parameters = parameters(set);
        given.extend(changes.as_object().unwrap().clone());
        refusals(stack.1, &given).join(" ")
    };

    for name in ["VpcId", "SubnetIds", "DatabaseSecurityGroupId", "DatabaseHost", "DatabaseSecretArn"] {
        let without = refused("existing", json!({ name: "" }));
        assert!(without.contains(&format!("needs {name}")), "{name}: {without}");
        let alone = refused("guided", json!({ name: parameters("existing")[name] }));
        assert!(alone.contains(&format!("{name} is for DatabaseType=existing")), "{name}: {alone}");
        let aurora = refused("aurora", json!({ name: parameters("existing")[name] }));
        assert!(aurora.contains(name), "{name}: {aurora}");
    }
    assert!(refused("guided", json!({ "DatabaseName": "other" })).contains("always called errand"));
    assert!(refused("existing", json!({ "DeletionProtection": "on" })).contains("Leave DeletionProtection off"));
    assert!(refused("domain", json!({ "CertificateArn": "" })).contains("DomainName needs CertificateArn"));
    assert!(refused("domain", json!({ "DomainName": "" })).contains("CertificateArn needs DomainName"));
    assert!(refused("guided", json!({ "HostedZoneId": "Z0123456789" })).contains("HostedZoneId needs DomainName"));
    assert_eq!(refused("domain", json!({ "HostedZoneId": "" })), "", "DNS may be elsewhere");
}

/// Free plans: one day of backups, a micro class, ten executions at once, of which the worker leaves half.
#[test]
fn every_default_answer_gives_a_production_stack_that_fits_a_new_account() {
    let Some(stack) = Stack::guided() else { return };
    let proposed = parameters("guided");
    let answer = |name: &str| proposed.get(name).unwrap_or(&stack.1["Parameters"][name]["Default"]);

    assert_eq!([answer("BackupRetentionDays"), answer("MonthlyBudget")], [1, 0]);
    assert_eq!([answer("DatabaseType"), answer("DatabaseClass")], ["rds", "db.t4g.micro"]);
    assert_eq!([answer("Environment"), answer("DeletionProtection"), answer("Egress")], ["production", "off", "ipv6"]);
    assert!(answer("WorkerConcurrency").as_u64().unwrap() <= 5);
}
