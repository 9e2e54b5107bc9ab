//! Laws of changes and verdicts; single rules have their fixtures in `tests/data/guardrail/`.

mod attacks;
mod manifests;
mod weakening;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::{FileMode, FileState, Patch, RepoPath, RepoSlug};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn policy() -> Policy {
    Policy::built_in("owner/app".parse::<RepoSlug>().expect("a legal slug"))
}

struct Tree(BTreeMap<RepoPath, FileState>);

impl TreeView for Tree {
    fn read(&self, path: &RepoPath) -> Option<FileState> {
        self.0.get(path).cloned()
    }

    fn paths(&self) -> Vec<RepoPath> {
        self.0.keys().cloned().collect()
    }
}

fn tree(files: &[(&str, &str)]) -> Tree {
    Tree(files.iter().map(|(path, text)| (path.parse().expect("a legal path"), FileState::plain(*text))).collect())
}

fn rules_of(verdict: &Verdict) -> Vec<&'static str> {
    let mut rules: Vec<&str> = verdict.violations.iter().map(|violation| violation.rule.as_str()).collect();
    rules.dedup();
    rules
}

#[track_caller]
fn refused(diff: &str, why: &str) {
    match Change::parse(diff.as_bytes()) {
        Err(error) => assert!(error.why.contains(why), "{error}"),
        Ok(change) => panic!("{change:?}"),
    }
}

#[test]
fn every_rule_stands_once_in_the_registry() {
    let mut ids: Vec<Reason> = RULES.iter().map(|rule| rule.id()).collect();
    ids.sort();
    let before = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), before);
    let wanted = Reason::ALL
        .iter()
        .filter(|reason| reason.class() == crate::model::ReasonClass::Rule && **reason != Reason::MalformedDiff);
    assert_eq!(ids, wanted.copied().collect::<Vec<_>>());
}

#[test]
fn a_small_fix_passes_every_rule() -> Outcome {
    let mut patch = Patch::new();
    let text = (0..40).fold(String::new(), |text, n| text + &format!("line {n}\n"));
    patch.set(
        "src/a.txt".parse()?,
        Some(FileState::plain(&*text)),
        Some(FileState::plain(text.replace("line 7\n", "line seven\n"))),
    );
    let verdict = evaluate(&Change::from_patch(&patch), &policy());
    assert_eq!(verdict.verdict, Ruling::Pass, "{verdict:?}");
    assert_eq!(verdict.not_checked, []);
    assert_eq!(verdict.measured.first(), Some(&(Reason::DiffLines, 2, 500)));
    Ok(())
}

#[test]
fn all_refusals_are_reported_at_once() {
    let diff = "diff --git a/.github/x.yml b/.github/x.yml\nnew file mode 120000\n--- /dev/null\n+++ b/.github/x.yml\n@@ -0,0 +1 @@\n+${{ secrets.X }}\n";
    let verdict = judge_diff(diff.as_bytes(), &policy(), Means::default());
    assert_eq!(rules_of(&verdict), ["protected-path", "file-mode", "expression-injection"]);
}

#[test]
fn a_configured_rule_flags_or_keeps_silent() -> Outcome {
    let mut patch = Patch::new();
    patch.set("tests/a.py".parse()?, Some(FileState::plain("def test_a():\n    assert f() == 1\n")), None);
    let change = Change::from_patch(&patch);
    let mut policy = policy();
    policy.path_filters.exclude.clear();
    assert_eq!(evaluate(&change, &policy).verdict, Ruling::Refuse);
    policy.rules.insert(Reason::TestWeakened, RuleSetting::Flag);
    assert_eq!(evaluate(&change, &policy).verdict, Ruling::Flag);
    policy.rules.insert(Reason::TestWeakened, RuleSetting::Allow);
    assert_eq!(evaluate(&change, &policy).verdict, Ruling::Pass);
    Ok(())
}

#[test]
fn v_51_v_56_v_57_links_submodules_and_executable_bits_are_refused() {
    for mode in ["120000", "160000", "100755", "100777", "040000"] {
        let diff = format!(
            "diff --git a/src/x b/src/x\nnew file mode {mode}\n--- /dev/null\n+++ b/src/x\n@@ -0,0 +1 @@\n+y\n"
        );
        assert_eq!(rules_of(&judge_diff(diff.as_bytes(), &policy(), Means::default())), ["file-mode"], "{mode}");
    }
    let chmod = "diff --git a/src/x b/src/x\nold mode 100644\nnew mode 100755\n";
    assert_eq!(rules_of(&judge_diff(chmod.as_bytes(), &policy(), Means::default())), ["file-mode"]);
}

#[test]
fn v_53_a_path_through_a_link_of_the_base_is_refused() -> Outcome {
    let mut base = tree(&[]);
    base.0.insert("src/out".parse()?, FileState { mode: FileMode::Symlink, content: b"/outside".to_vec() });
    let diff = "--- /dev/null\n+++ b/src/out/x.txt\n@@ -0,0 +1 @@\n+y\n";
    let means = Means { tree: Some(&base), ..Means::default() };
    assert_eq!(rules_of(&judge_diff(diff.as_bytes(), &policy(), means)), ["unsafe-path"]);
    Ok(())
}

#[test]
fn v_54_v_60_a_path_that_escapes_is_refused_whatever_it_is_called() {
    for path in ["../x", "a/../../b", ".git/hooks/x", "C:\\x", "x\\ty", "con.txt", "-x/y", "a:b", "x /y", "\\347x"] {
        let diff = format!(
            "diff --git \"a/{path}\" \"b/{path}\"\nnew file mode 100644\n--- /dev/null\n+++ \"b/{path}\"\n@@ -0,0 +1 @@\n+y\n"
        );
        match Change::parse(diff.as_bytes()) {
            Ok(change) => {
                let verdict = evaluate(&change, &policy());
                assert!(rules_of(&verdict).contains(&"unsafe-path"), "{path}: {verdict:?}");
            }
            // An escape that git does not have.
            Err(error) => assert!(error.why.contains("quoted") || error.why.contains("name"), "{error}"),
        }
    }
}

#[test]
fn v_59_a_rename_is_a_deletion_and_a_creation() -> Outcome {
    let diff =
        "diff --git a/tests/t.py b/src/t.txt\nsimilarity index 100%\nrename from tests/t.py\nrename to src/t.txt\n";
    let change = Change::parse(diff.as_bytes())?;
    assert_eq!(
        change.files.iter().map(|f| (f.path.as_str(), f.is_created(), f.is_deleted())).collect::<Vec<_>>(),
        [("tests/t.py", false, true), ("src/t.txt", true, false)]
    );
    let blind = evaluate(&change, &policy());
    assert!(rules_of(&blind).contains(&"test-weakened"), "{blind:?}");
    assert!(blind.not_checked.contains(&Reason::DiffLines));
    let base = tree(&[("tests/t.py", "a\nb\nc\n")]);
    let seeing = judge_diff(diff.as_bytes(), &policy(), Means { tree: Some(&base), ..Means::default() });
    assert_eq!(seeing.measured.first(), Some(&(Reason::DiffLines, 6, 500)));
    assert!(rules_of(&seeing).contains(&"test-weakened"));
    Ok(())
}

#[test]
fn v_64_numbers_in_headers_are_not_believed() {
    let file = "--- a/x\n+++ b/x\n";
    for header in [
        "@@ -99999999999999999999999,1 +1,1 @@",
        "@@ --1,1 +1,1 @@",
        "@@ -1,1 +1 @@x",
        "@@ -1,-1 +1,1 @@",
        "@@ -0,1 +1,1 @@",
        "@@ -1,4000000000 +1,4000000000 @@",
        "@@ 1,1 +1,1 @@",
        "@@ -1,1 +1,1",
        "@@ -1,1 +9,1 @@",
    ] {
        assert!(Change::parse(format!("{file}{header}\n a\n").as_bytes()).is_err(), "{header}");
    }
    refused(&format!("{file}@@ -1,999999999 +1,999999999 @@\n a\n"), "ends inside a hunk");
    refused(&format!("{file}@@ -1 +1,2 @@\n-a\n-b\n+c\n"), "more lines");
    refused(&format!("{file}@@ -5 +5 @@\n-a\n+b\n@@ -1 +1 @@\n-a\n+b\n"), "overlaps");
}

#[test]
fn v_65_a_hunk_fits_exactly_or_not_at_all() {
    let diff = b"--- a/src/x\n+++ b/src/x\n@@ -2,2 +2,2 @@\n b\n-c\n+C\n";
    let change = Change::parse(diff).expect("a legal diff");
    let after = change.clone().complete(&tree(&[("src/x", "a\nb\nc\nd\n")])).expect("it fits");
    assert_eq!(after.files[0].whole.as_ref().and_then(|w| w.after.as_deref()), Some(&b"a\nb\nC\nd\n"[..]));
    for base in ["b\nc\nd\n", "a\na\nb\nc\n", "a\nb\nX\nd\n", "a\nb\nc", ""] {
        assert!(change.clone().complete(&tree(&[("src/x", base)])).is_err(), "{base:?}");
    }
    assert!(change.clone().complete(&tree(&[])).is_err());
    let creates = Change::parse(b"--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n").expect("a legal diff");
    assert!(creates.complete(&tree(&[("x", "old\n")])).is_err());
}

#[test]
fn two_readings_of_one_diff_are_refused() {
    refused("diff --git a/x b/x\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n", "different files");
    refused("diff --git a/x b/x\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n", "`diff --git`");
    refused("--- src/.github/x\n+++ src/.github/x\n@@ -1 +1 @@\n-a\n+b\n", "prefixes");
    refused("diff --git a/x b/x\nrename from x\nrename to y\n--- a/x\n+++ b/z\n@@ -1 +1 @@\n-a\n+b\n", "rename");
    refused("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "twice");
    refused("diff --git a/x b/x\r\n--- a/x\r\n+++ b/x\r\n", "CRLF");
    refused("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\nand some words\n", "no file");
    refused("@@ -1 +1 @@\n-a\n+b\n", "outside any file");
    refused("diff --cc x\n", "merge");
    refused("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n@@ -2 +2 @@\n-a\n+b\n", "follows");
}

#[test]
fn mails_and_quoted_names_are_read() -> Outcome {
    let diff = "From 1 Mon Sep 17\nSubject: x\n---\n a | 2 +-\n\ndiff --git \"a/\\303\\274 \\\"q\\\".txt\" \"b/\\303\\274 \\\"q\\\".txt\"\nindex 1..2 100644\n--- \"a/\\303\\274 \\\"q\\\".txt\"\n+++ \"b/\\303\\274 \\\"q\\\".txt\"\n@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n-- \n2.44.0\n\n";
    let change = Change::parse(diff.as_bytes())?;
    assert_eq!(change.files[0].path, "\u{fc} \"q\".txt");
    assert_eq!(change.files[0].added().collect::<Vec<_>>(), [(1, &b"b"[..])]);
    assert!(!change.files[0].hunks[0].lines[1].ended);
    let spaced = Change::parse(b"diff --git a/a b.txt b/a b.txt\nnew file mode 100644\nindex 0..1\ndiff --git a/c b/c\nindex 1..2 100644\nBinary files a/c and b/c differ\n")?;
    assert_eq!(
        spaced.files.iter().map(|f| (f.path.as_str(), f.binary)).collect::<Vec<_>>(),
        [("a b.txt", false), ("c", true)]
    );
    Ok(())
}

#[test]
fn v_62_a_path_that_only_case_tells_apart_is_refused() {
    let base = tree(&[("src/README", "x\n"), ("src/caf\u{e9}.txt", "x\n")]);
    let means = Means { tree: Some(&base), ..Means::default() };
    for path in ["src/readme", "SRC/other", "src/cafe\u{301}.txt"] {
        let diff = format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+y\n");
        let mut policy = policy();
        policy.path_filters.exclude.clear();
        assert_eq!(rules_of(&judge_diff(diff.as_bytes(), &policy, means)), ["case-collision"], "{path}");
    }
}

#[test]
fn a_diff_of_great_size_is_judged_in_linear_time() {
    for unit in
        ["+x\n", "+${{\n", "+\u{202e}\n", "+password=\"hunter2hunter2\"\n", "+catch {}\n", "+ a@\n", "+assert!(x);\n"]
    {
        let count = 200_000 / unit.len();
        let diff = format!("--- /dev/null\n+++ b/src/x.rs\n@@ -0,0 +1,{count} @@\n{}", unit.repeat(count));
        let verdict = judge_diff(diff.as_bytes(), &policy(), Means::default());
        assert!(rules_of(&verdict).contains(&"diff-lines"), "{unit:?}");
        assert!(verdict.violations.len() < 400);
    }
    let long = format!("--- /dev/null\n+++ b/src/x.py\n@@ -0,0 +1 @@\n+{}\n", "except: catch ( ${{ ".repeat(20_000));
    assert_eq!(judge_diff(long.as_bytes(), &policy(), Means::default()).verdict, Ruling::Refuse);
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        "src/[a-c]{1,2}\\.(py|rs|js|txt)",
        "tests/[ab]\\.py",
        Just("package.json".to_owned()),
        Just(".ci/x".to_owned()),
        Just("src/sp ace \"q\".txt".to_owned())
    ]
}

fn content() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "[ab]{0,2}",
        Just("assert x == 1".to_owned()),
        Just("def test_a():".to_owned()),
        Just("${{ x }}".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("a\r".to_owned()),
        Just("--- a/x".to_owned()),
        Just("@@ -1 +1 @@".to_owned()),
        Just("\"left-pad\": \"1.0\"".to_owned()),
        Just("\\ No newline".to_owned()),
        "\\PC{0,4}",
    ];
    (proptest::collection::vec(line, 0..12), any::<bool>())
        .prop_map(|(lines, ended)| lines.join("\n") + if ended { "\n" } else { "" })
}

fn file() -> impl Strategy<Value = Option<FileState>> {
    let mode = prop_oneof![8 => Just(FileMode::Plain), 1 => Just(FileMode::Executable), 1 => Just(FileMode::Symlink)];
    proptest::option::of((mode, content()).prop_map(|(mode, text)| FileState { mode, content: text.into_bytes() }))
}

fn patch() -> impl Strategy<Value = Patch> {
    proptest::collection::btree_map(path(), (file(), file()), 1..5).prop_map(|files| {
        let mut patch = Patch::new();
        for (path, (before, after)) in files {
            if let Ok(path) = path.parse() {
                patch.set(path, before, after);
            }
        }
        patch
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_change_survives_the_way_through_a_diff(patch in patch()) {
        let change = Change::from_patch(&patch);
        let diff = change.to_diff();
        let base = Tree(patch.changes().filter_map(|(path, c)| Some((path.clone(), c.before.clone()?))).collect());
        let back = Change::parse(diff.as_bytes()).and_then(|change| change.complete(&base));
        let back = match back { Ok(back) => back, Err(error) => return Err(TestCaseError::fail(format!("{error}\n{diff}"))) };
        prop_assert_eq!(back.to_diff(), diff);
        for (file, again) in change.files.iter().zip(&back.files) {
            prop_assert_eq!(&file.whole, &again.whole);
            prop_assert_eq!((&file.old_mode, &file.new_mode), (&again.old_mode, &again.new_mode));
        }
        prop_assert_eq!(evaluate(&change, &policy()), evaluate(&back, &policy()));
    }

    #[test]
    fn another_file_never_turns_a_refusal_into_a_pass(patch in patch(), more in patch()) {
        let mut both = patch.clone();
        for (path, change) in more.changes() {
            if patch.get(path).is_none() {
                both.set(path.clone(), change.before.clone(), change.after.clone());
            }
        }
        let refusals = |patch: &Patch| -> Vec<(Reason, Option<String>)> {
            let verdict = evaluate(&Change::from_patch(patch), &policy());
            let refusals = verdict.violations.into_iter().filter(|v| v.ruling == Ruling::Refuse && v.rule != Reason::Empty);
            refusals.map(|v| (v.rule, v.path)).collect()
        };
        let after = refusals(&both);
        for refusal in refusals(&patch) {
            prop_assert!(after.contains(&refusal), "{refusal:?} is gone");
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), patch in patch(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        drop(judge_diff(&bytes, &policy(), Means::default()));
        let mut diff = Change::from_patch(&patch).to_diff().into_bytes();
        if !diff.is_empty() {
            let at = cut.index(diff.len());
            diff[at] = byte;
            let base = tree(&[("src/a.py", "a\nb\n")]);
            drop(judge_diff(&diff, &policy(), Means { tree: Some(&base), ..Means::default() }));
            diff.truncate(at);
            drop(judge_diff(&diff, &policy(), Means::default()));
        }
    }
}
