//! What a stranger reads is true: links lead somewhere, lists are complete, named tests exist, commands are single.
//!
//! Refuses to judge prose. `HOMEOSTAT_BLESS=1` writes the tests that carry an id into `docs/threat-model.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use homeostat::model::Reason;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.replace("\r\n", "\n")
}

/// Every file below a folder whose name ends so, by its path in the repository.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("the folder can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let path = path.strip_prefix(root()).expect("the file lies in the repository");
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// The pages that people read.
fn pages() -> Vec<String> {
    let mut pages = files("docs", ".md");
    pages.extend(["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(str::to_owned));
    pages.extend(["artifacts/README.md", "shared/patterns/README.md", "tests/cases/README.md"].map(str::to_owned));
    pages
}

/// The text outside code fences.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// What GitHub makes of a heading when somebody links to it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    prose(text).lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// The first fenced block below a heading, without its fences.
fn first_block(text: &str, heading: &str) -> String {
    let section = text.split_once(heading).unwrap_or_else(|| panic!("there is no {heading:?}")).1;
    let fence = section.split_once("\n```").expect("the section has a code block").1;
    let code = fence.split_once('\n').expect("the block has lines").1;
    code.split_once("```").expect("the block ends").0.trim_end().to_owned()
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(&page);
        let links = prose(&text);
        let targets = links.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, part) = target.split_once('#').map_or((target, None), |(file, part)| (file, Some(part)));
            let folder = Path::new(&page).parent().unwrap_or(Path::new(""));
            let path = if file.is_empty() { root().join(&page) } else { root().join(folder).join(file) };
            let leads = path.exists()
                && part.is_none_or(|part| {
                    fs::read_to_string(&path).is_ok_and(|text| anchors(&text.replace("\r\n", "\n")).contains(part))
                });
            if !leads {
                broken.push(format!("{page}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "links lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn every_page_of_the_documentation_is_in_its_index() {
    let index = read("docs/README.md");
    let missing: Vec<String> = files("docs", ".md")
        .into_iter()
        .filter(|page| page != "docs/README.md")
        .filter(|page| !index.contains(&format!("]({})", page.trim_start_matches("docs/"))))
        .collect();
    assert!(missing.is_empty(), "docs/README.md does not link {missing:?}");
}

#[test]
fn the_two_commands_of_the_readme_stand_alone() {
    let readme = read("README.md");
    assert_eq!(first_block(&readme, "\n## Quick start\n"), "cargo run --release -- demo");
    assert_eq!(first_block(&readme, "\n## Tests\n"), "cargo test");
}

#[test]
fn every_reason_has_a_heading_and_every_heading_is_a_reason() {
    let text = read("docs/reasons.md");
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let known: BTreeSet<String> = Reason::ALL.iter().map(|reason| format!("`{}`", reason.as_str())).collect();
    let written: BTreeSet<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let missing: Vec<_> = known.difference(&written).collect();
    let unknown: Vec<_> = written.difference(&known).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}\nunknown: {unknown:?}");
    assert_eq!(headings.len(), known.len(), "a reason has two headings");
}

#[test]
fn every_finding_of_doctor_has_a_heading_in_its_guide_in_the_same_order() {
    let text = read("docs/guides/doctor.md");
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let known: Vec<String> = homeostat::doctor::IDS.iter().map(|id| format!("`{id}`")).collect();
    assert_eq!(headings, known);
    for section in text.split("\n### ").skip(1) {
        let words = section.lines().skip(1).take_while(|line| !line.starts_with('#')).collect::<String>();
        assert!(words.len() > 40, "a finding without a word: {section}");
    }
}

/// The names in the dependency tables of `Cargo.toml`.
fn dependencies() -> BTreeSet<String> {
    let mut within = false;
    let mut names = BTreeSet::new();
    for line in read("Cargo.toml").lines() {
        if line.starts_with('[') {
            within = line.trim_end_matches(']').ends_with("dependencies");
        } else if let Some((name, _)) = line.split_once('=').filter(|_| within && !line.starts_with('#')) {
            names.insert(name.trim().to_owned());
        }
    }
    names
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let text = read("docs/architecture.md");
    let rows: String = text.lines().filter(|line| line.starts_with('|')).collect();
    let names = dependencies();
    assert!(names.len() > 30, "the manifest was not read: {names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !rows.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/architecture.md has no row for {missing:?}");
}

/// The threat ids that a test's name begins with: `v_66_v_67_…` carries two.
fn ids_of(test: &str) -> Vec<String> {
    let parts: Vec<&str> = test.split('_').collect();
    let mut ids = Vec::new();
    for pair in parts.chunks(2) {
        let [kind, number] = pair else { break };
        let is_id = matches!(*kind, "p" | "v" | "f" | "b" | "r")
            && number.len() >= 2
            && number.bytes().all(|byte| byte.is_ascii_digit());
        if !is_id {
            break;
        }
        ids.push(format!("{}-{number}", kind.to_uppercase()));
    }
    ids
}

/// Every test that carries an id, by id.
fn tests_by_id() -> BTreeMap<String, BTreeSet<String>> {
    let mut by_id: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files("src", ".rs").into_iter().chain(files("tests/it", ".rs")) {
        for line in read(&file).lines() {
            let line = line.trim_start();
            let line = line.strip_prefix("async ").unwrap_or(line);
            let Some(name) = line.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next()) else { continue };
            for id in ids_of(name) {
                by_id.entry(id).or_default().insert(name.to_owned());
            }
        }
    }
    by_id
}

#[test]
fn the_threat_model_names_exactly_the_tests_that_carry_its_ids() {
    const PATH: &str = "docs/threat-model.md";
    let page = read(PATH);
    let tests = tests_by_id();
    let mut wanted = String::new();
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", id, what, state, note, ""] = cells.as_slice() else {
            wanted.push_str(line);
            wanted.push('\n');
            continue;
        };
        let is_row = id.split_once('-').is_some_and(|(_, number)| number.bytes().all(|b| b.is_ascii_digit()));
        if !is_row || id.starts_with('-') {
            wanted.push_str(line);
            wanted.push('\n');
            continue;
        }
        seen.insert((*id).to_owned());
        if let Some(names) = tests.get(*id) {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let _infallible = writeln!(wanted, "| {id} | {what} | tested | {} |", names.join(", "));
            continue;
        }
        match *state {
            "later" | "untestable" if note.is_empty() => problems.push(format!("{id}: {state} needs a reason")),
            "later" | "untestable" | "open" => {}
            other => problems.push(format!("{id}: no test carries this id, so it cannot be {other:?}")),
        }
        wanted.push_str(line);
        wanted.push('\n');
    }
    problems.extend(tests.keys().filter(|id| !seen.contains(*id)).map(|id| format!("{id} has a test and no row")));
    assert!(problems.is_empty(), "{PATH}:\n{}", problems.join("\n"));
    if std::env::var_os("HOMEOSTAT_BLESS").is_some() {
        fs::write(root().join(PATH), wanted).expect("the page can be written");
        return;
    }
    assert!(page == wanted, "{PATH} is not current; run the tests once with HOMEOSTAT_BLESS=1 and commit what changed");
}
