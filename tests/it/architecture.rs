//! Who may use whom, and where things are: what the map in `docs/architecture.md` promises.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The packages of Lambda functions.
const FUNCTIONS: [&str; 6] = ["api", "migrate", "outbound", "scheduler", "smoke", "worker"];

/// The tables of the job engine; all others belong to the domain.
const ENGINE_TABLES: [&str; 5] = ["jobs", "job_keys", "job_kinds", "job_upkeep", "schedules"];

/// What the job engine may use of its own crate.
const ENGINE_MAY_USE: [&str; 6] = ["aws", "clock", "db", "ids", "jobs", "trace"];

/// The workspace, as Cargo sees it.
static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let mut cargo = Command::new(env!("CARGO"));
    let arguments = ["metadata", "--format-version=1", "--locked"];
    let output = cargo.args(arguments).current_dir(workspace()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
});

#[test]
fn the_functions_are_all_known_here() {
    let folders = fs::read_dir(workspace().join("functions")).unwrap();

    let found: BTreeSet<String> = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();

    assert_eq!(found, FUNCTIONS.map(str::to_owned).into());
}

#[test]
fn a_function_uses_shared_and_no_other_package_of_the_workspace() {
    for function in FUNCTIONS {
        assert_eq!(workspace_dependencies(function), ["shared"], "{function}");
    }
}

#[test]
fn shared_uses_no_package_of_the_workspace() {
    assert_eq!(workspace_dependencies("shared"), [""; 0]);
    assert_eq!(workspace_dependencies("local-postgres"), [""; 0]);
}

#[test]
fn nothing_that_is_deployed_uses_the_laptop_or_the_tests() {
    for package in FUNCTIONS.into_iter().chain(["shared"]) {
        let all = all_dependencies(package);

        for name in ["errand", "local-postgres", "tests"] {
            assert!(!all.contains(name), "{package} uses {name}");
        }
    }
}

/// Not even through another crate.
#[test]
fn shared_knows_no_http_framework_and_no_lambda_event() {
    let all = all_dependencies("shared");

    for name in ["axum", "axum-core", "aws_lambda_events", "lambda_http", "lambda_runtime", "utoipa", "utoipa-axum"] {
        assert!(!all.contains(name), "shared uses {name}");
    }
    assert!(all.contains("sqlx") && all_dependencies("api").contains("axum"), "the search finds nothing");
}

#[test]
fn there_is_one_tls_stack() {
    for package in FUNCTIONS.into_iter().chain(["errand"]) {
        let all = all_dependencies(package);

        for name in ["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys"] {
            assert!(!all.contains(name), "{package} uses {name}");
        }
    }
}

#[test]
fn the_engine_imports_no_domain_module() {
    let mut files = files(&workspace().join("shared/src/jobs"), "rs");
    files.push(workspace().join("shared/src/jobs.rs"));

    let mut seen = BTreeSet::new();
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for (position, _) in source.match_indices("crate::") {
            let used = source[position..].trim_start_matches("crate::");
            let module: String = used.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();

            assert!(ENGINE_MAY_USE.contains(&module.as_str()), "{} uses crate::{module}", file.display());
            seen.insert(module);
        }
        // Such a path could lead out of the engine past this search.
        assert!(!source.contains("super::super"), "{} names a module two levels above", file.display());
    }
    assert!(seen.contains("ids"), "the search finds nothing");
}

#[test]
fn no_statement_of_the_engine_names_a_table_of_the_domain() {
    let mut files = files(&workspace().join("shared/src/jobs"), "sql");
    assert!(!files.is_empty());
    files.extend(self::files(&workspace().join("shared/src/jobs"), "rs"));

    let tables = domain_tables();
    assert!(tables.contains("tasks") && tables.contains("webhook_deliveries"), "{tables:?}");
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for keyword in ["from", "into", "join", "update", "on"] {
            for table in &tables {
                assert!(!source.contains(&format!("{keyword} {table}")), "{}: {keyword} {table}", file.display());
            }
        }
    }
}

/// The tables that the migrations make, but for those of the engine.
fn domain_tables() -> BTreeSet<String> {
    let migrations = files(&workspace().join("shared/migrations"), "sql");
    let sources = migrations.iter().map(|file| fs::read_to_string(file).unwrap());
    let made: BTreeSet<String> = sources
        .flat_map(|source| {
            let tables = source.lines().filter_map(|line| line.trim().strip_prefix("create table "));
            tables.map(|table| table.trim_end_matches([' ', '(']).to_owned()).collect::<Vec<_>>()
        })
        .collect();
    for table in ENGINE_TABLES {
        assert!(made.contains(table), "no migration makes {table}");
    }
    made.into_iter().filter(|table| !ENGINE_TABLES.contains(&table.as_str())).collect()
}

#[test]
fn every_statement_file_is_used() {
    let root = workspace().join("shared");
    let sources: Vec<String> =
        files(&root.join("src"), "rs").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let statements = files(&root.join("src"), "sql");

    assert!(statements.len() > 5, "{statements:?}");
    for statement in statements {
        let name = format!("\"{}\"", statement.strip_prefix(&root).unwrap().display());
        assert!(sources.iter().any(|source| source.contains(&name)), "{name} is not used");
    }
}

/// It reads the environment, builds the state and hands it to the runtime.
#[test]
fn a_main_is_short() {
    for file in FUNCTIONS
        .map(|function| format!("functions/{function}/src/main.rs"))
        .into_iter()
        .chain(["standalone/src/main.rs".to_owned()])
    {
        let lines = fs::read_to_string(workspace().join(&file)).unwrap().lines().count();

        assert!(lines <= 30, "{file} has {lines} lines");
    }
}

#[test]
fn checked_statements_live_in_shared() {
    for file in files(&workspace().join("functions"), "rs") {
        let source = fs::read_to_string(&file).unwrap();

        for call in ["query!", "query_as!", "query_scalar!", "query_file!", "query_file_as!", "query_file_scalar!"] {
            assert!(!source.contains(call), "{} holds one with {call}", file.display());
        }
    }
}

#[test]
fn every_module_says_what_lives_in_it() {
    for folder in ["functions", "shared/src", "standalone/src", "standalone/postgres/src", "tests/it"] {
        for file in files(&workspace().join(folder), "rs") {
            let source = fs::read_to_string(&file).unwrap();

            assert!(source.starts_with("//! "), "{} starts without saying what it is", file.display());
        }
    }
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// All files below a folder whose names end like this.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The packages that Cargo knows; only those of this workspace have no source.
fn packages(ours_alone: bool) -> impl Iterator<Item = &'static Value> {
    let packages = METADATA["packages"].as_array().unwrap().iter();
    packages.filter(move |package| !ours_alone || package["source"].is_null())
}

/// The packages of this workspace that a package names, for whatever purpose.
fn workspace_dependencies(package: &str) -> Vec<&'static str> {
    let ours: BTreeSet<&str> = packages(true).map(|package| text(&package["name"])).collect();
    let named = packages(true).find(|found| found["name"] == package).unwrap();
    let dependencies = named["dependencies"].as_array().unwrap().iter().map(|dependency| text(&dependency["name"]));
    dependencies.filter(|name| ours.contains(name)).collect()
}

/// The names of everything that ends up in a package, through whatever it uses; what only builds and tests use is not.
fn all_dependencies(package: &str) -> BTreeSet<&'static str> {
    let names: BTreeMap<&str, &str> =
        packages(false).map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let nodes = METADATA["resolve"]["nodes"].as_array().unwrap().iter();
    let nodes: BTreeMap<&str, &Value> = nodes.map(|node| (text(&node["id"]), node)).collect();

    let mut open = vec![text(&packages(true).find(|found| found["name"] == package).unwrap()["id"])];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let mut kinds = dependency["dep_kinds"].as_array().unwrap().iter();
            let found = text(&dependency["pkg"]);
            if kinds.any(|kind| kind["kind"].is_null()) && seen.insert(found) {
                open.push(found);
            }
        }
    }
    seen.into_iter().map(|id| names[id]).collect()
}

fn text(value: &'static Value) -> &'static str {
    value.as_str().unwrap()
}
