//! `--stack`: the same commands, by way of the function of a stack.

use super::{app, failed_job, jobs};
use crate::binaries::Stack;
use crate::hosts::{Ran, run};
use crate::outbound::peer::{Peer, Then};
use crate::support::TestApp;
use crate::support::lambda::Lambda;
use crate::support::log::parsed;
use crate::support::postgres;
use crate::support::probe::Probe;
use crate::support::runtime_api::Invocation;
use ::scheduler::handle;
use serde_json::{Value, json};
use shared::ids::{JobId, OwnerId};
use shared::jobs::{CHANNEL, NewJob, State, enqueue_many};
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// A stack called `errand-test`, whose function works on the database of an app.
async fn deployed(app: &TestApp) -> Lambda {
    let scheduler = app.scheduler.clone();
    Lambda::new("errand-test-scheduler", move |event| {
        let scheduler = scheduler.clone();
        Box::pin(async move {
            let invocation = ::scheduler::Invocation { id: "an-invocation", time_left: Duration::from_secs(30) };
            Invocation::Answer(handle(&scheduler, &event, invocation).await.unwrap())
        })
    })
    .await
}

/// A stack of this name whose function always ends like this.
async fn that_ends(name: &str, end: Invocation) -> Lambda {
    Lambda::new(name, move |_| {
        let end = end.clone();
        Box::pin(async { end })
    })
    .await
}

/// Runs `errand jobs --stack errand-test`.
async fn through(lambda: &Lambda, arguments: &[&str]) -> Ran {
    let mut all = vec!["jobs", "--stack", "errand-test"];
    all.extend(arguments);
    run(&all, &lambda.environment()).await
}

#[tokio::test]
async fn what_is_looked_at_is_printed_as_with_a_database() {
    let app = app().await;
    let lambda = deployed(&app).await;
    let owner = OwnerId::new().to_string();
    let failed = failed_job(&app).await.to_string();
    app.enqueue_new(NewJob::new(&Probe::Nothing).unwrap().owned_by(owner.parse().unwrap())).await;
    let tomorrow = app.clock.now() + Duration::from_hours(24);
    app.enqueue_new(NewJob::new(&Probe::Nothing).unwrap().at(tomorrow)).await;
    let missing = JobId::new().to_string();
    // What is due has an age, which grows.
    let later = "update jobs set run_at = now() + interval '1 h' where state <> 'failed'";
    postgres::run(&mut app.db().await, later).await;

    for arguments in [
        ["list"].as_slice(),
        &["list", "--json"],
        &["list", "--limit", "1"],
        &["list", "--state", "failed"],
        &["list", "--owner", &owner, "--json"],
        &["list", "--kind", "other"],
        &["list", "--kind", "other", "--json"],
        &["show", &failed],
        &["show", &failed, "--json"],
        &["show", &missing],
        &["stats"],
        &["stats", "--json"],
    ] {
        let (with_database, with_stack) = (jobs(&app, arguments).await, through(&lambda, arguments).await);

        assert_eq!((with_stack.code, &with_stack.stderr), (with_database.code, &with_database.stderr), "{arguments:?}");
        assert_eq!(with_stack.stdout, with_database.stdout, "{arguments:?}");
        assert!(!with_stack.stdout.is_empty() || arguments.contains(&missing.as_str()), "{arguments:?}");
    }
}

#[tokio::test]
async fn more_jobs_than_one_answer_holds_are_listed() {
    let app = app().await;
    let lambda = deployed(&app).await;
    let jobs_of_one_page_and_more = (0..60).map(|_| NewJob::new(&Probe::Nothing).unwrap()).collect();
    enqueue_many(&mut app.db().await, jobs_of_one_page_and_more, &app.clock).await.unwrap();

    let all = through(&lambda, &["list", "--limit", "60"]).await;
    let cut = through(&lambda, &["list", "--limit", "59", "--json"]).await;

    assert_eq!(all.done().lines().count(), 61, "the headings, and nothing about more");
    assert_eq!(cut.json().as_array().unwrap().len(), 59);
    assert_eq!(lambda.events().len(), 4);
}

#[tokio::test]
async fn jobs_are_changed_and_each_is_said() {
    let app = app().await;
    let lambda = deployed(&app).await;
    let failed = failed_job(&app).await;
    let waiting = app.enqueue(&Probe::Nothing).await;
    let missing = JobId::new();

    let retried = through(&lambda, &["retry", &failed.to_string(), &missing.to_string()]).await;
    let cancelled = through(&lambda, &["cancel", &waiting.to_string()]).await;

    assert_eq!(retried.stdout, format!("{failed} waits for its next attempt\n{missing} is not there\n"));
    assert_eq!((retried.code, retried.stderr.as_str()), (1, "errand: 1 of 2 jobs could not be retried\n"));
    assert_eq!(cancelled.done(), format!("{waiting} is cancelled\n"));
    assert_eq!((app.job(failed).await.state, app.job(waiting).await.state), (State::Available, State::Cancelled));
}

#[tokio::test]
async fn more_failed_jobs_than_one_invocation_changes_are_taken_up_again() {
    let app = app().await;
    let lambda = deployed(&app).await;
    let failed = (0..130).map(|_| NewJob::new(&Probe::Nothing).unwrap()).collect();
    enqueue_many(&mut app.db().await, failed, &app.clock).await.unwrap();
    let fail = "update jobs set state = 'failed', finished_at = now(), wake_at = null";
    postgres::run(&mut app.db().await, fail).await;

    let some = through(&lambda, &["retry", "--kind", "probe", "--all-failed", "--limit", "120"]).await;
    let others = through(&lambda, &["retry", "--kind", "probe", "--all-failed"]).await;

    assert_eq!((some.done().lines().count(), others.done().lines().count()), (120, 10));
    let again = "select count(*) from jobs where state = 'available'";
    let again: i64 = sqlx::query_scalar(again).fetch_one(&mut app.db().await).await.unwrap();
    assert_eq!(again, 130);
}

#[tokio::test]
async fn the_function_is_the_one_that_is_deployed() {
    let stack = Stack::new().await;
    let (owner, _) = stack.account().await;
    let job = stack.enqueue_export(owner).await;
    let sandbox = Arc::new(Mutex::new(stack.start("scheduler").await));
    let lambda = Lambda::of("errand-test-scheduler", Arc::clone(&sandbox)).await;

    let listed = through(&lambda, &["list", "--json"]).await.json();
    let cancelled = through(&lambda, &["cancel", &job.to_string()]).await;
    let mut listener = PgListener::connect(&stack.url).await.unwrap();
    listener.listen(CHANNEL).await.unwrap();
    let retried = through(&lambda, &["retry", &job.to_string()]).await;

    assert_eq!((&listed[0]["id"], &listed[0]["kind"]), (&json!(job), &json!("export_tasks")));
    assert_eq!(cancelled.done(), format!("{job} is cancelled\n"));
    assert_eq!(retried.done(), format!("{job} waits for its next attempt\n"));
    assert_eq!(stack.job(job).await.0, "available");
    let heard = timeout(Duration::from_secs(10), listener.recv()).await.unwrap();
    assert_eq!(heard.unwrap().payload(), format!("{job}@0"));
    let sandbox = sandbox.lock().await;
    sandbox.idle().await;
    let output = sandbox.output();
    let lines = parsed(output.iter().map(String::as_str));
    crate::telemetry::check(&lines);
    let written: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| (line["message"].as_str().unwrap(), &line["invocation.id"].as_str().unwrap()[24..]))
        .collect();
    let cancelled = format!("Job {job} was cancelled by an operator");
    let retried = format!("Job {job} was taken up again by an operator");
    assert_eq!(written, [(cancelled.as_str(), "000000000002"), (&retried, "000000000003")], "and no metrics");
}

#[tokio::test]
async fn a_stack_may_be_named_by_a_variable_and_the_command_line_wins() {
    let app = app().await;
    let id = app.enqueue(&Probe::Nothing).await.to_string();
    let lambda = deployed(&app).await;
    let show = ["jobs", "show", &id, "--json"];
    let with = |variables: &[(&'static str, &'static str)]| [&lambda.environment()[..], variables].concat();
    let shown = |ran: &Ran| ran.json()["id"].as_str().map(str::to_owned);

    let by_variable = run(&show, &with(&[("ERRAND_STACK", "errand-test")])).await;
    let other = with(&[("ERRAND_STACK", "elsewhere"), ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")]);
    let by_argument = run(&[&show[..], &["--stack", "errand-test"]].concat(), &other).await;
    let by_database = run(&[&show[..], &["--database", &app.url]].concat(), &other).await;

    for ran in [by_variable, by_argument, by_database] {
        assert_eq!(shown(&ran), Some(id.clone()));
    }
}

#[tokio::test]
async fn two_places_are_one_too_many() {
    let database = ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let stack = ("ERRAND_STACK", "errand-test");
    let (both, queue) = ("say which is meant, with --stack or --database\n", "leave out --queue\n");
    let alone = "it goes without --state, --database and --queue\n";
    let redrive = "which are its outputs QueueUrl and DeadLetterQueueUrl, with --queue and --dead-letters\n";
    for (arguments, variables, expected) in [
        (["jobs", "stats"].as_slice(), [stack, database].as_slice(), both),
        (&["jobs", "stats"], &[stack, ("DATABASE_SECRET_ARN", "arn")], both),
        (&["jobs", "stats", "--queue", "https://example.com"], &[stack], queue),
        (&["jobs", "stats", "--stack", "errand-test", "--database", "postgres://x"], &[], alone),
        (&["jobs", "--state", ".errand", "stats", "--stack", "errand-test"], &[], alone),
        (&["jobs", "redrive", "--stack", "errand-test"], &[], redrive),
    ] {
        let refused = run(arguments, variables).await;

        assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(refused.stderr.ends_with(expected), "{arguments:?}: {}", refused.stderr);
    }
}

/// What an operator is told when there is no answer.
#[tokio::test]
async fn what_the_function_does_not_do_is_said() {
    let tick = json!({ "notified": 0, "rescued": 0, "exhausted": 0, "cancelled": 0, "scheduled": 0 });
    let crash = json!({ "errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 50.00 seconds" });
    let refusal = json!({ "failed": { "reason": "the answer has 7000000 bytes" } });
    for (end, expected) in [
        (
            Invocation::Answer(tick),
            "errand-test-scheduler does not know this command: its stack is of an older release",
        ),
        (Invocation::Answer(json!({ "done": 7 })), "errand-test-scheduler answers in another way: its stack is of "),
        (Invocation::Answer(refusal), "errand-test-scheduler: the answer has 7000000 bytes\n"),
        (
            Invocation::Error(crash),
            "errand-test-scheduler failed (Unhandled): {\"errorMessage\":\"Task timed out after",
        ),
    ] {
        let lambda = that_ends("errand-test-scheduler", end).await;

        let failed = through(&lambda, &["list"]).await;

        assert_eq!((failed.code, failed.stdout.as_str()), (1, ""));
        assert!(failed.stderr.starts_with(&format!("errand: {expected}")), "{}", failed.stderr);
        assert_eq!(lambda.events().len(), 1, "nothing is tried twice");
    }
}

#[tokio::test]
async fn a_stack_that_is_not_there_is_said() {
    let lambda = that_ends("another-scheduler", Invocation::Answer(Value::Null)).await;

    let failed = through(&lambda, &["list"]).await;

    assert_eq!((failed.code, failed.stdout.as_str()), (1, ""));
    let said = "errand: there is no such stack in eu-central-1, in this account, or it is of an older release without this \
                command: there is no function errand-test-scheduler: ";
    assert!(failed.stderr.starts_with(said), "{}", failed.stderr);
}

#[tokio::test]
async fn what_is_missing_to_ask_at_all_is_said() {
    let nowhere = [("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:9")];
    let list = ["jobs", "--stack", "errand-test", "list"];
    let region = ("AWS_REGION", "eu-central-1");
    let keys = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];

    let no_region = run(&list, &nowhere).await;
    let no_credentials = run(&list, &[&nowhere[..], &[region]].concat()).await;
    let no_answer = run(&list, &[&nowhere[..], &[region], &keys].concat()).await;

    for (ran, expected) in [
        (no_region, "errand: there is no AWS region: name that of the stack in AWS_REGION\n"),
        (no_credentials, "errand: there are no AWS credentials that can be used: "),
        (no_answer, "errand: errand-test-scheduler could not be asked: "),
    ] {
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
        assert!(ran.stderr.starts_with(expected), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let answer = "HTTP/1.1 403 No\r\nx-amzn-errortype: AccessDeniedException\r\n\r\n{\"Message\":\"User: arn:aws:iam::1:user/ada \
                  is not authorized to perform: lambda:InvokeFunction\"}";
    let peer = Peer::start(answer, Then::Close).await;
    let endpoint = peer.url("");
    let variables = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];

    let failed = run(&["jobs", "--stack", "errand-test", "list"], &variables).await;

    assert_eq!((failed.code, failed.stdout.as_str()), (1, ""));
    assert!(failed.stderr.contains("is not authorized to perform: lambda:InvokeFunction"), "{}", failed.stderr);
}
