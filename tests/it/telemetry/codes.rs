//! The codes of errors: every line that says somebody has to act has one, and it is described.

use super::dictionary::names;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The sources of what runs in production.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut open: Vec<PathBuf> = ["functions", "shared/src", "standalone/src"].map(|folder| root.join(folder)).into();
    let mut files = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn every_error_has_a_code_that_is_described() {
    let described = names("Codes of errors");
    let mut used = BTreeSet::new();

    for path in sources() {
        let source = fs::read_to_string(&path).unwrap();
        for line in source.split("tracing::error!(").skip(1) {
            let line = line.split(");").next().unwrap();
            let code = line.split("error.code = \"").nth(1).and_then(|rest| rest.split('"').next());
            used.insert(
                code.unwrap_or_else(|| panic!("{}: an error without a code:{line}", path.display())).to_owned(),
            );
        }
    }

    assert!(used.len() > 10, "{used:?}");
    assert_eq!(used, described);
}
