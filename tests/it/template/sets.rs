//! The named sets of parameters, and what CloudFormation makes of the template with each.

use super::evaluate::evaluate;
use super::{file, workspace};
use serde_json::{Map, Value};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{fs, io};

/// The sets: `template/sets/<name>.json`, and `guided`, which takes every default answer of `sam deploy --guided`.
pub(super) const NAMES: [&str; 6] = ["guided", "development", "aurora", "existing", "nat", "domain"];

/// What `samconfig.toml` says of each stack from the start. Whoever adds more for a stack of their own changes nothing here.
const SHIPPED: [&str; 3] = ["Architecture", "CanaryType", "Environment"];

/// A set of parameters.
pub(super) type Parameters = Map<String, Value>;

/// What is made of the template.
#[derive(Debug)]
pub(super) struct Made {
    /// The set's name.
    pub(super) name: &'static str,
    /// SAM's output as CloudFormation would carry it out.
    pub(super) evaluated: Value,
}

/// All sets, transformed once for all tests; `None` where SAM's translator is not installed.
pub(super) fn made() -> Option<&'static [Made]> {
    static MADE: OnceLock<Option<Vec<Made>>> = OnceLock::new();
    let make = || {
        let sets = NAMES.map(parameters);
        let plain = transform(&sets, &[])?;
        let all = NAMES.into_iter().zip(&sets).zip(plain);
        Some(all.map(|((name, set), plain)| Made { name, evaluated: evaluate(&plain, set) }).collect())
    };
    MADE.get_or_init(make).as_deref()
}

/// The parameters of a set, without those at their defaults.
pub(super) fn parameters(name: &str) -> Parameters {
    if name == "guided" {
        let proposed = samconfig("default").into_iter();
        return proposed.filter(|(name, _)| SHIPPED.contains(&name.as_str())).collect();
    }
    let path = workspace().join(format!("tests/it/template/sets/{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What `samconfig.toml` says of an environment; `sam` proposes that of `default` in place of the template's defaults.
pub(super) fn samconfig(environment: &str) -> Parameters {
    let samconfig = file("samconfig.toml");
    let heading = format!("\n[{environment}.global.parameters]\n");
    let (_, table) = samconfig.split_once(&heading).unwrap_or_else(|| panic!("samconfig.toml has no {environment}"));
    let (table, _) = table.split_once("\n[").unwrap_or((table, ""));
    let (_, overrides) = table.split_once("\nparameter_overrides = [").unwrap();
    let (overrides, _) = overrides.split_once(']').unwrap();
    let given = texts(overrides).into_iter().map(|given| given.split_once('=').unwrap());
    given.map(|(name, value)| (name.to_owned(), Value::from(value.trim_matches('"')))).collect()
}

/// The texts of a list of TOML, in quotes of either kind.
fn texts(list: &str) -> Vec<&str> {
    let mut texts = Vec::new();
    let mut rest = list;
    while let Some(start) = rest.find(['"', '\'']) {
        let (quote, opened) = rest[start..].split_at(1);
        let (text, after) = opened.split_once(quote).unwrap();
        texts.push(text);
        rest = after;
    }
    texts
}

/// Runs the script that runs SAM's transform, for many sets at once; `None` where the translator is not installed.
pub(super) fn transform(sets: &[Parameters], arguments: &[&str]) -> Option<Vec<Value>> {
    let child = Command::new("python3")
        .arg("scripts/transform-template.py")
        .arg("--sets")
        .args(arguments)
        .current_dir(workspace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return None };
    match child.stdin.take().unwrap().write_all(&serde_json::to_vec(sets).unwrap()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => panic!("{error}"),
        _ => {}
    }
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("is not installed") {
        return None;
    }
    assert!(output.status.success(), "the template cannot be transformed:\n{errors}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
