//! What `docs/operations.md` sends its reader to: sections that exist, fields that are logged.

use super::{Stack, file};
use std::collections::BTreeSet;

/// Words of CloudWatch Logs Insights.
const WORDS: [&str; 22] = [
    "and",
    "as",
    "asc",
    "bin",
    "by",
    "count",
    "desc",
    "fields",
    "filter",
    "in",
    "ispresent",
    "like",
    "limit",
    "max",
    "min",
    "not",
    "or",
    "pct",
    "sort",
    "stats",
    "sum",
    "1h",
];

/// Fields of Lambda's own lines.
const OF_LAMBDA: [&str; 4] =
    ["record.metrics.durationMs", "record.metrics.initDurationMs", "record.metrics.maxMemoryUsedMB", "type"];

#[test]
fn every_link_inside_of_the_runbook_leads_somewhere() {
    for (from, to) in [("operations.md", "operations.md"), ("deploy.md", "operations.md"), ("deploy.md", "deploy.md")] {
        let document = file(&format!("docs/{from}"));
        let sections = anchors(&file(&format!("docs/{to}")));
        let start = if from == to { "](#".to_owned() } else { format!("]({to}#") };

        let links: Vec<&str> = document.split(&start).skip(1).filter_map(|rest| rest.split(')').next()).collect();

        assert!(!links.is_empty(), "{from} has no link into {to}");
        for link in links {
            assert!(sections.contains(link), "{from}: {to} has no section {link}");
        }
    }
}

#[test]
fn every_field_of_a_query_is_logged() {
    let dictionary = file("docs/logging.md");
    let known: BTreeSet<&str> = dictionary.split('`').skip(1).step_by(2).collect();
    let runbook = file("docs/operations.md");
    let queries: Vec<&str> = runbook.split("\n```\n").filter(|block| block.starts_with("filter ")).collect();
    assert!(queries.len() >= 8, "{} queries", queries.len());

    for query in queries {
        let code: String = query.split('"').step_by(2).collect::<Vec<_>>().join(" ");
        let own: BTreeSet<&str> = code.split(" as ").skip(1).filter_map(|rest| words(rest).next()).collect();
        for word in words(&code).filter(|word| word.parse::<u64>().is_err()) {
            let is_known = [&WORDS[..], &OF_LAMBDA[..]].concat().contains(&word);
            let is_known = is_known || own.contains(word) || known.contains(word) || word == "5m";
            assert!(is_known, "nothing is logged as {word}:\n{query}");
        }
    }
}

#[test]
fn a_restore_gives_the_stage_back_what_the_template_has() {
    let Some(stack) = Stack::guided() else { return };
    let settings = &stack.properties("ApiStage")["DefaultRouteSettings"];
    let runbook = file("docs/operations.md");

    let given_back = format!(
        "ThrottlingRateLimit={},ThrottlingBurstLimit={}",
        settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]
    );

    assert!(runbook.contains(&given_back), "docs/operations.md does not say {given_back}");
    for named in runbook.split("$(resource ").skip(1).filter_map(|rest| rest.split(')').next()) {
        stack.resource(named);
    }
}

/// The role that deploys from GitHub may restore snapshots of the stack's name alone; those of CloudFormation have it.
#[test]
fn every_snapshot_of_the_runbook_has_a_name_that_the_stack_may_begin_with() {
    let role = file("deploy-role.yaml");
    assert!(role.contains(":*:errand-${Environment}-*\n"), "the role reaches databases by another name");
    let runbook = file("docs/operations.md");
    let given = ["db-snapshot-identifier ", "DatabaseSnapshot="].map(|before| runbook.split(before).skip(1));

    let end = |c: char| !c.is_alphanumeric() && c != '-';
    let names: BTreeSet<&str> = given.into_iter().flatten().filter_map(|rest| rest.split(end).next()).collect();

    let names: Vec<&str> = names.into_iter().filter(|name| *name != "ARN").collect();
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        assert!(name.starts_with("errand-production-"), "{name}");
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !"._@".contains(c)).filter(|word| !word.is_empty())
}

/// The anchors of a document's headings, as GitHub makes them.
pub(super) fn anchors(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    let texts = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |text: String| text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
    texts.map(|text| kept(text).replace(' ', "-")).collect()
}
