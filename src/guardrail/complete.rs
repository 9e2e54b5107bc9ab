//! Completes a diff to whole files from the tree that it was made against. Layer 1.
//!
//! Refuses fuzz: a hunk lies exactly where its header says, with exactly its context, or the diff is malformed (V-65).

use crate::guardrail::change::{Change, FileDiff, LineKind, MalformedDiff, ModeSeen, TreeView};
use crate::model::{FileMode, FileState, RepoPath};

pub(crate) fn complete(change: Change, tree: &dyn TreeView) -> Result<Change, MalformedDiff> {
    let files = change.files.into_iter().map(|file| complete_file(file, tree)).collect::<Result<_, _>>()?;
    Ok(Change { files })
}

fn complete_file(file: FileDiff, tree: &dyn TreeView) -> Result<FileDiff, MalformedDiff> {
    // A path that is not legal is refused by its own rule; there is nothing to read under it.
    let Ok(path) = file.path.parse::<RepoPath>() else { return Ok(file) };
    if file.whole.is_some() {
        return Ok(file);
    }
    let fail = |why: &str| Err(MalformedDiff { line: file.line, why: format!("{path}: {why}") });
    let before = tree.read(&path);
    match (&before, file.is_created()) {
        (Some(_), true) => return fail("the diff creates a file that the base already has"),
        (None, false) => return fail("the diff changes a file that the base does not have"),
        _ => {}
    }
    if file.binary {
        return Ok(file);
    }
    if file.is_deleted() {
        if let Some(before) = &before {
            let left = apply(&before.content, &file);
            // A rename tells no lines of what it takes away.
            if !file.untold && !left.as_ref().is_ok_and(Vec::is_empty) {
                return fail("the deleted lines are not the whole file of the base");
            }
        }
        return Ok(FileDiff::of_files(file.path, file.line, before.as_ref(), None));
    }
    let source = match &file.copied_from {
        Some(from) => match from.parse::<RepoPath>().ok().and_then(|from| tree.read(&from)) {
            Some(source) => Some(source),
            None => return fail("the file that it is a copy of is not in the base"),
        },
        None => before.clone(),
    };
    let content = match apply(source.as_ref().map_or(&[], |file| &file.content), &file) {
        Ok(content) => content,
        Err(why) => return fail(&why),
    };
    let mode = match &file.new_mode {
        ModeSeen::Known(mode) => *mode,
        ModeSeen::Unsaid => source.as_ref().map_or(FileMode::Plain, |file| file.mode),
        // No such file can be made; its own rule says so.
        ModeSeen::Odd(_) | ModeSeen::Absent => return Ok(file),
    };
    if let (ModeSeen::Known(said), Some(before)) = (&file.old_mode, &before)
        && *said != before.mode
    {
        return fail("the mode before is not the base's");
    }
    Ok(FileDiff::of_files(file.path, file.line, before.as_ref(), Some(&FileState { mode, content })))
}

/// Applies the hunks of a file to its lines before.
pub(crate) fn apply(before: &[u8], file: &FileDiff) -> Result<Vec<u8>, String> {
    let old: Vec<&[u8]> = before.split_inclusive(|b| *b == b'\n').collect();
    let mut after = Vec::with_capacity(before.len());
    let mut at = 0_usize;
    for hunk in &file.hunks {
        let start = usize::try_from(hunk.old_start - 1).unwrap_or(usize::MAX);
        if start < at || start > old.len() {
            return Err(format!("the hunk at line {} lies beyond the file's end", hunk.old_start));
        }
        after.extend(old[at..start].concat());
        at = start;
        for line in &hunk.lines {
            if line.kind != LineKind::Added {
                let same = old.get(at).is_some_and(|old| {
                    old.strip_suffix(b"\n").map_or((*old, false), |text| (text, true))
                        == (line.text.as_slice(), line.ended)
                });
                if !same {
                    return Err(format!("line {} is not what the diff says", at + 1));
                }
                at += 1;
            }
            if line.kind != LineKind::Removed {
                after.extend_from_slice(&line.text);
                if line.ended {
                    after.push(b'\n');
                }
            }
        }
    }
    let rest = &old[at..];
    if !rest.is_empty() && !after.is_empty() && !after.ends_with(b"\n") {
        return Err("a line without an end would lie in the middle of the file".to_owned());
    }
    after.extend(rest.concat());
    Ok(after)
}
