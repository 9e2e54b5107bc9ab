//! Holds `src/` to the house: direction of imports, outside crates a layer, no hidden effects, small files
//! that say what they are for.
//!
//! Reads source text alone (`reader`) and compares it with one table (`table`). Refuses to be right by
//! accident: each rule is shown to catch a bad snippet, and a module or dependency without a row fails.

mod reader;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use reader::Named;
use table::{CRATES, EFFECT_FREE, EFFECT_PATHS, Layer, PLACES, Reach};

/// A file of `src/` may have this many lines before its inline tests begin.
const MOST_LINES: usize = 600;

/// The name under which `main.rs` sees the library.
const LIBRARY: &str = "homeostat";

/// What is wrong with one file, one sentence each.
fn judge(module: &[String], source: &str) -> Vec<String> {
    let mut wrong: Vec<String> = opening(source).into_iter().collect();
    let lines = lines_before_tests(source);
    if lines > MOST_LINES {
        wrong.push(format!("has {lines} lines, more than {MOST_LINES}: split it by idea"));
    }
    let here = match home_of(module) {
        Ok(home) => home,
        Err(sentence) => {
            wrong.push(sentence);
            return wrong;
        }
    };
    match reader::paths_of(source, module) {
        Ok(paths) => wrong.extend(paths.iter().filter_map(|path| judge_path(&here, module, path))),
        Err(error) => wrong.push(format!("does not parse: {error}")),
    }
    wrong
}

fn opening(source: &str) -> Option<String> {
    (!source.starts_with("//!"))
        .then(|| "does not open with `//!`: say what it is for and what it refuses to do".to_owned())
}

/// Where a module lies: its row of the table, or the root.
#[derive(Debug, Clone, Copy)]
struct Home {
    module: &'static str,
    layer: Layer,
}

impl Home {
    /// The first name of the module path: a port and its adapters share it.
    fn family(&self) -> &'static str {
        self.module.split("::").next().unwrap_or_default()
    }

    fn order(&self) -> Option<usize> {
        PLACES.iter().position(|place| place.module == self.module)
    }
}

fn home_of(module: &[String]) -> Result<Home, String> {
    if module.is_empty() {
        return Ok(Home { module: "", layer: Layer::Root });
    }
    table::place_of(module)
        .map(|place| Home { module: place.module, layer: place.layer })
        .ok_or_else(|| format!("module `{}` has no row in the layer table", module.join("::")))
}

fn judge_path(here: &Home, module: &[String], path: &Named) -> Option<String> {
    let shown = path.segments.join("::");
    let first = path.segments.first()?.as_str();
    if first == "crate" || (first == LIBRARY && here.layer == Layer::Root) {
        let target = path.segments.get(1..).unwrap_or_default();
        return match home_of(target) {
            Ok(there) if may_import(here, &there) => None,
            Ok(there) => Some(format!("`{shown}`: {} may not import {}", say(here), say(&there))),
            Err(sentence) => Some(format!("`{shown}`: {sentence}")),
        };
    }
    if EFFECT_FREE.contains(&here.layer) && names_effect(path) {
        return Some(format!("`{shown}`: {} has no effects; ask a port", say(here)));
    }
    let (name, reach) = CRATES.iter().find(|(name, _)| *name == first)?;
    let allowed = match reach {
        Reach::Layers(layers) => layers.contains(&here.layer),
        Reach::Modules(modules) => modules.iter().any(|prefix| table::covers(prefix, module)),
    };
    (!allowed).then(|| format!("`{shown}`: {} may not name the crate `{name}`", say(here)))
}

fn say(home: &Home) -> String {
    if home.layer == Layer::Root {
        return "the root".to_owned();
    }
    format!("`{}` ({:?})", home.module, home.layer)
}

/// The direction of imports.
fn may_import(here: &Home, there: &Home) -> bool {
    if here.module == there.module {
        return true;
    }
    match here.layer {
        Layer::Nouns => false,
        Layer::Pure => there.layer == Layer::Nouns || (there.layer == Layer::Pure && there.order() < here.order()),
        // The traits pass redacted text on, so its type is theirs to name.
        Layer::Ports => {
            there.layer == Layer::Nouns
                || there.module == "redact"
                || (there.layer == Layer::Ports && there.family() == here.family())
        }
        // `git` is the one runner of the git program for all of them.
        Layer::Adapters => {
            there.layer == Layer::Nouns
                || there.module == "redact"
                || there.module == "git"
                // Waits for a forge's limits run on the clock port, like every other wait.
                || there.module == "system"
                // Adapters of one port may serve each other: a snapshot runs commands in the sandbox.
                || (matches!(there.layer, Layer::Ports | Layer::Adapters) && there.family() == here.family())
        }
        Layer::Engine => matches!(there.layer, Layer::Nouns | Layer::Pure | Layer::Ports),
        Layer::Faces => match there.layer {
            Layer::Root => false,
            Layer::Adapters => here.module == "cli",
            _ => true,
        },
        Layer::Root => there.layer == Layer::Faces,
    }
}

/// Tells whether a path names an effect, or imports a module that would hide one behind a shorter name.
fn names_effect(path: &Named) -> bool {
    let named = &path.segments;
    EFFECT_PATHS.iter().any(|effect| {
        let effect: Vec<&str> = effect.split("::").collect();
        let common = effect.iter().zip(named).take_while(|(a, b)| *a == b).count();
        common == effect.len() || (path.imported && common == named.len() && hides_effects(effect.first(), named))
    })
}

/// The runtime is imported by its name in the engine; the standard library is not.
fn hides_effects(root: Option<&&str>, named: &[String]) -> bool {
    root != Some(&"tokio") || named.len() > 1
}

fn lines_before_tests(source: &str) -> usize {
    let lines: Vec<&str> = source.lines().collect();
    lines
        .windows(2)
        .position(|pair| {
            pair.first().is_some_and(|line| line.trim() == "#[cfg(test)]")
                && pair.get(1).is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
        })
        .unwrap_or(lines.len())
}

/// The Rust files below `folder`, sorted, with the module path of each.
fn sources(folder: &Path) -> BTreeMap<PathBuf, Vec<String>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(here) = open.pop() {
        for entry in fs::read_dir(&here).expect("the folder can be listed") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let module = module_of(path.strip_prefix(folder).expect("it lies below"));
                found.insert(path, module);
            }
        }
    }
    found
}

/// The module path of a file below `src/`: `forge/local/mod.rs` is `forge::local`.
fn module_of(file: &Path) -> Vec<String> {
    let mut module: Vec<String> =
        file.with_extension("").components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let last = module.last().map(String::as_str);
    if last == Some("mod") || (module.len() == 1 && matches!(last, Some("lib" | "main"))) {
        module.pop();
    }
    module
}

/// Whether a module, or one above it, is declared for tests alone.
fn is_for_tests(module: &[String], declared: &BTreeSet<Vec<String>>) -> bool {
    declared.iter().any(|parent| module.starts_with(parent))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The names of the dependencies that Rust code of `src/` can use.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section == "dependencies" || section.ends_with(".dependencies");
        } else if inside && let Some((name, _)) = line.split_once('=') {
            let name = name.trim();
            if !name.starts_with('#') && !name.contains(' ') {
                names.insert(name.replace('-', "_"));
            }
        }
    }
    names
}

#[test]
fn every_source_file_keeps_to_its_layer() {
    let files: BTreeMap<PathBuf, (Vec<String>, String)> = sources(&root().join("src"))
        .into_iter()
        .map(|(path, module)| {
            let source = fs::read_to_string(&path).expect("source is UTF-8");
            (path, (module, source))
        })
        .collect();
    let for_tests = files.values().flat_map(|(module, source)| reader::test_modules(source, module)).collect();
    let mut wrong = Vec::new();
    for (path, (module, source)) in &files {
        let sentences = if is_for_tests(module, &for_tests) {
            opening(source).into_iter().collect()
        } else {
            judge(module, source)
        };
        wrong.extend(sentences.into_iter().map(|it| format!("{}: {it}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ways to tell GitHub that something is to be merged, or that somebody approves.
const MERGES_OR_APPROVES: [&str; 9] = [
    "mergePullRequest",
    "mergeBranch",
    "enqueuePullRequest",
    "addPullRequestReview",
    "submitPullRequestReview",
    "\"APPROVE\"",
    "/merge\"",
    "/merges\"",
    "/reviews\"",
];

#[test]
fn v_90_no_call_of_the_port_or_its_adapters_can_merge_or_approve() {
    let port = fs::read_to_string(root().join("src/forge/mod.rs")).expect("the port");
    let calls: Vec<&str> = port.lines().filter_map(|line| line.trim().strip_prefix("async fn ")).collect();
    assert!(calls.len() > 30, "the port's calls are found");
    let named: Vec<&&str> = calls.iter().filter(|call| call.contains("merge") || call.contains("approv")).collect();
    // Letting the forge merge by its own rules is the one word about it.
    assert!(matches!(named.as_slice(), [one] if one.starts_with("enable_auto_merge(")), "{named:?}");
    let mut read = 0;
    for file in sources(&root().join("src/forge/github")).keys() {
        let text = fs::read_to_string(file).expect("a source file");
        read += 1;
        for word in MERGES_OR_APPROVES {
            assert!(!text.contains(word), "{} says {word}", file.display());
        }
    }
    assert!(read > 10, "the adapter's files are found");
}

#[test]
fn every_test_and_bench_file_says_what_it_is_for() {
    for folder in ["tests/it", "benches"] {
        let folder = root().join(folder);
        if !folder.is_dir() {
            continue;
        }
        for path in sources(&folder).into_keys() {
            let source = fs::read_to_string(&path).expect("source is UTF-8");
            assert!(source.starts_with("//!"), "{} does not open with `//!`", path.display());
        }
    }
}

#[test]
fn every_dependency_has_a_row_and_every_row_a_dependency() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest is there");
    let rows: BTreeSet<String> = CRATES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(dependencies(&manifest), rows);
}

#[cfg(test)]
mod rules {
    use super::reader::test_modules;
    use super::{Layer, dependencies, home_of, is_for_tests, judge, lines_before_tests, module_of};
    use rstest::rstest;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn module(path: &str) -> Vec<String> {
        path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    fn verdict(path: &str, code: &str) -> Vec<String> {
        judge(&module(path), &format!("//! A snippet.\n{code}\n"))
    }

    #[rstest]
    #[case::a_noun_names_nothing_above("model::patch", "use crate::redact::Redacted;")]
    #[case::pure_looks_only_left("intake", "use crate::fingerprint::Exact;")]
    #[case::pure_names_no_port("gate", "fn f(it: &dyn crate::forge::Forge) {}")]
    #[case::a_port_names_no_other_port("forge", "use crate::system::Clock;")]
    #[case::a_port_names_no_adapter("forge", "use self::local::Local;")]
    #[case::rules_name_no_adapter("forge::rules::refs", "use super::super::local::Local;")]
    #[case::an_adapter_names_no_pure_module("forge::local", "use crate::plan::Action;")]
    #[case::an_adapter_names_no_foreign_adapter("workspace::git", "use crate::forge::local::Local;")]
    #[case::the_engine_names_no_adapter("engine::publish", "use crate::forge::{Forge, github::Client};")]
    #[case::any_module_below_llm_is_an_adapter("engine", "use crate::llm::scripted::Script;")]
    #[case::the_engine_names_no_face("engine", "use crate::report::line;")]
    #[case::only_cli_wires_adapters("serve", "use crate::forge::local::Local;")]
    #[case::main_names_faces_alone("", "fn main() { homeostat::engine::run(); }")]
    #[case::a_path_in_a_macro_is_seen("model", "fn f() { assert!(vec![crate::cli::x()].is_empty()); }")]
    #[case::a_path_in_a_body_is_seen("model", "fn f() { crate::cli::x() }")]
    #[case::a_path_in_a_derive_is_seen("model", "#[derive(clap::Parser)] struct A;")]
    #[case::an_inline_module_resolves_super("redact", "mod a { use super::super::config::B; }")]
    #[case::a_renamed_import_is_seen("redact", "use crate::{config as c};")]
    #[case::syntax_trees_stay_in_pattern("guardrail", "use tree_sitter::Parser;")]
    #[case::the_runtime_stays_out_of_decisions("plan", "async fn f() { tokio::task::yield_now().await }")]
    #[case::arguments_are_for_faces("engine", "use clap::Parser;")]
    #[case::an_extern_crate_is_seen("plan", "extern crate tokio;")]
    #[case::no_files_in_decisions("config", "fn f() { let _ = std::fs::read(\"a\"); }")]
    #[case::no_files_by_group("config", "use std::{fmt, fs};")]
    #[case::no_files_by_glob("config", "use std::*;")]
    #[case::no_clock_in_the_engine("engine", "use std::time::{Duration, Instant};")]
    #[case::no_clock_behind_a_module("gate", "use std::time;")]
    #[case::no_clock_behind_self("gate", "use std::time::{self, Duration};")]
    #[case::no_environment_in_nouns("model", "fn f() { ::std::env::var(\"A\").ok(); }")]
    #[case::no_processes_in_the_engine("engine", "use tokio::process::Command;")]
    #[case::no_waiting_in_the_engine("engine", "fn f() { std::thread::sleep(d) }")]
    #[case::an_unknown_module_is_refused("utils", "")]
    #[case::an_import_of_an_unknown_module_is_refused("engine", "use crate::utils::x;")]
    #[case::broken_source_is_refused("model", "fn (")]
    fn a_bad_snippet_is_caught(#[case] path: &str, #[case] code: &str) {
        assert_eq!(verdict(path, code).len(), 1, "{:?}", verdict(path, code));
    }

    #[rstest]
    #[case::a_noun_names_its_neighbours("model::patch", "use crate::model::RepoPath; use super::slug;")]
    #[case::pure_looks_left("fingerprint", "use crate::intake::trace::Parsed; use crate::model::Frame;")]
    #[case::a_port_names_redacted_text("llm", "use crate::redact::Redacted;")]
    #[case::a_type_of_a_port_is_no_adapter("engine", "use crate::llm::Model;")]
    #[case::a_port_names_its_rules("forge", "use crate::forge::rules::World;")]
    #[case::an_adapter_names_its_port("forge::local::refs", "use crate::forge::{Forge, rules}; use crate::git::Git;")]
    #[case::the_engine_names_ports("engine", "use crate::{forge::Forge, plan::Action, model::Patch};")]
    #[case::cli_wires_adapters("cli::run", "use crate::forge::local::Local;")]
    #[case::main_starts_a_face("", "fn main() { homeostat::cli::main() }")]
    #[case::tests_are_free("model", "#[cfg(test)] mod tests { use crate::cli::x; fn f() { std::fs::read(\"a\"); } }")]
    #[case::test_helpers_are_free("model", "impl A { #[cfg(test)] fn f() { crate::cli::x() } }")]
    #[case::a_duration_is_no_clock("gate", "use std::time::Duration; use std::collections::BTreeMap;")]
    #[case::text_is_no_path("model", "/// See `std::fs::read`.\nconst A: &str = \"crate::cli::x\";")]
    #[case::the_engine_runs_tasks("engine", "async fn f() { tokio::task::yield_now().await }")]
    #[case::faces_read_files("actions", "fn f() { let _ = std::fs::read(\"a\"); }")]
    #[case::visibility_is_no_import("intake::trace", "pub(in crate::intake) struct A;")]
    fn a_good_snippet_passes(#[case] path: &str, #[case] code: &str) {
        assert_eq!(verdict(path, code), Vec::<String>::new());
    }

    #[rstest]
    #[case("model/patch.rs", "model::patch", Layer::Nouns)]
    #[case("forge/mod.rs", "forge", Layer::Ports)]
    #[case("forge.rs", "forge", Layer::Ports)]
    #[case("forge/rules/refs.rs", "forge::rules::refs", Layer::Ports)]
    #[case("forge/local/mod.rs", "forge::local", Layer::Adapters)]
    #[case("llm/port.rs", "llm::port", Layer::Ports)]
    #[case("llm/scripted.rs", "llm::scripted", Layer::Adapters)]
    #[case("system/os.rs", "system::os", Layer::Adapters)]
    #[case("cli/main.rs", "cli::main", Layer::Faces)]
    #[case("main.rs", "", Layer::Root)]
    fn a_file_has_one_place(#[case] file: &str, #[case] path: &str, #[case] layer: Layer) {
        let found = module_of(Path::new(file));
        assert_eq!(found, module(path));
        assert_eq!(home_of(&found).expect("it has a row").layer, layer);
    }

    #[test]
    fn a_file_without_a_purpose_is_refused() {
        assert_eq!(judge(&module("model"), "struct A;\n").len(), 1);
    }

    #[test]
    fn a_long_file_is_refused_and_its_inline_tests_do_not_count() {
        let code = "//! Long.\n".to_owned() + &"const _: u8 = 0;\n".repeat(599);
        assert_eq!(judge(&module("model"), &code), Vec::<String>::new());
        let tests = code.clone() + "#[cfg(test)]\nmod tests {\n" + &"\n".repeat(500) + "}\n";
        assert_eq!(lines_before_tests(&tests), 600);
        assert_eq!(judge(&module("model"), &(code + "const A: u8 = 0;\n")).len(), 1);
    }

    #[test]
    fn modules_for_tests_are_known_by_their_declaration() {
        let source = "#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod inline {}\nmod tests_of_names;\n";
        let declared = BTreeSet::from_iter(test_modules(source, &module("intake")));
        assert_eq!(declared, BTreeSet::from([module("intake::tests")]));
        assert!(is_for_tests(&module("intake::tests::python"), &declared));
        assert!(!is_for_tests(&module("intake::tests_of_names"), &declared));
        assert!(!is_for_tests(&module("gate::tests"), &declared));
    }

    #[test]
    fn dependencies_are_read_under_the_names_that_code_uses() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\n# why = this\nserde_yaml = { package = \"b\" }\n\
                        tree-sitter = \"1\"\n[target.'cfg(unix)'.dependencies]\nrustix = \"1\"\n[dev-dependencies]\nsyn = \"2\"\n";
        let found: Vec<String> = dependencies(manifest).into_iter().collect();
        assert_eq!(found, ["rustix", "serde_yaml", "tree_sitter"]);
    }
}
