//! Jobs on their way: the queue, the worker behind it, the tick.

use super::Stack;
use serde_json::json;

#[test]
fn a_message_stays_hidden_for_six_runs_of_the_worker() {
    for stack in Stack::all() {
        let timeout = stack.properties("WorkerFunction")["Timeout"].as_u64().unwrap();

        let hidden = stack.properties("JobQueue")["VisibilityTimeout"].as_u64().unwrap();

        assert!(hidden >= 6 * timeout, "{}: {hidden} s for runs of {timeout} s", stack.0);
    }
}

#[test]
fn the_worker_reports_single_messages_and_is_bounded() {
    let Some(stack) = Stack::guided() else { return };
    let mappings = stack.of_type("AWS::Lambda::EventSourceMapping");
    assert_eq!(mappings.len(), 1);

    let mapping = stack.properties(mappings[0]);

    assert_eq!(mapping["FunctionName"], json!({ "Ref": "WorkerFunctionAliaslive" }));
    assert_eq!(mapping["EventSourceArn"], json!({ "Fn::GetAtt": ["JobQueue", "Arn"] }));
    assert_eq!(mapping["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert_eq!(mapping["ScalingConfig"]["MaximumConcurrency"], 5);
}

/// db.t4g.micro has 1 GiB, which gives it about 80 connections.
#[test]
fn all_workers_together_leave_connections_for_the_others() {
    let Some(stack) = Stack::guided() else { return };
    let workers = stack.1["Parameters"]["WorkerConcurrency"]["Default"].as_u64().unwrap();
    let pool = &stack.properties("WorkerFunction")["Environment"]["Variables"]["DATABASE_POOL_SIZE"];
    let engine = 2;

    let held = workers * (pool.as_str().unwrap().parse::<u64>().unwrap() + engine);

    assert!(held <= 60, "{held} connections");
}

#[test]
fn what_nobody_can_handle_is_kept_as_evidence() {
    let Some(stack) = Stack::guided() else { return };

    let redrive = &stack.properties("JobQueue")["RedrivePolicy"];

    assert_eq!(redrive["deadLetterTargetArn"], json!({ "Fn::GetAtt": ["DeadLetterQueue", "Arn"] }));
    // Lambda's pollers may count a receive for a batch that was throttled: fewer tries would lose good messages.
    assert!(redrive["maxReceiveCount"].as_u64().unwrap() >= 5, "{redrive}");
    let fourteen_days = 14 * 24 * 60 * 60;
    assert_eq!(stack.properties("DeadLetterQueue")["MessageRetentionPeriod"], fourteen_days);
}

#[test]
fn queues_are_encrypted_and_take_no_plain_connection() {
    let Some(stack) = Stack::guided() else { return };
    let queues = stack.of_type("AWS::SQS::Queue");
    assert_eq!(queues, ["DeadLetterQueue", "JobQueue"]);

    for queue in queues {
        assert_eq!(stack.properties(queue)["SqsManagedSseEnabled"], true, "{queue}");
    }
    let policy = stack.properties("QueuePolicy");
    assert_eq!(policy["Queues"], json!([{ "Ref": "JobQueue" }, { "Ref": "DeadLetterQueue" }]));
    let statement = &policy["PolicyDocument"]["Statement"][0];
    assert_eq!(statement["Effect"], "Deny");
    assert_eq!(statement["Condition"], json!({ "Bool": { "aws:SecureTransport": "false" } }));
}

#[test]
fn the_scheduler_is_woken_each_minute_and_ends_within_it() {
    let Some(stack) = Stack::guided() else { return };

    let tick = stack.properties("Tick");

    assert_eq!(tick["ScheduleExpression"], "rate(1 minute)");
    assert_eq!(tick["Target"]["Arn"], json!({ "Fn::GetAtt": ["SchedulerFunction", "Arn"] }));
    assert!(stack.properties("SchedulerFunction")["Timeout"].as_u64().unwrap() < 60);
}
