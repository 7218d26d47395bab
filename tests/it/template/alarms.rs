//! What is watched, who is told, and what they can read about it.

use super::runbook::anchors;
use super::{Stack, file};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The budget of metrics that this project makes; each costs money by the month.
const SERIES: usize = 20;

/// Metrics of AWS that alarms and the dashboard use, as AWS names them.
const OF_AWS: [(&str, &[&str]); 4] = [
    ("AWS/ApiGateway", &["4xx", "5xx", "Count", "Latency"]),
    ("AWS/Lambda", &["ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"]),
    (
        "AWS/RDS",
        &[
            "ACUUtilization",
            "CPUCreditBalance",
            "CPUUtilization",
            "DatabaseConnections",
            "FreeStorageSpace",
            "FreeableMemory",
        ],
    ),
    (
        "AWS/SQS",
        &[
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
        ],
    ),
];

#[test]
fn every_alarm_tells_somebody_and_names_a_section_that_says_what_to_do() {
    let runbook = file("docs/operations.md");
    let sections = anchors(&runbook);
    for stack in Stack::all() {
        for name in stack.of_type("AWS::CloudWatch::Alarm") {
            let alarm = stack.properties(name);

            for action in ["AlarmActions", "OKActions"] {
                assert_eq!(alarm[action], json!([{ "Ref": "AlarmTopic" }]), "{}: {name}", stack.0);
            }
            let text = alarm["AlarmDescription"].as_str().unwrap();
            let (_, anchor) = text.rsplit_once("docs/operations.md#").unwrap_or_else(|| panic!("{name}: {text}"));
            assert!(sections.contains(anchor), "{name}: docs/operations.md has no section {anchor}");
            let row = runbook.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{name}`")));
            let row = row.unwrap_or_else(|| panic!("docs/operations.md does not list {name}"));
            assert!(row.contains(&format!("(#{anchor})")), "{name}: {row}");
            assert!(alarm["TreatMissingData"].is_string(), "{name}");
        }
    }
}

#[test]
fn what_is_watched_depends_on_whose_database_it_is() {
    let always = [
        "ApiErrorsAlarm",
        "ApiLatencyAlarm",
        "ApiVersionErrorsAlarm",
        "DeadLettersAlarm",
        "QueueAgeAlarm",
        "RotationAlarm",
        "ThrottlesAlarm",
        "TicksAlarm",
        "UnreadyAlarm",
        "UnsupportedJobsAlarm",
        "WorkerErrorsAlarm",
        "WorkerVersionErrorsAlarm",
    ];
    for stack in Stack::all() {
        let own: &[&str] = match stack.0 {
            "existing" => &[],
            "aurora" => &["ConnectionsAlarm", "DatabaseCpuAlarm"],
            _ => &["ConnectionsAlarm", "DatabaseCpuAlarm", "DatabaseStorageAlarm"],
        };

        let alarms: BTreeSet<&str> = stack.of_type("AWS::CloudWatch::Alarm").into_iter().collect();

        assert_eq!(alarms, always.iter().chain(own).copied().collect(), "{}", stack.0);
    }
}

/// A metric that nobody writes is an alarm that never goes off.
#[test]
fn every_metric_that_is_looked_at_exists() {
    let logging = file("docs/logging.md");
    let known = known_metrics(&logging);
    for stack in Stack::all() {
        let mut used = dashboard(stack);
        for name in stack.of_type("AWS::CloudWatch::Alarm") {
            let alarm = stack.properties(name);
            let of_math = alarm["Metrics"].as_array().into_iter().flatten();
            let metrics = of_math.map(|metric| &metric["MetricStat"]["Metric"]).chain([alarm]);
            used.extend(metrics.filter(|metric| metric["MetricName"].is_string()).map(|metric| {
                (metric["Namespace"].as_str().unwrap().to_owned(), metric["MetricName"].as_str().unwrap().to_owned())
            }));
        }

        assert!(used.len() > 20, "{used:?}");
        for (namespace, metric) in used {
            let exists = known.get(namespace.as_str()).is_some_and(|names| names.contains(metric.as_str()));
            assert!(exists, "{}: nobody writes {namespace} {metric}", stack.0);
        }
    }
    assert!(known["Errand"].len() <= SERIES, "{} series", known["Errand"].len());
}

#[test]
fn mail_and_budget_are_there_for_whoever_asks() {
    for stack in Stack::all() {
        let mail = ["aurora", "development", "domain"].contains(&stack.0);
        let budget = ["aurora", "domain"].contains(&stack.0);

        assert_eq!(stack.of_type("AWS::SNS::Subscription").len(), usize::from(mail), "{}", stack.0);
        assert_eq!(stack.of_type("AWS::Budgets::Budget").len(), usize::from(budget), "{}", stack.0);
        let statement = &stack.properties("AlarmTopicPolicy")["PolicyDocument"]["Statement"][0];
        let publishers = &statement["Principal"]["Service"];
        assert_eq!(*publishers, json!(["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]));
        // CloudWatch may not use the key that AWS manages for SNS: alarms would be silent.
        assert_eq!(stack.properties("AlarmTopic")["KmsMasterKeyId"], Value::Null);
    }
}

/// A budget with other notifications takes the place of the one before it, which is still there: two of one name are
/// refused. Whoever changes what is below has to change the number in the name.
#[test]
fn a_budget_with_other_notifications_has_another_name() {
    let Some(stack) = Stack::of("domain") else { return };
    let notification = |kind: &str, threshold: u64| {
        json!({
            "Notification": {
                "NotificationType": kind,
                "ComparisonOperator": "GREATER_THAN",
                "Threshold": threshold,
                "ThresholdType": "PERCENTAGE",
            },
            "Subscribers": [{ "SubscriptionType": "SNS", "Address": { "Ref": "AlarmTopic" } }],
        })
    };

    let budget = stack.properties("Budget");

    assert_eq!(budget["Budget"]["BudgetName"], json!({ "Fn::Sub": "${AlarmTopic.TopicName}-1" }));
    let notifications = json!([notification("ACTUAL", 80), notification("FORECASTED", 100)]);
    assert_eq!(budget["NotificationsWithSubscribers"], notifications);
    // Then the name of the topic begins with that of the stack.
    assert_eq!(stack.properties("AlarmTopic")["TopicName"], Value::Null);
}

/// The metrics of the dashboard, by namespace and name.
fn dashboard(stack: Stack) -> BTreeSet<(String, String)> {
    let body = flat(&stack.properties("Dashboard")["DashboardBody"]);
    let body: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{}: {error}:\n{body}", stack.0));
    let widgets = body["widgets"].as_array().unwrap();
    assert_eq!(widgets.len(), if stack.0 == "existing" { 9 } else { 12 }, "{}", stack.0);
    let metrics = widgets.iter().flat_map(|widget| widget["properties"]["metrics"].as_array().unwrap());
    metrics.map(|metric| (metric[0].as_str().unwrap().to_owned(), metric[1].as_str().unwrap().to_owned())).collect()
}

/// A text with what only resources know left as `${…}`.
fn flat(value: &Value) -> String {
    match &value["Fn::Sub"] {
        Value::Null => value.as_str().unwrap_or("-").to_owned(),
        Value::Array(parts) => {
            let own = parts[1].as_object().unwrap().iter();
            own.fold(parts[0].as_str().unwrap().to_owned(), |text, (name, value)| {
                text.replace(&format!("${{{name}}}"), &flat(value))
            })
        }
        text => text.as_str().unwrap().to_owned(),
    }
}

/// The metrics there are: those of AWS, and those that `docs/logging.md` lists and the code writes.
fn known_metrics(logging: &str) -> BTreeMap<&'static str, BTreeSet<&str>> {
    let (_, section) = logging.split_once("\n## Metrics").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2));
    let mut known: BTreeMap<&str, BTreeSet<&str>> =
        OF_AWS.into_iter().map(|(namespace, names)| (namespace, names.iter().copied().collect())).collect();
    let writer = file("shared/src/metrics/emf.rs");
    known.insert("Errand", names.filter(|name| writer.contains(&format!("metric(\"{name}\""))).collect());
    known
}
