//! The stack, as CloudFormation will get it: `template.yaml` after SAM's transform, which runs here without AWS.

mod data;
mod network;
mod order;
mod queue;
mod roles;
mod variables;

use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs, thread};

/// The functions, by the name of their binary.
const FUNCTIONS: [(&str, &str); 5] = [
    ("api", "ApiFunction"),
    ("migrate", "MigrateFunction"),
    ("outbound", "OutboundFunction"),
    ("scheduler", "SchedulerFunction"),
    ("worker", "WorkerFunction"),
];

/// Those that reach the database: all but the way out.
fn functions_with_database() -> impl Iterator<Item = (&'static str, &'static str)> {
    FUNCTIONS.into_iter().filter(|(function, _)| *function != "outbound")
}

/// The transformed template.
#[derive(Clone, Copy)]
struct Stack(&'static Value);

impl Stack {
    /// The template, transformed once for all tests; `None`, said loudly, where SAM's translator is not installed.
    ///
    /// With `ERRAND_REQUIRE_TOOLS=1` a missing translator fails the test instead.
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests says it through the environment")]
    fn transformed() -> Option<Self> {
        static TRANSFORMED: OnceLock<Option<Value>> = OnceLock::new();

        let transformed = TRANSFORMED.get_or_init(transform).as_ref().map(Self);
        if transformed.is_none() {
            let current = thread::current();
            let test = current.name().unwrap_or("a test");
            let message =
                format!("SKIPPED: {test}: the SAM translator is not installed: pip install -r .ci/requirements.txt");
            assert!(env::var_os("ERRAND_REQUIRE_TOOLS").is_none_or(|value| value != "1"), "{message}");
            // Not `eprintln!`, whose text the test harness keeps to itself unless the test fails.
            io::stderr().write_all(format!("{message}\n").as_bytes()).unwrap();
        }
        transformed
    }

    /// A resource.
    #[track_caller]
    fn resource(self, name: &str) -> &'static Value {
        self.0["Resources"].get(name).unwrap_or_else(|| panic!("the template has no {name}"))
    }

    /// The properties of a resource.
    #[track_caller]
    fn properties(self, name: &str) -> &'static Value {
        &self.resource(name)["Properties"]
    }

    /// The names of the resources of a type.
    fn of_type(self, kind: &str) -> Vec<&'static str> {
        let resources = self.0["Resources"].as_object().unwrap().iter();
        resources.filter(|(_, resource)| resource["Type"] == kind).map(|(name, _)| name.as_str()).collect()
    }

    /// The names of the resources that CloudFormation makes before this one.
    fn before(self, name: &str) -> BTreeSet<String> {
        let mut before = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            let resource = self.resource(&name);
            let mut named = BTreeSet::new();
            match &resource["DependsOn"] {
                Value::Null => {}
                Value::String(one) => drop(named.insert(one.clone())),
                many => named.extend(many.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned())),
            }
            references(&resource["Properties"], &mut named);
            for dependency in named {
                if self.0["Resources"].get(&dependency).is_some() && before.insert(dependency.clone()) {
                    open.push(dependency);
                }
            }
        }
        before
    }
}

/// Collects what a value refers to: `Ref`, `Fn::GetAtt` and the names in `Fn::Sub`.
fn references(value: &Value, named: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, named)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("Ref", Value::String(target)) => drop(named.insert(target.clone())),
                    ("Fn::GetAtt", Value::String(target)) => {
                        named.extend(target.split('.').next().map(str::to_owned));
                    }
                    ("Fn::GetAtt", Value::Array(path)) => named.extend(path[0].as_str().map(str::to_owned)),
                    ("Fn::Sub", Value::String(text)) => substituted(text, named),
                    ("Fn::Sub", Value::Array(parts)) => {
                        substituted(parts[0].as_str().unwrap(), named);
                        references(&parts[1], named);
                    }
                    (_, value) => references(value, named),
                }
            }
        }
        _ => {}
    }
}

fn substituted(text: &str, named: &mut BTreeSet<String>) {
    let targets = text.split("${").skip(1).filter_map(|rest| rest.split(['}', '.']).next());
    named.extend(targets.map(str::to_owned));
}

/// Runs the script that runs the transform.
fn transform() -> Option<Value> {
    let Ok(output) = Command::new("python3").arg("scripts/transform-template.py").current_dir(workspace()).output()
    else {
        return None;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("is not installed") {
        return None;
    }
    assert!(output.status.success(), "the template cannot be transformed:\n{errors}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// A file of the workspace.
fn file(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap()
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
