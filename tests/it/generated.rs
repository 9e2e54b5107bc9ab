//! Generated files are current; `HOMEOSTAT_BLESS=1` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use homeostat::pattern::{Library, Severity, bundle, lint};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a generated file with what it should be, or writes it where blessing is asked for.
fn check(path: &str, wanted: &str) {
    let file = root().join(path);
    if std::env::var_os("HOMEOSTAT_BLESS").is_some() {
        fs::write(&file, wanted).expect("the generated file can be written");
        return;
    }
    let found = fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        found == wanted,
        "{path} is not current; run the tests once with HOMEOSTAT_BLESS=1 and commit what changed"
    );
}

/// Every hand-written pattern with its path in the repository.
fn pattern_files() -> Vec<(String, String)> {
    fn collect(folder: &Path, files: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).expect("the folder can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                let name = path.strip_prefix(root()).expect("the file lies in the repository");
                let name = name.to_string_lossy().replace('\\', "/");
                files.push((name, fs::read_to_string(&path).expect("a pattern can be read").replace("\r\n", "\n")));
            }
        }
    }
    let mut files = Vec::new();
    collect(&root().join("shared/patterns"), &mut files);
    files.sort();
    files
}

#[test]
fn the_pattern_bundle_is_current() {
    let text = bundle(&pattern_files()).unwrap_or_else(|problems| {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("patterns cannot be read:\n{}", lines.join("\n"))
    });
    check("shared/patterns/library.json", &text);
}

#[test]
fn every_pattern_keeps_the_contract_that_it_carries() {
    let files = pattern_files();
    let library = Library::from_files(&files).unwrap_or_default();
    assert_eq!(library.patterns().len(), files.len(), "a pattern cannot be read; see the_pattern_bundle_is_current");
    let problems = lint(&library);
    let shown: Vec<_> = problems.iter().filter(|p| p.severity == Severity::Error).map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{} problems:\n{}", shown.len(), shown.join("\n\n"));
}

#[test]
fn a_pattern_lies_in_the_folder_of_one_of_its_languages() {
    for (path, text) in pattern_files() {
        let folder = path.split('/').nth(2).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("languages:")).unwrap_or_default();
        // TypeScript shares a folder with the language that it adds types to.
        let fits = line.contains(folder) || (folder == "javascript" && line.contains("typescript"));
        assert!(fits, "{path}: {line}");
    }
}
