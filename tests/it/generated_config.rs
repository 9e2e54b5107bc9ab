//! The files made from the table of keys are current, and the schema agrees with the program.
//!
//! `HOMEOSTAT_BLESS=1` rewrites them.

use std::path::{Path, PathBuf};

use homeostat::config;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn current(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var_os("HOMEOSTAT_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(&file, text).expect("the file can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    assert!(found == text, "{path} is not current; HOMEOSTAT_BLESS=1 rewrites it");
}

#[test]
fn the_published_schema_is_what_the_table_of_keys_makes() {
    let text = serde_json::to_string_pretty(&config::schema()).expect("a schema");
    current("shared/schemas/repos.schema.json", &format!("{text}\n"));
}

#[test]
fn the_published_reference_is_what_the_table_of_keys_makes() {
    current("docs/configuration.md", &config::reference());
}

#[test]
fn the_published_environment_file_is_what_the_table_of_variables_makes_and_sets_nothing() {
    let text = config::environment_file();
    current("docs/guides/homeostat.env", &text);
    assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')), "a copy of it must change nothing");
    for name in ["GITHUB_TOKEN_FILE", "HOMEOSTAT_STOP", "HOMEOSTAT_MAX_FILES", "HOMEOSTAT_GIT_URL"] {
        assert!(text.contains(&format!("#{name}=\n")), "{name} is missing");
    }
}

#[test]
fn the_schema_takes_every_valid_file_and_refuses_wrong_keys_and_types() {
    let schema = jsonschema::validator_for(&config::schema()).expect("a valid schema");
    let read = |path: &str| -> serde_json::Value {
        let text = std::fs::read_to_string(root().join("tests/data/config").join(path)).expect("a file");
        // Editors read YAML 1.2, in which `no` and `on` are words.
        let options = serde_yaml::options! { strict_booleans: true };
        serde_yaml::from_str_with_options(text.trim_start_matches('\u{feff}'), options).expect("YAML")
    };
    for path in
        ["valid/shortest.yml", "valid/first.yml", "valid/complete.yml", "valid/anchors.yml", "valid/windows.yml"]
    {
        let errors: Vec<String> = schema.iter_errors(&read(path)).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{path}");
    }
    for path in [
        "invalid/unknown-key.yml",
        "invalid/wrong-type.yml",
        "invalid/impossible-value.yml",
        "invalid/not-yet.yml",
        "invalid/version-unknown.yml",
        "invalid/version-missing.yml",
        "invalid/nothing-listed.yml",
        "invalid/globs-and-units.yml",
    ] {
        assert!(!schema.is_valid(&read(path)), "{path}");
    }
}
