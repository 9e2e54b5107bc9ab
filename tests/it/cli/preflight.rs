//! `preflight` and `scan` on small checkouts: every verdict, every kind of change, and nothing of the checkout touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::world::{Ended, World, ended_with_input, files};

/// A runner in plain shell: every file in `checks/` is a test that passes where it ends with 0.
const RUNNER: &str = "\
n=0; bad=0
for test in checks/*; do
  n=$((n + 1)); name=$(basename \"$test\")
  if grep -q '^# skip' \"$test\"; then echo \"ok $n - $name # SKIP asked for\"
  elif sh \"$test\"; then echo \"ok $n - $name\"
  else echo \"not ok $n - $name\"; bad=1; fi
done
echo \"1..$n\"
exit $bad
";

/// Where the checkout lies; nothing about the name is easy.
const FOLDER: &str = "a \"check\\out\": ü";

/// A checkout with one commit and its configuration.
struct Checkout {
    world: World,
}

impl Checkout {
    /// Makes one whose two tests pass, whose lint finds the word TODO, and which ignores `*.log`.
    fn new() -> Self {
        let checkout = Self::bare_of_settings();
        checkout.configure("    lint_command: \"! grep -rn TODO src\"\n");
        checkout.commit("settings");
        checkout
    }

    fn bare_of_settings() -> Self {
        let checkout = Self { world: World::empty() };
        checkout.write("run.sh", RUNNER);
        checkout.write("src/limit.txt", "10\n");
        checkout.write("src/name.txt", "shop\n");
        checkout.write("checks/limit", "test \"$(cat src/limit.txt)\" = 10\n");
        checkout.write("checks/name", "test \"$(cat src/name.txt)\" = shop\n");
        checkout.write(".gitignore", "*.log\n");
        checkout.git(&["init", "--quiet", "--initial-branch=main"]);
        checkout.commit("The program as it is");
        checkout
    }

    fn configure(&self, more: &str) {
        let text = format!("version: 1\nrepositories:\n  - slug: acme/shop\n    test_command: sh run.sh\n{more}");
        self.write(".homeostat/repos.yml", &text);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.path(FOLDER).join(name)
    }

    fn write(&self, name: &str, text: &str) {
        self.world.write(&format!("{FOLDER}/{name}"), text);
    }

    fn git(&self, args: &[&str]) -> String {
        self.world.git(&self.path(""), args)
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", &format!("--message={message}")]);
    }

    /// Runs `preflight` and requires that not a byte or a time of the checkout changed.
    fn preflight(&self, more: &[&str]) -> Ended {
        let dir = self.path("").display().to_string();
        let mut args = vec!["preflight", "--dir", &dir];
        args.extend(more);
        let before = self.snapshot();
        let ended = self.world.homeostat(&args);
        let after = self.snapshot();
        let touched: Vec<_> = before.iter().filter(|one| !after.contains(one)).map(|(path, ..)| path).collect();
        assert!(touched.is_empty() && after.len() == before.len(), "the checkout was touched: {touched:?}");
        ended
    }

    fn snapshot(&self) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
        let modified = |path: &Path| {
            let meta = fs::symlink_metadata(path).expect("the test world holds it");
            meta.modified().expect("the test world holds it")
        };
        files(&self.path("")).into_iter().map(|(path, bytes)| (path.clone(), bytes, modified(&path))).collect()
    }

    /// Runs `preflight --format json`, which must end so.
    fn json(&self, code: i32, more: &[&str]) -> Value {
        let mut args = vec!["--format", "json"];
        args.extend(more);
        let report = self.preflight(&args).ends_with(code).says(&[]).json();
        fits_the_schema(&report);
        report
    }
}

fn fits_the_schema(report: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("shared/schemas/preflight.json");
    let schema = fs::read_to_string(path).expect("the schema is published");
    let schema: Value = serde_json::from_str(&schema).expect("it is JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let problems: Vec<String> =
        validator.iter_errors(report).map(|e| format!("{e} at {}", e.instance_path())).collect();
    assert!(problems.is_empty(), "{}\n{report:#}", problems.join("\n"));
}

fn rules(report: &Value) -> Vec<&str> {
    let violations = report["guard"]["violations"].as_array().expect("a list");
    violations.iter().map(|one| one["rule"].as_str().expect("a rule")).collect()
}

/// A key that is none, in two parts so that no scanner takes this file for a leak.
fn key() -> String {
    format!("{}{}", "AKIA", "Q3EGU7XW5ZT2RB6N")
}

#[test]
fn a_tree_like_its_base_has_nothing_to_compare_and_says_so() {
    let checkout = Checkout::new();
    checkout.write("noise.log", "ignored");
    let ended = checkout.preflight(&[]).ends_with(0).says(&[]);
    assert!(ended.stdout.starts_with("Pass: there is nothing to compare"), "{}", ended.stdout);
    let report = checkout.json(0, &[]);
    assert_eq!((&report["verdict"], &report["files"]), (&"pass".into(), &json!([])));
    assert_eq!(report["base"]["name"], "main");
}

#[test]
fn a_good_change_passes_staged_or_not_tracked_or_not() {
    let checkout = Checkout::new();
    checkout.write("src/name.txt", "shop\n\n");
    checkout.write("src/staged.txt", "staged\n");
    checkout.git(&["add", "src/staged.txt"]);
    checkout.write("src/new file.txt", "untracked\n");
    checkout.write("src/noise.log", &format!("key = {}\n", key()));
    let report = checkout.json(0, &[]);
    assert_eq!(report["verdict"], "pass", "{report:#}");
    let names = ["src/name.txt", "src/new file.txt", "src/staged.txt"];
    assert_eq!(report["files"], json!(names), "ignored files are no part");
    assert_eq!((&report["tests"]["named"], &report["tests"]["after"]["run"]), (&true.into(), &2.into()));
    assert_eq!((&report["lint"]["before"], &report["lint"]["after"]), (&0.into(), &0.into()));
    assert_eq!(report["not_run"][0]["what"], "typecheck");
    let ended = checkout.preflight(&[]).ends_with(0).says(&["tests: sh run.sh"]);
    assert!(ended.stdout.starts_with("Pass: nothing speaks against the 3 changed files."), "{}", ended.stdout);
}

#[test]
fn a_test_that_newly_fails_is_named_with_the_end_of_its_output() {
    let checkout = Checkout::new();
    // Of the same size, right after the commit: only the content tells.
    checkout.write("src/limit.txt", "11\n");
    let report = checkout.json(1, &[]);
    assert_eq!((&report["verdict"], &report["tests"]["reason"]), (&"fail".into(), &"tests-broken".into()));
    assert_eq!(report["tests"]["newly_failing"], json!(["limit"]));
    let ended = checkout.preflight(&[]).ends_with(1).says(&["running what fails again"]);
    assert!(ended.stdout.starts_with("Fail: ") && ended.stdout.contains("fails now: limit"), "{}", ended.stdout);
    assert!(ended.stdout.contains("| not ok 1 - limit"), "{}", ended.stdout);
}

#[test]
fn a_new_test_that_fails_a_skipped_one_and_a_lost_one_are_told_apart() {
    let checkout = Checkout::new();
    checkout.write("checks/new", "exit 1\n");
    assert_eq!(checkout.json(1, &[])["tests"]["newly_failing"], json!(["new"]));
    checkout.write("checks/new", "exit 0\n");
    assert_eq!(checkout.json(0, &[])["tests"]["after"]["run"], 3);
    checkout.write("checks/name", "# skip\n");
    fs::remove_file(checkout.path("checks/limit")).expect("the test world holds it");
    let report = checkout.json(1, &[]);
    assert_eq!(report["tests"]["skipped"], json!(["name"]));
    assert_eq!(report["tests"]["gone"], json!(["limit"]));
    assert_eq!(report["tests"]["reason"], "tests-skipped");
}

#[test]
fn a_secret_in_an_added_line_refuses_and_is_not_repeated() {
    let checkout = Checkout::new();
    checkout.write("src/name.txt", &format!("shop\nkey = \"{}\"\n", key()));
    let ended = checkout.preflight(&["--format", "json"]).ends_with(1);
    assert!(!ended.stdout.contains(&key()) && !ended.stderr.contains(&key()));
    let report = ended.json();
    assert_eq!((&report["verdict"], &report["secrets"][0]["line"]), (&"refuse".into(), &2.into()));
    assert_eq!(report["secrets"][0]["path"], "src/name.txt");
    assert!(rules(&report).contains(&"secret"), "{report:#}");
    checkout.git(&["commit", "--quiet", "--all", "--message=It leaked"]);
    checkout.write("src/limit.txt", "10\n\n");
    assert_eq!(checkout.json(0, &["--base", "HEAD"])["secrets"], json!([]), "it is not new");
}

#[test]
fn a_protected_path_refuses_and_limits_of_our_own_fixes_do_not() {
    let checkout = Checkout::new();
    checkout.write("docs/guide.md", "Words.\n");
    let report = checkout.json(0, &[]);
    assert_eq!((&report["verdict"], &report["guard"]["verdict"]), (&"flag".into(), &"refuse".into()));
    assert_eq!(report["limits_of_fixes"], json!(["path-filter"]));
    checkout.json(1, &["--strict"]);
    checkout.write(".github/workflows/ci.yml", "on: push\n");
    let report = checkout.json(1, &[]);
    assert_eq!(report["verdict"], "refuse");
    assert!(rules(&report).contains(&"protected-path"), "{report:#}");
}

#[test]
fn a_check_that_is_worse_fails_and_one_that_was_bad_before_does_not() {
    let checkout = Checkout::new();
    checkout.write("src/name.txt", "shop\n# TODO\n");
    fs::write(checkout.path("checks/name"), "test \"$(head -n 1 src/name.txt)\" = shop\n").expect("it is written");
    let report = checkout.json(1, &[]);
    assert_eq!((&report["verdict"], &report["lint"]["worse"]), (&"fail".into(), &true.into()));
    assert!(report["lint"]["output"].as_str().is_some_and(|output| output.contains("TODO")), "{report:#}");
    checkout.commit("Worse is the base now");
    checkout.write("src/limit.txt", "10\n\n");
    let report = checkout.json(0, &["--base", "HEAD"]);
    assert_eq!((&report["lint"]["before"], &report["lint"]["worse"]), (&1.into(), &false.into()));
}

#[test]
fn the_base_is_the_commit_in_common_with_the_branch_that_is_named_or_found() {
    let checkout = Checkout::new();
    let fork = checkout.git(&["rev-parse", "HEAD"]);
    checkout.git(&["switch", "--quiet", "--create", "work"]);
    checkout.write("src/a.txt", "committed\n");
    checkout.commit("On the branch");
    checkout.git(&["switch", "--quiet", "main"]);
    checkout.write("src/b.txt", "elsewhere\n");
    checkout.commit("On main meanwhile");
    checkout.git(&["switch", "--quiet", "work"]);
    checkout.write("src/c.txt", "not committed\n");
    let report = checkout.json(0, &[]);
    assert_eq!(report["files"], json!(["src/a.txt", "src/c.txt"]));
    assert_eq!(report["base"]["commit"], fork.trim());
    assert_eq!(checkout.json(0, &["--base", "HEAD"])["files"], json!(["src/c.txt"]));
    checkout.git(&["update-ref", "refs/remotes/origin/next", "HEAD"]);
    checkout.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/next"]);
    let report = checkout.json(0, &[]);
    assert_eq!((&report["base"]["name"], &report["files"][0]), (&"origin/next".into(), &"src/c.txt".into()));
    checkout.configure("    branch: main\n");
    assert_eq!(checkout.json(1, &[])["base"]["why"], "the configuration names it");
    checkout.preflight(&["--base", "nowhere"]).ends_with(2).says(&["--base nowhere names no commit"]);
    checkout.preflight(&["--base", "--output=x"]).ends_with(2);
    checkout.git(&["restore", "."]);
    checkout.git(&["switch", "--quiet", "--orphan", "alone"]);
    checkout.write("src/limit.txt", "10\n");
    checkout.commit("No common past");
    checkout.preflight(&["--base", "main"]).ends_with(2).says(&["no commit in common", "--base"]);
}

#[test]
fn deletions_modes_links_and_files_in_place_of_folders_are_seen() {
    let checkout = Checkout::new();
    checkout.write("src/sub/deep.txt", "deep\n");
    checkout.write("src/tool", "#!/bin/sh\n");
    checkout.commit("More files");
    fs::remove_dir_all(checkout.path("src/sub")).expect("the test world holds it");
    checkout.write("src/sub", "a file now\n");
    fs::set_permissions(checkout.path("src/tool"), fs::Permissions::from_mode(0o755)).expect("it can be set");
    symlink("name.txt", checkout.path("src/link")).expect("it can be made");
    checkout.git(&["init", "--quiet", "src/nested"]);
    let report = checkout.json(1, &["--base", "HEAD"]);
    assert_eq!(report["files"], json!(["src/link", "src/sub", "src/sub/deep.txt", "src/tool"]));
    assert!(rules(&report).contains(&"file-mode"), "{report:#}");
    assert_eq!(report["not_run"][0]["what"], "src/nested/");
    assert_eq!(report["tests"]["after"]["run"], 2);
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_not_deleted() {
    let checkout = Checkout::new();
    checkout.write("elsewhere/deep/a.txt", "a\n");
    checkout.write("elsewhere/b.txt", "b\n");
    checkout.commit("A part that is not needed");
    checkout.git(&["sparse-checkout", "set", "--cone", "--no-sparse-index", "src", "checks"]);
    assert!(!checkout.path("elsewhere").exists());
    checkout.write("src/name.txt", "shop\n\n");
    assert_eq!(checkout.json(0, &["--base", "HEAD"])["files"], json!(["src/name.txt"]));
    checkout.git(&["sparse-checkout", "reapply", "--sparse-index"]);
    checkout.preflight(&["--base", "HEAD"]).ends_with(2).says(&["sparse index", "--no-sparse-index"]);
}

#[test]
fn a_folder_inside_a_linked_worktree_is_as_good_as_the_top() {
    let checkout = Checkout::new();
    let linked = checkout.world.text("linked");
    checkout.git(&["worktree", "add", "--quiet", "--detach", &linked]);
    fs::write(checkout.world.path("linked/src/limit.txt"), "11\n").expect("it is written");
    let inside = checkout.world.text("linked/src");
    let before = files(&checkout.path(""));
    let args = ["preflight", "--dir", &inside, "--base", "HEAD", "--format", "json"];
    let report = checkout.world.homeostat(&args).ends_with(1).json();
    assert_eq!(report["files"], json!(["src/limit.txt"]));
    assert_eq!(files(&checkout.path("")), before);
}

#[test]
fn v_66_v_67_v_69_nothing_that_the_checkouts_own_configuration_names_is_run() {
    let checkout = Checkout::new();
    let canary = checkout.world.path("canary");
    let script = checkout.world.write("evil.sh", format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\ncat\n", canary.display()));
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it can be set");
    let evil = script.display();
    for hook in ["post-index-change", "pre-commit", "reference-transaction"] {
        let path = checkout.path(".git/hooks").join(hook);
        fs::create_dir_all(checkout.path(".git/hooks")).expect("the test world holds it");
        fs::copy(&script, path).expect("the test world holds it");
    }
    let config = checkout.path(".git/config");
    let text = fs::read_to_string(&config).expect("the test world holds it");
    let more = format!(
        "[core]\n\tfsmonitor = {evil}\n\tpager = {evil}\n\tsshCommand = {evil}\n\
         [filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired = true\n\
         [diff]\n\texternal = {evil}\n[diff \"evil\"]\n\ttextconv = {evil}\n\tcommand = {evil}\n\
         [alias]\n\tls-files = !{evil}\n\trev-parse = !{evil}\n\
         [remote \"origin\"]\n\turl = ext::{evil}\n\tpromisor = true\n"
    );
    fs::write(&config, format!("{text}{more}")).expect("the test world holds it");
    checkout.write(".gitattributes", "* filter=evil diff=evil\n");
    checkout.write("src/name.txt", "shop\n\n");
    checkout.write("src/more.txt", "more\n");
    let report = checkout.json(1, &["--base", "HEAD"]);
    assert_eq!(report["tests"]["after"]["run"], 2, "{report:#}");
    assert_eq!(report["files"], json!([".gitattributes", "src/more.txt", "src/name.txt"]), "{report:#}");
    assert!(!canary.exists(), "{}", fs::read_to_string(&canary).unwrap_or_default());
}

#[test]
fn line_ends_that_attributes_ask_for_are_no_change() {
    let checkout = Checkout::new();
    checkout.write(".gitattributes", "*.bat text eol=crlf\n");
    checkout.write("src/run.bat", "echo\r\n");
    checkout.commit("Windows too");
    checkout.write("src/run.bat", "echo\r\n");
    assert_eq!(checkout.json(0, &["--base", "HEAD"])["files"], json!([]));
}

#[test]
fn without_a_test_command_the_rest_is_done_and_the_tests_are_said_not_to_be() {
    let checkout = Checkout::bare_of_settings();
    checkout.write("Makefile", "lint:\n\ttrue\n");
    checkout.commit("Only lint");
    checkout.write("src/name.txt", "other\n");
    let report = checkout.json(0, &["--base", "HEAD"]);
    assert_eq!((&report["verdict"], &report["tests"]), (&"flag".into(), &Value::Null));
    assert_eq!(report["settings"]["from"], "built-in");
    assert_eq!(report["lint"]["command"], "make lint");
    let why = report["not_run"][0]["why"].as_str().unwrap_or_default();
    assert!(why.contains("set test_command"), "{report:#}");
    checkout.json(1, &["--base", "HEAD", "--strict"]);
}

#[test]
fn a_setup_that_fails_on_the_base_is_said_and_proves_nothing() {
    let checkout = Checkout::new();
    checkout.configure("    setup_command: \"exit 3\"\n");
    checkout.commit("Broken setup");
    checkout.write("src/name.txt", "shop\n\n");
    let report = checkout.json(0, &["--base", "HEAD"]);
    assert_eq!((&report["verdict"], &report["tests"]), (&"flag".into(), &Value::Null));
    assert!(report["not_run"].to_string().contains("setup"), "{report:#}");
}

#[test]
fn each_project_that_the_change_touches_is_proved_by_its_own_commands() {
    let checkout = Checkout::new();
    checkout.configure(
        "    projects:\n      - { path: api, test_command: sh ../run.sh }\n      - { path: web, test_command: sh ../run.sh }\n",
    );
    for project in ["api", "web"] {
        checkout.write(&format!("{project}/value"), "1\n");
        checkout.write(&format!("{project}/checks/one"), "test \"$(cat value)\" = 1\n");
    }
    checkout.commit("Two projects");
    checkout.write("web/value", "2\n");
    let report = checkout.json(1, &["--base", "HEAD"]);
    assert_eq!(report["tests"], Value::Null);
    assert_eq!(report["projects"].as_array().map(Vec::len), Some(1), "{report:#}");
    assert_eq!(report["projects"][0]["path"], "web");
    assert_eq!(report["projects"][0]["tests"]["newly_failing"], json!(["one"]));
}

#[test]
fn what_is_no_checkout_or_has_no_commit_or_no_known_repository_is_said() {
    let world = World::empty();
    world.write("plain/a.txt", "a");
    let plain = world.text("plain");
    world.homeostat(&["preflight", "--dir", &plain]).ends_with(2).says(&["is in no git checkout", "--dir"]);
    world.homeostat(&["preflight", "--dir", "nowhere"]).ends_with(2).says(&["nowhere is not there"]);
    world.git(&world.path("plain"), &["init", "--quiet", "--initial-branch=main"]);
    world.homeostat(&["preflight", "--dir", &plain]).ends_with(2).says(&["has no commit yet"]);
    world.write("plain/.git/HEAD", "nonsense");
    world.homeostat(&["preflight", "--dir", &plain]).ends_with(2).says(&["git cannot read"]);
    let checkout = Checkout::new();
    checkout.write(".homeostat/repos.yml", "version: 1\nrepositories:\n  - slug: a/b\n  - slug: c/d\n");
    checkout.preflight(&[]).ends_with(2).says(&["--repo", "a/b, c/d"]);
    assert_eq!(checkout.json(1, &["--repo", "c/d"])["settings"]["repository"], "c/d");
    checkout.preflight(&["--repo", "e/f"]).ends_with(2).says(&["--repo"]);
}

#[test]
fn a_broken_index_and_a_file_too_large_end_in_words() {
    let checkout = Checkout::new();
    let large = fs::File::create(checkout.path("large.bin")).expect("the test world holds it");
    large.set_len(65 << 20).expect("the test world holds it");
    let dir = checkout.path("").display().to_string();
    checkout.world.homeostat(&["preflight", "--dir", &dir]).ends_with(2).says(&["large.bin is larger than 64 MiB"]);
    fs::remove_file(checkout.path("large.bin")).expect("the test world holds it");
    fs::write(checkout.path(".git/index"), "garbage").expect("the test world holds it");
    checkout.preflight(&[]).ends_with(2).says(&["The working tree cannot be read"]);
}

#[test]
fn scan_finds_secrets_in_files_folders_and_standard_input_and_shows_none() {
    let world = World::empty();
    let line = format!("token = \"{}\"\n", key());
    world.write("tree/src/a.py", format!("first\n{line}"));
    world.write("tree/.hidden/b.txt", &line);
    world.write("tree/noise.log", &line);
    world.write("tree/.gitignore", "*.log\n");
    world.write("tree/.git/config", &line);
    world.write("tree/image.bin", [b"\0\x01".as_slice(), line.as_bytes()].concat());
    let tree = world.text("tree");
    let ended = world.homeostat(&["scan", &tree, "--format", "json"]).ends_with(1).says(&["1 binary file(s) not"]);
    assert!(!ended.stdout.contains(&key()));
    let found = ended.json();
    let places: Vec<(&str, u64)> = found
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["path"].as_str().expect("a path"), one["line"].as_u64().expect("a line")))
        .collect();
    let (hidden, source) = (format!("{tree}/.hidden/b.txt"), format!("{tree}/src/a.py"));
    assert_eq!(places, [(hidden.as_str(), 1), (source.as_str(), 2)]);
    for name in ["rule", "end_line", "column", "end_column", "redacted"] {
        assert!(!found[0][name].is_null(), "{name}: {found}");
    }
    let named = world.homeostat(&["scan", &world.text("tree/noise.log")]).ends_with(1);
    assert!(named.stdout.contains("noise.log:1:"), "a file that is named is scanned: {}", named.stdout);
    let piped =
        ended_with_input(world.program(&["scan", "-", "--format", "json"]), line.as_bytes()).ends_with(1).json();
    assert_eq!((&piped[0]["path"], &piped[0]["line"]), (&"-".into(), &1.into()));
    let clean = ended_with_input(world.program(&["scan", "-"]), b"nothing\xff here\n").ends_with(0);
    assert_eq!(clean.stdout, "No secret was found.\n");
    world.homeostat(&["scan", "nowhere"]).ends_with(2).says(&["nowhere cannot be read"]);
}
