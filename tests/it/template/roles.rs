//! What the functions may do: each what it does, and nothing else.

use super::{FUNCTIONS, Stack, file, list};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn each_function_may_do_what_it_does() {
    let Some(stack) = Stack::guided() else { return };
    let actions = |role: &str| {
        let statements = stack.properties(role)["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
        let actions: BTreeSet<String> = statements.iter().flat_map(|statement| list(&statement["Action"])).collect();
        actions.into_iter().filter(|action| !action.starts_with("logs:")).collect::<Vec<_>>().join(" ")
    };

    assert_eq!(
        actions("ApiRole"),
        "s3:GetObject s3:PutObject secretsmanager:GetSecretValue sqs:GetQueueAttributes sqs:SendMessage"
    );
    assert_eq!(
        actions("MigrateRole"),
        "secretsmanager:DescribeSecret secretsmanager:GetSecretValue secretsmanager:PutSecretValue \
         secretsmanager:UpdateSecretVersionStage"
    );
    assert_eq!(
        actions("OutboundRole"),
        "ses:SendEmail ses:SendRawEmail xray:PutTelemetryRecords xray:PutTraceSegments"
    );
    assert_eq!(actions("SchedulerRole"), "secretsmanager:DescribeSecret secretsmanager:GetSecretValue sqs:SendMessage");
    assert_eq!(
        actions("WorkerRole"),
        "lambda:InvokeFunction s3:AbortMultipartUpload s3:DeleteObject s3:GetObject s3:PutObject \
         secretsmanager:GetSecretValue sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes \
         sqs:ReceiveMessage sqs:SendMessage"
    );
    assert_eq!(
        actions("SmokeRole"),
        "codedeploy:PutLifecycleEventHookExecutionStatus lambda:InvokeFunction \
         xray:PutTelemetryRecords xray:PutTraceSegments"
    );
    assert_eq!(
        actions("DeployRole"),
        "cloudwatch:DescribeAlarms lambda:GetAlias lambda:GetProvisionedConcurrencyConfig lambda:InvokeFunction \
         lambda:UpdateAlias"
    );
    assert_eq!(actions("TickRole"), "lambda:InvokeFunction");
}

#[test]
fn contract_migrations_may_ask_what_the_two_aliases_lead_to() {
    let Some(stack) = Stack::guided() else { return };
    let policy = stack.properties("ContractPolicy");
    let statement = &policy["PolicyDocument"]["Statement"][0];
    let command = &stack.1["Outputs"]["ContractCommand"]["Value"].to_string();

    assert_eq!(policy["RoleName"], json!({ "Ref": "MigrateRole" }));
    assert_eq!(list(&statement["Action"]), ["lambda:GetAlias", "lambda:GetFunctionConfiguration"]);
    for function in ["ApiFunction", "WorkerFunction"] {
        assert!(statement["Resource"].to_string().contains(function), "{statement}");
        assert!(command.contains(&format!("{function}Aliaslive")), "{command}");
    }
}

/// The AWS CLI gives up on an answer after a minute, and asks again: the first migration would still be running.
#[test]
fn whoever_invokes_the_migration_waits_for_its_answer() {
    let Some(stack) = Stack::guided() else { return };
    let output = stack.1["Outputs"]["ContractCommand"]["Value"].to_string();
    let documents = ["docs/deploy.md", "docs/operations.md"].map(file);

    let texts = documents.iter().chain([&output]).flat_map(|text| text.split("aws lambda invoke ").skip(1));

    let commands = texts.filter_map(|rest| rest.split("/dev/stdout").next());
    // What operators ask of the scheduler's function is over within a minute.
    let commands: Vec<&str> = commands.filter(|command| !command.contains("-scheduler ")).collect();
    assert!(commands.len() >= 3, "{commands:?}");
    for command in commands {
        assert!(command.contains("--cli-read-timeout 0 "), "{command}");
    }
}

/// The secrets that a role may do something with.
fn secrets(stack: Stack, role: &str, action: &str) -> Vec<Value> {
    let action = format!("secretsmanager:{action}");
    let statements = stack.properties(role)["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
    let about = statements.iter().filter(|statement| list(&statement["Action"]).contains(&action));
    about
        .flat_map(|statement| match &statement["Resource"] {
            Value::Array(many) => many.clone(),
            one => vec![one.clone()],
        })
        .collect()
}

#[test]
fn only_the_migration_reads_the_secret_of_the_master_user() {
    for stack in Stack::all() {
        let master = stack.properties("MigrateFunction")["Environment"]["Variables"]["DATABASE_SECRET_ARN"].clone();
        let (app, signing) = (json!({ "Ref": "AppSecret" }), json!({ "Ref": "SigningSecret" }));

        let read = |role| secrets(stack, role, "GetSecretValue");

        assert_eq!(read("MigrateRole"), [master.clone(), app.clone(), signing.clone()], "{}", stack.0);
        assert_eq!(read("ApiRole"), [app.clone(), signing.clone()], "{}", stack.0);
        for role in ["SchedulerRole", "WorkerRole"] {
            assert_eq!(read(role), std::slice::from_ref(&app), "{}: {role}", stack.0);
        }
        for role in stack.of_type("AWS::IAM::Role") {
            let policies = stack.properties(role)["Policies"].to_string();
            assert_eq!(policies.contains(&master.to_string()), role == "MigrateRole", "{}: {role}", stack.0);
        }
    }
}

#[test]
fn only_the_migration_writes_secrets_and_not_that_of_the_master_user() {
    let Some(stack) = Stack::guided() else { return };
    let rotated = [json!({ "Ref": "AppSecret" }), json!({ "Ref": "SigningSecret" })];

    for action in ["PutSecretValue", "UpdateSecretVersionStage"] {
        for role in stack.of_type("AWS::IAM::Role") {
            let expected = if role == "MigrateRole" { rotated.as_slice() } else { &[] };
            assert_eq!(secrets(stack, role, action), expected, "{role} {action}");
        }
    }
}

/// Exports are not written by the API, nor read by the worker.
#[test]
fn files_of_imports_are_apart_from_finished_exports() {
    let Some(stack) = Stack::guided() else { return };
    let resource = |role: &str, action: &str| {
        let statements = stack.properties(role)["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
        let found = statements.iter().find(|statement| list(&statement["Action"]).iter().any(|found| found == action));
        found.unwrap_or_else(|| panic!("{role} may not {action}"))["Resource"].clone()
    };

    let imports = json!({ "Fn::Sub": "${ExportBucket.Arn}/imports/*" });

    assert_eq!(resource("ApiRole", "s3:PutObject"), imports);
    assert_eq!(resource("WorkerRole", "s3:GetObject"), imports);
}

#[test]
fn the_worker_may_invoke_the_way_out_and_nothing_else() {
    let Some(stack) = Stack::guided() else { return };

    let statements = stack.properties("WorkerRole")["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();

    let invokes: Vec<&Value> =
        statements.iter().filter(|statement| statement["Action"] == "lambda:InvokeFunction").collect();
    assert_eq!(invokes.len(), 1);
    assert_eq!(invokes[0]["Resource"], json!({ "Fn::GetAtt": ["OutboundFunction", "Arn"] }));
    let variables = &stack.properties("WorkerFunction")["Environment"]["Variables"];
    assert_eq!(variables["OUTBOUND_FUNCTION"], json!({ "Ref": "OutboundFunction" }));
}

#[test]
fn mail_comes_from_the_address_of_the_parameter_alone() {
    for (set, sender) in [("guided", "nobody@example.invalid"), ("nat", "errand@example.com")] {
        let Some(stack) = Stack::of(set) else { return };
        let statements =
            stack.properties("OutboundRole")["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();

        let sends = statements.iter().find(|statement| statement["Resource"].to_string().contains(":ses:")).unwrap();

        let from = &sends["Condition"]["StringEquals"]["ses:FromAddress"];
        assert_eq!(from, sender);
    }
}

/// Every resource that is more than one thing, and who may use it. `*` alone is for actions that know no narrower resource.
const WILDCARDS: [(&str, &str); 15] = [
    ("ApiRole", "${ExportBucket.Arn}/*"),
    ("ApiRole", "${ExportBucket.Arn}/imports/*"),
    ("ContractPolicy", "${ApiFunction.Arn}:*"),
    ("ContractPolicy", "${WorkerFunction.Arn}:*"),
    ("DeployRole", "${ApiFunction.Arn}:*"),
    ("DeployRole", "${WorkerFunction.Arn}:*"),
    ("DeployRole", "*"),
    ("FunctionBasePolicy", "*"),
    ("OutboundRole", "*"),
    ("OutboundRole", "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*"),
    ("SmokeRole", "${ApiFunction.Arn}:*"),
    ("SmokeRole", "*"),
    (
        "SmokeRole",
        "arn:${AWS::Partition}:codedeploy:${AWS::Region}:${AWS::AccountId}:deploymentgroup:\
         ${ServerlessDeploymentApplication}/*",
    ),
    ("WorkerRole", "${ExportBucket.Arn}/*"),
    ("WorkerRole", "${ExportBucket.Arn}/imports/*"),
];

/// EC2, X-Ray and CloudWatch know no narrower resource for these, or are not asked by name.
const ANYWHERE: [&str; 9] = [
    "cloudwatch:DescribeAlarms",
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
];

#[test]
fn no_role_has_a_wildcard_beyond_the_list_or_a_policy_of_somebody_else() {
    for stack in Stack::all() {
        let mut found = BTreeSet::new();
        for (name, document) in documents(stack) {
            for statement in document["Statement"].as_array().unwrap() {
                let resources = match &statement["Resource"] {
                    Value::Array(many) => many.iter().collect(),
                    one => vec![one],
                };
                let texts = resources.iter().filter_map(|resource| resource["Fn::Sub"].as_str().or(resource.as_str()));
                for text in texts.filter(|text| text.contains('*') && statement["Effect"] == "Allow") {
                    found.insert((name, text.to_owned()));
                    for action in list(&statement["Action"]) {
                        assert!(text != "*" || ANYWHERE.contains(&action.as_str()), "{name} may {action} anything");
                    }
                }
                for action in list(&statement["Action"]) {
                    assert!(!action.contains('*') || statement["Effect"] == "Deny", "{name} may {action}");
                }
            }
        }

        let listed = WILDCARDS.map(|(name, text)| (name, text.to_owned()));
        assert_eq!(found, listed.into(), "{}", stack.0);
    }
}

/// The policies of roles, by the name of their resource.
fn documents(stack: Stack) -> Vec<(&'static str, &'static Value)> {
    let mut documents = Vec::new();
    for name in stack.of_type("AWS::IAM::ManagedPolicy").into_iter().chain(stack.of_type("AWS::IAM::RolePolicy")) {
        documents.push((name, &stack.properties(name)["PolicyDocument"]));
    }
    for name in stack.of_type("AWS::IAM::Role") {
        let role = stack.properties(name);
        documents.extend(role["Policies"].as_array().unwrap().iter().map(|policy| (name, &policy["PolicyDocument"])));
        let managed = role["ManagedPolicyArns"].as_array().into_iter().flatten();
        assert!(managed.clone().all(|policy| policy == &json!({ "Ref": "FunctionBasePolicy" })), "{name}");
    }
    documents
}

#[test]
fn every_role_carries_the_boundary_when_there_is_one() {
    for stack in Stack::all() {
        let expected = match stack.0 {
            "domain" => json!("arn:aws:iam::123456789012:policy/boundary-errand-production"),
            _ => Value::Null,
        };

        let roles = stack.of_type("AWS::IAM::Role");

        assert!(roles.len() >= FUNCTIONS.len());
        for name in roles {
            assert_eq!(stack.properties(name)["PermissionsBoundary"], expected, "{}: {name}", stack.0);
        }
    }
}

#[test]
fn no_two_functions_share_a_role() {
    let Some(stack) = Stack::guided() else { return };

    let roles: BTreeSet<String> =
        FUNCTIONS.iter().map(|(_, function)| stack.properties(function)["Role"].to_string()).collect();

    assert_eq!(roles.len(), FUNCTIONS.len());
}
