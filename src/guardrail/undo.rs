//! The base of a change that a folder already holds: what the files were before, by taking the diff back. Layer 1.
//!
//! A working tree is what most people have at hand; exactness is the same as for a base (V-65).

use std::collections::BTreeMap;

use crate::guardrail::change::{Change, FileDiff, Hunk, LineKind, MalformedDiff, TreeView};
use crate::guardrail::complete::apply;
use crate::model::{FileMode, FileState, RepoPath};

/// A tree with a change taken back.
pub struct Undone<'a> {
    after: &'a dyn TreeView,
    before: BTreeMap<RepoPath, Option<FileState>>,
}

impl std::fmt::Debug for Undone<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Undone").field("files", &self.before.len()).finish()
    }
}

impl<'a> Undone<'a> {
    /// Takes a change back from the tree that holds it.
    ///
    /// # Errors
    /// When the tree does not hold the change exactly.
    pub fn new(change: &Change, after: &'a dyn TreeView) -> Result<Self, MalformedDiff> {
        let mut before = BTreeMap::new();
        for file in &change.files {
            let Ok(path) = file.path.parse::<RepoPath>() else { continue };
            before.insert(path.clone(), undo(file, after.read(&path))?);
        }
        Ok(Self { after, before })
    }
}

impl TreeView for Undone<'_> {
    fn read(&self, path: &RepoPath) -> Option<FileState> {
        self.before.get(path).map_or_else(|| self.after.read(path), Clone::clone)
    }

    fn paths(&self) -> Vec<RepoPath> {
        let known = |path: &RepoPath| self.before.get(path).is_none_or(Option::is_some);
        let mut paths: Vec<RepoPath> = self.after.paths().into_iter().filter(known).collect();
        paths.extend(self.before.iter().filter(|(_, file)| file.is_some()).map(|(path, _)| path.clone()));
        paths.sort();
        paths.dedup();
        paths
    }
}

/// Returns what one file was.
fn undo(file: &FileDiff, after: Option<FileState>) -> Result<Option<FileState>, MalformedDiff> {
    let fail = |why: String| Err(MalformedDiff { line: file.line, why: format!("{}: {why}", file.path) });
    if after.is_none() != file.is_deleted() {
        return fail("neither the base nor the changed tree is in this folder".to_owned());
    }
    if file.is_created() {
        return Ok(None);
    }
    let mut back = file.clone();
    back.hunks.iter_mut().for_each(turn_around);
    let mode = after.as_ref().map_or(FileMode::Plain, |after| after.mode);
    match apply(after.as_ref().map_or(&[], |after| &after.content), &back) {
        Ok(content) => Ok(Some(FileState { mode, content })),
        Err(why) => fail(why),
    }
}

fn turn_around(hunk: &mut Hunk) {
    std::mem::swap(&mut hunk.old_start, &mut hunk.new_start);
    for line in &mut hunk.lines {
        line.kind = match line.kind {
            LineKind::Added => LineKind::Removed,
            LineKind::Removed => LineKind::Added,
            LineKind::Context => LineKind::Context,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guardrail::{Means, judge_diff};
    use crate::model::{Policy, Reason};

    struct Tree(BTreeMap<RepoPath, FileState>);

    impl TreeView for Tree {
        fn read(&self, path: &RepoPath) -> Option<FileState> {
            self.0.get(path).cloned()
        }

        fn paths(&self) -> Vec<RepoPath> {
            self.0.keys().cloned().collect()
        }
    }

    const DIFF: &[u8] =
        b"--- a/src/a.py\n+++ b/src/a.py\n@@ -1,3 +1,3 @@\n def f():\n-    return 1\n+    return 2\n # end\n";

    #[test]
    fn a_working_tree_that_holds_the_change_serves_as_its_base() -> Result<(), Box<dyn std::error::Error>> {
        let path: RepoPath = "src/a.py".parse()?;
        let tree = Tree(BTreeMap::from([(path.clone(), FileState::plain("def f():\n    return 2\n# end\n"))]));
        let change = Change::parse(DIFF)?;
        let undone = Undone::new(&change, &tree)?;
        assert_eq!(undone.read(&path), Some(FileState::plain("def f():\n    return 1\n# end\n")));
        let policy = Policy::built_in("o/r".parse()?);
        let verdict = judge_diff(DIFF, &policy, Means { tree: Some(&undone), ..Means::default() });
        assert!(verdict.violations.iter().all(|v| v.rule != Reason::MalformedDiff), "{verdict:?}");
        Ok(())
    }

    #[test]
    fn a_tree_that_holds_something_else_is_no_base() -> Result<(), Box<dyn std::error::Error>> {
        let tree = Tree(BTreeMap::from([("src/a.py".parse()?, FileState::plain("something else\n"))]));
        assert!(Undone::new(&Change::parse(DIFF)?, &tree).is_err());
        Ok(())
    }
}
