//! Whether two patches of one base are the same change, or touch the same lines (PROTOCOL.md, 5.7). Layer 1.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::model::{FileChange, Patch};

/// How two patches relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They share no line.
    Apart,
    /// They change a common line or border on one another.
    Overlapping,
    /// They make the same files.
    Identical,
}

/// Relates two patches by what they make and by the lines of the base that they replace.
pub fn relation(left: &Patch, right: &Patch) -> Relation {
    let same = left.len() == right.len()
        && left.changes().all(|(path, change)| right.get(path).is_some_and(|other| other.after == change.after));
    if same {
        return Relation::Identical;
    }
    let overlapping = left.changes().any(|(path, change)| {
        right.get(path).is_some_and(|other| {
            let (mine, theirs) = (replaced_lines(change), replaced_lines(other));
            mine.iter().any(|(from, to)| theirs.iter().any(|(start, end)| from <= end && start <= to))
        })
    });
    if overlapping { Relation::Overlapping } else { Relation::Apart }
}

/// Returns ranges of old lines that a change replaces, ends exclusive; an insertion is an empty range.
fn replaced_lines(change: &FileChange) -> Vec<(usize, usize)> {
    let text = |state: &Option<crate::model::FileState>| {
        state.as_ref().map(|file| String::from_utf8_lossy(&file.content).into_owned()).unwrap_or_default()
    };
    let (before, after) = (text(&change.before), text(&change.after));
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    capture_diff_slices(Algorithm::Myers, &old, &new)
        .into_iter()
        .filter(|op| !matches!(op, DiffOp::Equal { .. }))
        .map(|op| (op.old_range().start, op.old_range().end))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FileState;

    fn patch(path: &str, after: &str) -> Patch {
        let mut patch = Patch::new();
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n";
        patch.set(path.parse().expect("legal"), Some(FileState::plain(before)), Some(FileState::plain(after)));
        patch
    }

    #[test]
    fn the_same_files_are_the_same_change() {
        assert_eq!(relation(&patch("a", "1\n2\n"), &patch("a", "1\n2\n")), Relation::Identical);
    }

    #[test]
    fn common_lines_overlap_and_distant_ones_do_not() {
        let first = patch("a", "1\nx\n3\n4\n5\n6\n7\n8\n");
        assert_eq!(relation(&first, &patch("a", "1\ny\n3\n4\n5\n6\n7\n8\n")), Relation::Overlapping);
        assert_eq!(relation(&first, &patch("a", "1\n2\n3\n4\n5\n6\ny\n8\n")), Relation::Apart);
        assert_eq!(relation(&first, &patch("b", "1\ny\n3\n4\n5\n6\n7\n8\n")), Relation::Apart);
    }
}
