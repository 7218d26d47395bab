//! How operators get at the jobs of a stack, whose database nobody else can reach.

use super::Stack;
use serde_json::json;

/// `errand` makes the name of the stack's in the same way: `hosts::jobs_command::stack` shows it.
#[test]
fn the_function_that_operators_invoke_is_known_by_the_stacks_name() {
    for stack in Stack::all() {
        let name = &stack.properties("SchedulerFunction")["FunctionName"];

        assert_eq!(name, &json!({ "Fn::Sub": "${AWS::StackName}-scheduler" }), "{}", stack.0);
    }
}

/// A step of an operation is given up before the function is, and `errand` waits for longer than both.
#[test]
fn who_waits_for_the_function_waits_long_enough() {
    let Some(stack) = Stack::guided() else { return };

    let limit = stack.properties("SchedulerFunction")["Timeout"].as_u64().unwrap();

    assert!((30..60).contains(&limit), "{limit} s: standalone/src/jobs/stack.rs waits for a minute");
}
