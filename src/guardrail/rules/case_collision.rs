//! `case-collision`: no new path differs from another by case, accents or width only (V-62). Layer 1.
//!
//! Refuses to guess about files that it cannot see: without the tree it compares within the change and says so.

use std::collections::{BTreeMap, BTreeSet};

use crate::guardrail::change::Change;
use crate::guardrail::paths::fold;
use crate::guardrail::rule::{Context, Findings, Rule};
use crate::model::Reason;

pub(super) struct CaseCollision;

impl Rule for CaseCollision {
    fn id(&self) -> Reason {
        Reason::CaseCollision
    }

    fn check(&self, change: &Change, context: &Context<'_>, findings: &mut Findings) {
        let created: Vec<_> = change.files.iter().filter(|file| file.is_created()).collect();
        if created.is_empty() {
            return;
        }
        // How each folded path and folder is spelled by what stays or comes.
        let mut spelled: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut spell = |path: &str| {
            let ends = path.match_indices('/').map(|(at, _)| at).chain(std::iter::once(path.len()));
            // A path is told by its parts; a hostile one with thousands of parts would cost its square.
            for end in ends.take(64) {
                spelled.entry(fold(&path[..end])).or_default().insert(path[..end].to_owned());
            }
        };
        match context.tree {
            // A path that the same change removes still counts: on a system that folds case, git would lose one of the two.
            Some(tree) => tree.paths().iter().for_each(|path| spell(path.as_str())),
            None => findings.not_checked(),
        }
        change.files.iter().filter(|file| !file.is_deleted()).for_each(|file| spell(&file.path));
        for file in created {
            let ends = file.path.match_indices('/').map(|(at, _)| at).chain(std::iter::once(file.path.len()));
            let other = ends.take(64).find_map(|end| {
                let own = &file.path[..end];
                spelled.get(&fold(own))?.iter().find(|other| other.as_str() != own).cloned()
            });
            if let Some(other) = other {
                let other: String = other.chars().take(200).collect();
                findings.file(
                    file,
                    format!("The path is the same as {other:?} on systems that do not tell case or accents apart."),
                );
            }
        }
    }
}
