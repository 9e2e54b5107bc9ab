//! Which paths a fix may touch: the operator's filters, and what is protected for everyone. Layer 1.
//!
//! Refuses to be lenient where it cannot read: a broken glob that allows allows nothing, one that forbids forbids all.

use std::sync::LazyLock;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use unicode_normalization::UnicodeNormalization as _;

use crate::model::{Policy, RepoPath};
use crate::redact::invisible;

/// The built-in list, embedded; users read the same file.
const PROTECTED: &str = include_str!("../../shared/protected-paths.txt");

static BUILT_IN: LazyLock<Globs> = LazyLock::new(|| Globs::new(PROTECTED.lines(), true));

/// Globs in gitignore's syntax.
#[derive(Debug)]
struct Globs {
    matcher: Gitignore,
    broken: bool,
}

impl Globs {
    fn new<'a>(globs: impl IntoIterator<Item = &'a str>, fold: bool) -> Self {
        let mut builder = GitignoreBuilder::new("");
        let mut broken = builder.case_insensitive(fold).is_err();
        for glob in globs {
            broken |= builder.add_line(None, glob).is_err();
        }
        match builder.build() {
            Ok(matcher) => Self { matcher, broken },
            Err(_) => Self { matcher: Gitignore::empty(), broken: true },
        }
    }

    fn of(globs: &[String], fold: bool) -> Self {
        Self::new(globs.iter().map(String::as_str), fold)
    }

    fn matches(&self, path: &str) -> bool {
        self.matcher.matched_path_or_any_parents(path, false).is_ignore()
    }
}

/// A policy's globs, made ready.
#[derive(Debug)]
pub(crate) struct Filters {
    include: Globs,
    exclude: Globs,
    add: Globs,
    lift: Globs,
}

impl Filters {
    pub(crate) fn of(policy: &Policy) -> Self {
        Self {
            include: Globs::of(&policy.path_filters.include, false),
            exclude: Globs::of(&policy.path_filters.exclude, false),
            add: Globs::of(&policy.protected_add, true),
            lift: Globs::of(&policy.protected_lift, false),
        }
    }

    /// Returns whether the operator's filters let a fix touch the path; exclusion wins.
    pub(crate) fn allow(&self, path: &RepoPath) -> bool {
        let path = path.as_str();
        self.include.matches(path) && !self.exclude.broken && !self.exclude.matches(path)
    }

    /// Returns whether the path is protected and not lifted.
    pub(crate) fn protect(&self, path: &RepoPath) -> bool {
        let folded = fold(path.as_str());
        let protected = self.add.broken || BUILT_IN.matches(&folded) || self.add.matches(&folded);
        // A lift is taken literally: what merely looks like the lifted path stays protected.
        protected && !self.lift.matches(path.as_str())
    }
}

/// Returns a path as a lenient file system could read it: one case, no compatibility forms, nothing invisible.
pub(crate) fn fold(path: &str) -> String {
    let mut hidden = invisible(path).map(|(at, _)| at).peekable();
    let mut seen = String::with_capacity(path.len());
    for (at, c) in path.char_indices() {
        if hidden.next_if_eq(&at).is_none() {
            seen.push(c);
        }
    }
    seen.nfkc().flat_map(char::to_lowercase).nfc().collect()
}

/// Says why a legal path is not safe on every system, if it is not (V-55, V-60).
pub(crate) fn unsafe_because(path: &str) -> Option<&'static str> {
    if path.contains('\u{fffd}') {
        return Some("it is not UTF-8");
    }
    if invisible(path).next().is_some() {
        return Some("it has an invisible character");
    }
    for component in path.split('/') {
        if component.starts_with('-') {
            return Some("a component begins with a dash, which programs read as an option");
        }
        let folded = fold(component);
        let folded = folded.trim_end_matches(['.', ' ']);
        if folded == ".git" || folded.strip_prefix("git~").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())) {
            return Some("a component is git's own folder on some systems");
        }
        if folded.contains(['/', '\\', ':']) {
            return Some("a component has a character that some systems read as a separator");
        }
        if component.starts_with(' ') || component.len() > 255 {
            return Some("a component begins with a space or is longer than 255 bytes");
        }
    }
    None
}

/// Returns whether a fix may touch the path at all: it is safe, the filters allow it, and it is not protected.
pub fn may_touch(policy: &Policy, path: &RepoPath) -> bool {
    let filters = Filters::of(policy);
    unsafe_because(path.as_str()).is_none() && filters.allow(path) && !filters.protect(path)
}

/// Returns whether a path is a test's, by the habits of the common runners.
pub(crate) fn is_test(path: &str) -> bool {
    let lower = path.to_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let folder = |f: &str| {
        matches!(
            f,
            "test"
                | "tests"
                | "__tests__"
                | "spec"
                | "specs"
                | "__snapshots__"
                | "testing"
                | "androidtest"
                | "integration-tests"
                | "e2e"
                | "snapshots"
        )
    };
    if folders.split('/').any(folder) {
        return true;
    }
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let original = path.rsplit('/').next().unwrap_or(path);
    let original = original.rsplit_once('.').map_or(original, |(stem, _)| stem);
    match extension {
        "snap" => true,
        "py" | "rb" | "go" | "rs" | "exs" | "dart" | "lua" => {
            stem.starts_with("test_")
                || stem.ends_with("_test")
                || stem.ends_with("_tests")
                || stem.ends_with("_spec")
                || stem == "conftest"
                || stem == "tests"
                || stem == "test"
        }
        "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" | "vue" | "svelte" => {
            [".test", ".spec", ".tests", ".e2e", ".cy", "-test", "_test"].iter().any(|end| stem.ends_with(end))
                || stem == "test"
                || stem == "tests"
        }
        "java" | "kt" | "kts" | "cs" | "php" | "swift" | "scala" | "groovy" => {
            ["Test", "Tests", "TestCase", "IT", "Spec"].iter().any(|end| original.ends_with(end))
                || original.starts_with("Test")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RepoSlug;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn policy() -> Policy {
        Policy::built_in("owner/app".parse::<RepoSlug>().expect("a legal slug"))
    }

    #[test]
    fn every_built_in_glob_is_read() {
        assert!(!BUILT_IN.broken);
    }

    #[test]
    fn p_10_p_11_protected_paths_are_found_at_any_depth_and_in_any_case() -> Outcome {
        let filters = Filters::of(&policy());
        for path in [
            ".github/workflows/ci.yml",
            ".newtool/config",
            ".GitHub/x",
            "a/b/package.json",
            "a/Package.JSON",
            "CODEOWNERS",
            "docs/CODEOWNERS",
            "SECURITY.md",
            "x/LICENSE-MIT",
            "NOTICE",
            "sub/AGENTS.md",
            "Dockerfile",
            "docker/Dockerfile.ci",
            "Jenkinsfile",
            "action.yml",
            "azure-pipelines.yml",
            "requirements-dev.txt",
            "build.rs",
            "\u{ff30}ackage.json",
            ".env.local",
        ] {
            assert!(filters.protect(&path.parse()?), "{path}");
        }
        for path in
            ["src/main.rs", "src/.hidden/x", "lib/package.ts", "src/license.rs", ".eslintrc", "src/security.md.rs"]
        {
            assert!(!filters.protect(&path.parse()?), "{path}");
        }
        Ok(())
    }

    #[test]
    fn p_09_a_protected_path_needs_both_a_lift_and_an_allowing_filter() -> Outcome {
        let path: RepoPath = "web/package.json".parse()?;
        for (include, lift, wanted) in
            [("web/", true, true), ("web/", false, false), ("src/", true, false), ("src/", false, false)]
        {
            let mut policy = policy();
            policy.path_filters.include = vec![include.to_owned()];
            policy.protected_lift = if lift { vec!["/web/package.json".to_owned()] } else { Vec::new() };
            assert_eq!(may_touch(&policy, &path), wanted, "{include} {lift}");
        }
        Ok(())
    }

    #[test]
    fn exclusion_wins_and_a_broken_glob_fails_closed() -> Outcome {
        let mut policy = policy();
        policy.path_filters.include = vec!["src/".to_owned()];
        policy.path_filters.exclude = vec!["src/gen/".to_owned()];
        assert!(may_touch(&policy, &"src/a.rs".parse()?));
        assert!(!may_touch(&policy, &"src/gen/a.rs".parse()?));
        assert!(!may_touch(&policy, &"lib/a.rs".parse()?));
        policy.path_filters.exclude = vec!["src/{a".to_owned()];
        assert!(!may_touch(&policy, &"src/a.rs".parse()?));
        Ok(())
    }

    #[test]
    fn v_55_v_60_paths_that_hide_gits_own_files_are_unsafe() {
        for path in [
            ".git/hooks/x",
            ".GIT/config",
            "d/.git/x",
            "git~1/x",
            ".g\u{200c}it/x",
            "\u{ff0e}git/x",
            "-rf",
            "a/--upload-pack=x",
            "a\u{202e}b",
            " a",
        ] {
            assert!(unsafe_because(path).is_some(), "{path:?}");
        }
        for path in ["src/git.rs", ".gitignore", "a-b/c", "\u{fc}n\u{ef}/x", "git~x"] {
            assert_eq!(unsafe_because(path), None, "{path:?}");
        }
    }

    #[test]
    fn tests_are_known_by_folder_and_by_name() {
        for path in [
            "tests/a.rs",
            "src/__tests__/a.ts",
            "a/test_x.py",
            "x_test.go",
            "src/App.test.tsx",
            "src/AppTest.java",
            "spec/a_spec.rb",
            "a.snap",
        ] {
            assert!(is_test(path), "{path}");
        }
        for path in ["src/latest.py", "src/contest.go", "src/attest.ts", "src/Testimony.css", "src/main.rs"] {
            assert!(!is_test(path), "{path}");
        }
    }
}
