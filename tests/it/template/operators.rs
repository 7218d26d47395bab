//! How operators get at the jobs of a stack, whose database nobody else can reach.

use super::{Stack, file};
use serde_json::json;

/// `errand` makes the name of the stack's in the same way: `hosts::jobs_command::stack` shows it.
#[test]
fn the_function_that_operators_invoke_is_known_by_the_stacks_name() {
    for stack in Stack::all() {
        let name = &stack.properties("SchedulerFunction")["FunctionName"];

        assert_eq!(name, &json!({ "Fn::Sub": "${AWS::StackName}-scheduler" }), "{}", stack.0);
    }
}

#[test]
fn the_stack_says_what_to_type() {
    for stack in Stack::all() {
        let command = &stack.1["Outputs"]["JobsCommand"]["Value"]["Fn::Sub"];

        let expected = "AWS_REGION=${AWS::Region} errand jobs --stack ${AWS::StackName} stats";
        assert_eq!(command, expected, "{}", stack.0);
    }
}

/// One function by its name, and not a version or an alias of it, which there are none of.
#[test]
fn the_runbook_has_the_right_that_an_operator_needs() {
    let runbook = file("docs/operations.md");
    let policy = runbook.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap();

    let statements = policy["Statement"].as_array().unwrap();

    assert_eq!(statements.len(), 1);
    assert_eq!(statements[0]["Action"], "lambda:InvokeFunction");
    let resource = statements[0]["Resource"].as_str().unwrap();
    assert!(resource.ends_with(":function:errand-production-scheduler"), "{resource}");
}

/// A step of an operation is given up before the function is, and `errand` waits for longer than both.
#[test]
fn who_waits_for_the_function_waits_long_enough() {
    let Some(stack) = Stack::guided() else { return };

    let limit = stack.properties("SchedulerFunction")["Timeout"].as_u64().unwrap();

    assert!((30..60).contains(&limit), "{limit} s: standalone/src/jobs/stack.rs waits for a minute");
}
