//! The schema comes before the code that needs it, and what the migration needs comes before the migration.

use super::Stack;
use serde_json::json;

#[test]
fn nothing_is_served_before_the_migration() {
    let serving = [
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Stage",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Permission",
        "AWS::Scheduler::Schedule",
    ];

    for stack in Stack::all() {
        let mut late = vec!["ApiFunction", "SchedulerFunction", "WorkerFunction"];
        late.extend([stack.version("ApiFunction"), stack.version("WorkerFunction")]);
        for kind in serving {
            let names = stack.of_type(kind);
            assert!(!names.is_empty(), "there is no {kind}");
            late.extend(names);
        }
        let aliases = stack.of_type("AWS::Lambda::Alias");
        late.extend(aliases.into_iter().filter(|name| !name.starts_with("Migrate")));

        for name in late {
            assert!(stack.before(name).contains("Migration"), "{}: {name} does not wait for the migration", stack.0);
        }
    }
}

/// Without a way out its answer would not reach CloudFormation, which would wait until it gives up.
#[test]
fn the_migration_waits_for_its_database_and_its_ways_out() {
    for stack in Stack::all() {
        let before = stack.before("Migration");

        let mut needed =
            vec!["DatabaseIngress", "FunctionSecurityGroup", "MigrateFunction", "MigrateLogs", "MigrateRole"];
        for kind in WAYS {
            needed.extend(stack.of_type(kind));
        }
        for name in needed {
            assert!(before.contains(name), "{}: the migration does not wait for {name}", stack.0);
        }
    }
}

/// What a function needs to reach its database, AWS and S3.
const WAYS: [&str; 11] = [
    "AWS::EC2::EgressOnlyInternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
];

#[test]
fn every_new_build_is_a_new_migration_of_the_same_function() {
    let Some(stack) = Stack::guided() else { return };

    let migration = stack.properties("Migration");

    assert_eq!(migration["ServiceToken"], json!({ "Fn::GetAtt": ["MigrateFunction", "Arn"] }));
    assert_eq!(migration["Release"], json!({ "Ref": stack.version("MigrateFunction") }));
}

#[test]
fn cloudformation_waits_for_every_try_of_the_migration() {
    let Some(stack) = Stack::guided() else { return };
    let timeout = stack.properties("MigrateFunction")["Timeout"].as_u64().unwrap();
    let patience = stack.properties("Migration")["ServiceTimeout"].as_u64().unwrap();

    // Lambda tries an asynchronous invocation three times, with pauses of one and two minutes.
    assert!(patience >= 3 * timeout + 180, "{patience} s for tries of {timeout} s");
}
