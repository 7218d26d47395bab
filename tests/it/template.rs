//! The stack, as CloudFormation will get it: `template.yaml` after SAM's transform, and with conditions and parameters
//! evaluated for several named sets of them. All of it runs here without AWS.

mod alarms;
mod data;
mod evaluate;
mod network;
mod operators;
mod order;
mod parameters;
mod queue;
mod releases;
mod roles;
mod rotation;
mod runbook;
mod sets;
mod variables;
mod whole;

use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;
use std::{env, fs, thread};

/// The functions, by the name of their binary.
const FUNCTIONS: [(&str, &str); 6] = [
    ("api", "ApiFunction"),
    ("migrate", "MigrateFunction"),
    ("outbound", "OutboundFunction"),
    ("scheduler", "SchedulerFunction"),
    ("smoke", "SmokeFunction"),
    ("worker", "WorkerFunction"),
];

/// Those that reach the database: all but the way out and the look at a new version.
fn functions_with_database() -> impl Iterator<Item = (&'static str, &'static str)> {
    FUNCTIONS.into_iter().filter(|(function, _)| !["outbound", "smoke"].contains(function))
}

/// The template, evaluated for a set of parameters.
#[derive(Clone, Copy)]
struct Stack(&'static str, &'static Value);

impl Stack {
    /// What somebody gets who takes every default; `None`, said loudly, where SAM's translator is not installed.
    fn guided() -> Option<Self> {
        Self::of("guided")
    }

    /// What is made with a set of parameters.
    fn of(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|stack| stack.0 == name)
    }

    /// What is made with each set; none, said loudly, where SAM's translator is not installed.
    ///
    /// With `ERRAND_REQUIRE_TOOLS=1` a missing translator fails the test instead.
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests says it through the environment")]
    fn all() -> Vec<Self> {
        let Some(made) = sets::made() else {
            let current = thread::current();
            let test = current.name().unwrap_or("a test");
            let message =
                format!("SKIPPED: {test}: the SAM translator is not installed: pip install -r .ci/requirements.txt");
            assert!(env::var_os("ERRAND_REQUIRE_TOOLS").is_none_or(|value| value != "1"), "{message}");
            // Not `eprintln!`, whose text the test harness keeps to itself unless the test fails.
            io::stderr().write_all(format!("{message}\n").as_bytes()).unwrap();
            return Vec::new();
        };
        made.iter().map(|made| Self(made.name, &made.evaluated)).collect()
    }

    /// A resource.
    #[track_caller]
    fn resource(self, name: &str) -> &'static Value {
        self.1["Resources"].get(name).unwrap_or_else(|| panic!("{}: there is no {name}", self.0))
    }

    /// The properties of a resource.
    #[track_caller]
    fn properties(self, name: &str) -> &'static Value {
        &self.resource(name)["Properties"]
    }

    /// All resources.
    fn resources(self) -> impl Iterator<Item = (&'static str, &'static Value)> {
        self.1["Resources"].as_object().unwrap().iter().map(|(name, resource)| (name.as_str(), resource))
    }

    /// The names of the resources of a type.
    fn of_type(self, kind: &str) -> Vec<&'static str> {
        self.resources().filter(|(_, resource)| resource["Type"] == kind).map(|(name, _)| name).collect()
    }

    /// The version of a function that is published.
    #[track_caller]
    fn version(self, function: &str) -> &'static str {
        let versions = self.of_type("AWS::Lambda::Version");
        let mut of_function =
            versions.into_iter().filter(|name| self.properties(name)["FunctionName"]["Ref"] == function);
        of_function.next().unwrap_or_else(|| panic!("{}: {function} has no version", self.0))
    }

    /// The names of the resources that CloudFormation makes before this one.
    fn before(self, name: &str) -> BTreeSet<String> {
        let mut before = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            let resource = self.resource(&name);
            let mut named: BTreeSet<String> = list(&resource["DependsOn"]).into_iter().collect();
            references(&resource["Properties"], &mut named);
            references(&resource["UpdatePolicy"], &mut named);
            for dependency in named {
                if self.1["Resources"].get(&dependency).is_some() && before.insert(dependency.clone()) {
                    open.push(dependency);
                }
            }
        }
        before
    }
}

/// A value that may be one, several or none.
fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(one) => vec![one.clone()],
        many => many.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
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
                        let mut inside = BTreeSet::new();
                        substituted(parts[0].as_str().unwrap(), &mut inside);
                        let own = parts[1].as_object().unwrap();
                        named.extend(inside.into_iter().filter(|name| !own.contains_key(name)));
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

/// A file of the workspace.
pub fn file(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap()
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
