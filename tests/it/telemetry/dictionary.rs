//! `docs/logging.md` as the tests read it.

use crate::template::file;
use serde_json::Value;
use std::collections::BTreeSet;

/// What stands in code in the first column of a section's tables, below their heads.
pub fn names(section: &str) -> BTreeSet<String> {
    let document = file("docs/logging.md");
    let (_, rest) = document.split_once(&format!("\n## {section}\n")).unwrap_or_else(|| panic!("no {section}"));
    let section = rest.split("\n## ").next().unwrap();
    let mut is_below_head = false;
    let rows = section.lines().filter(|line| {
        is_below_head = line.starts_with("|---") || (is_below_head && line.starts_with('|'));
        is_below_head && line.starts_with("| `")
    });
    rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).map(ToOwned::to_owned).collect()
}

/// Insists that lines are of a known type and have no field that the dictionary does not have.
pub fn check(lines: &[Value]) {
    let (types, fields, metrics) = (names("Types"), names("The dictionary"), names("Metrics"));
    assert!(types.len() == 4 && fields.len() > 20 && metrics.len() > 10, "{types:?} {fields:?} {metrics:?}");
    for line in lines {
        let kind = line["log_type"].as_str().unwrap_or_else(|| panic!("a line without a type: {line}"));
        assert!(types.contains(kind), "{kind} is no type: {line}");
        assert_eq!(kind == "error", line["level"] == "ERROR", "{line}");
        for name in line.as_object().unwrap().keys() {
            let is_known = fields.contains(name) || (kind == "metric" && metrics.contains(name));
            assert!(is_known, "docs/logging.md does not know {name}: {line}");
        }
        for name in ["timestamp", "level", "message"] {
            assert!(line[name].is_string(), "no {name}: {line}");
        }
    }
}

/// What a line would look like that somebody forgot to describe.
#[test]
#[should_panic(expected = "does not know colour")]
fn a_field_that_is_not_described_is_found() {
    check(&[serde_json::json!({
        "timestamp": "2026-11-21T08:53:19Z", "level": "INFO", "log_type": "application", "message": "", "colour": "red",
    })]);
}

/// The example of the page is a line as the code writes it: the same fields, in the same order.
#[test]
fn the_example_has_the_fields_of_a_real_line() {
    let document = file("docs/logging.md");
    let example = document.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let example: Value = serde_json::from_str(example).unwrap();

    check(&[example]);
}
