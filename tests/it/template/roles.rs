//! What the functions may do: each what it does, and nothing else.

use super::{FUNCTIONS, Stack, functions_with_database};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn each_function_may_do_what_it_does() {
    let Some(stack) = Stack::transformed() else { return };
    let actions = |role: &str| {
        let statements = stack.properties(role)["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
        let actions: BTreeSet<String> = statements.iter().flat_map(|statement| list(&statement["Action"])).collect();
        actions.into_iter().filter(|action| !action.starts_with("logs:")).collect::<Vec<_>>().join(" ")
    };

    assert_eq!(
        actions("ApiRole"),
        "s3:GetObject s3:PutObject secretsmanager:GetSecretValue sqs:GetQueueAttributes sqs:SendMessage"
    );
    assert_eq!(actions("MigrateRole"), "secretsmanager:GetSecretValue");
    assert_eq!(
        actions("OutboundRole"),
        "ses:SendEmail ses:SendRawEmail xray:PutTelemetryRecords xray:PutTraceSegments"
    );
    assert_eq!(actions("SchedulerRole"), "secretsmanager:GetSecretValue sqs:SendMessage");
    assert_eq!(
        actions("WorkerRole"),
        "lambda:InvokeFunction s3:AbortMultipartUpload s3:DeleteObject s3:GetObject s3:PutObject \
         secretsmanager:GetSecretValue sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes \
         sqs:ReceiveMessage sqs:SendMessage"
    );
    assert_eq!(actions("TickRole"), "lambda:InvokeFunction");
}

#[test]
fn only_the_api_reads_what_signs_tokens() {
    let Some(stack) = Stack::transformed() else { return };
    let database = json!({ "Fn::GetAtt": ["Database", "MasterUserSecret.SecretArn"] });

    for (function, _) in functions_with_database() {
        let role = format!("{}Role", function[..1].to_uppercase() + &function[1..]);
        let statements = stack.properties(&role)["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
        let reads = statements.iter().find(|statement| statement["Action"] == "secretsmanager:GetSecretValue").unwrap();

        match function {
            "api" => assert_eq!(reads["Resource"], json!([database, { "Ref": "SigningSecret" }])),
            _ => assert_eq!(reads["Resource"], database, "{function}"),
        }
    }
}

/// Exports are not written by the API, nor read by the worker.
#[test]
fn files_of_imports_are_apart_from_finished_exports() {
    let Some(stack) = Stack::transformed() else { return };
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
    let Some(stack) = Stack::transformed() else { return };

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
    let Some(stack) = Stack::transformed() else { return };
    let statements = stack.properties("OutboundRole")["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();

    let sends = statements.iter().find(|statement| statement["Resource"].to_string().contains(":ses:")).unwrap();

    let from = &sends["Condition"]["StringEquals"]["ses:FromAddress"];
    assert_eq!(from["Fn::If"], json!(["SendsMail", { "Ref": "MailFrom" }, "nobody@example.invalid"]));
}

#[test]
fn no_role_has_a_wildcard_of_actions_or_a_policy_of_somebody_else() {
    let Some(stack) = Stack::transformed() else { return };
    let mut documents = Vec::new();
    for name in stack.of_type("AWS::IAM::ManagedPolicy") {
        documents.push((name, &stack.properties(name)["PolicyDocument"]));
    }
    for name in stack.of_type("AWS::IAM::Role") {
        let role = stack.properties(name);
        documents.extend(role["Policies"].as_array().unwrap().iter().map(|policy| (name, &policy["PolicyDocument"])));
        let managed = role["ManagedPolicyArns"].as_array().into_iter().flatten();
        assert!(managed.clone().all(|policy| policy == &json!({ "Ref": "FunctionBasePolicy" })), "{name}");
    }

    for (name, document) in documents {
        for statement in document["Statement"].as_array().unwrap() {
            if statement["Effect"] == "Deny" {
                continue;
            }
            for action in list(&statement["Action"]) {
                assert!(!action.contains('*'), "{name} may {action}");
                // EC2 and X-Ray know no narrower resource for these.
                let has_resource = !action.starts_with("ec2:") && !action.starts_with("xray:");
                assert!(!has_resource || statement["Resource"] != "*", "{name} may {action} anything");
            }
        }
    }
}

#[test]
fn no_two_functions_share_a_role() {
    let Some(stack) = Stack::transformed() else { return };

    let roles: BTreeSet<String> =
        FUNCTIONS.iter().map(|(_, function)| stack.properties(function)["Role"].to_string()).collect();

    assert_eq!(roles.len(), FUNCTIONS.len());
}

/// A value that may be one or several.
fn list(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        many => many.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
    }
}
