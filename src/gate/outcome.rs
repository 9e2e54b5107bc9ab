//! What became of our pull requests: what is news, what takes a merge back, and when a repository is paused. Layer 1.
//!
//! Rules over what the forge says; it reads nothing, and takes no word of a commit for more than it says.

use crate::model::{KnownOutcome, ObjectId, PullEnd, RepoSlug, Timestamp};

/// So many of ours closed without a merge, one after the other, pause a repository.
pub const CLOSED_IN_A_ROW: usize = 3;
/// So many failed runs of a schedule, one after the other, are said.
pub const FAILED_IN_A_ROW: usize = 3;

/// Returns whether an end of a pull request was not told yet: the first, or another one after it was opened again.
pub fn is_news(known: Option<&KnownOutcome>, end: PullEnd, at: Timestamp) -> bool {
    known.is_none_or(|known| known.at != at || (known.outcome == PullEnd::Closed) != (end == PullEnd::Closed))
}

/// One commit of the base after a merge.
#[derive(Debug, Clone, Copy)]
pub struct Later<'a> {
    /// Its id.
    pub id: &'a ObjectId,
    /// Its tree.
    pub tree: &'a ObjectId,
    /// Its message.
    pub message: &'a str,
}

/// A merge of ours, as far as a revert is told by it.
#[derive(Debug, Clone, Copy)]
pub struct Merge<'a> {
    /// The repository.
    pub slug: &'a RepoSlug,
    /// The pull request.
    pub number: u64,
    /// The commit that merged it.
    pub commit: &'a ObjectId,
    /// The tree before it; nothing where the merge changed no file.
    pub before: Option<&'a ObjectId>,
}

/// Finds the first commit that takes a merge back: one that says so in git's or GitHub's words at the start of a line, or
/// one with the very tree from before.
pub fn reverting<'a>(merge: &Merge<'_>, later: &[Later<'a>]) -> Option<Later<'a>> {
    later.iter().copied().find(|commit| merge.before == Some(commit.tree) || says_so(merge, commit.message))
}

fn says_so(merge: &Merge<'_>, message: &str) -> bool {
    let numbers = [format!("#{}", merge.number), format!("{}#{}", merge.slug, merge.number)];
    message.lines().any(|line| {
        let named = |words: &str, line: &str| {
            let rest = line.trim().strip_prefix(words)?;
            Some(rest.split([' ', ',', '.', ';']).next().unwrap_or_default().to_owned())
        };
        named("This reverts commit ", line).is_some_and(|id| id == merge.commit.as_str())
            || named("Reverts ", line).is_some_and(|name| numbers.contains(&name))
    })
}

/// Returns the last pull request of a row that pauses the repository: the newest [`CLOSED_IN_A_ROW`] that ended since people
/// last resumed were all closed without a merge.
pub fn pauses<'k>(
    known: impl IntoIterator<Item = (u64, &'k KnownOutcome)>,
    counted_from: Option<Timestamp>,
) -> Option<u64> {
    let mut ended: Vec<(Timestamp, u64, PullEnd)> = known
        .into_iter()
        .filter(|(_, one)| counted_from.is_none_or(|from| one.at > from))
        .map(|(number, one)| (one.at, number, one.outcome))
        .collect();
    ended.sort_unstable_by_key(|(at, number, _)| std::cmp::Reverse((*at, *number)));
    let row = ended.iter().take_while(|(.., end)| *end == PullEnd::Closed).take(CLOSED_IN_A_ROW).count();
    ended.first().filter(|_| row == CLOSED_IN_A_ROW).map(|(_, number, _)| *number)
}

/// Counts the failures at the head of a list of runs, the newest first; `None` for a run that says nothing (stopped, say).
pub fn failures_in_a_row(runs: impl IntoIterator<Item = Option<bool>>) -> usize {
    runs.into_iter().flatten().take_while(|worked| !worked).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fingerprint;

    fn oid(digit: char) -> ObjectId {
        digit.to_string().repeat(40).parse().expect("legal")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn known(outcome: PullEnd, seconds: i64) -> KnownOutcome {
        let fingerprint = Fingerprint::of(b"x");
        KnownOutcome { fingerprint, episode: 1, outcome, at: at(seconds), merge: None, reverted_at: None, red: None }
    }

    #[test]
    fn an_end_is_told_once_and_another_one_again() {
        let closed = known(PullEnd::Closed, 5);
        assert!(is_news(None, PullEnd::Closed, at(5)));
        assert!(!is_news(Some(&closed), PullEnd::Closed, at(5)));
        assert!(is_news(Some(&closed), PullEnd::Closed, at(9)), "opened again, and closed again");
        assert!(is_news(Some(&closed), PullEnd::Merged, at(9)), "opened again, and merged");
        assert!(!is_news(Some(&known(PullEnd::Reverted, 5)), PullEnd::Merged, at(5)), "the merge was told already");
    }

    #[test]
    fn a_revert_is_known_by_its_words_or_by_its_tree_and_by_nothing_that_only_looks_like_one() {
        let slug: RepoSlug = "acme/shop".parse().expect("legal");
        let (commit, before, other) = (oid('a'), oid('b'), oid('c'));
        let merge = Merge { slug: &slug, number: 7, commit: &commit, before: Some(&before) };
        let says = |message: &str| reverting(&merge, &[Later { id: &other, tree: &other, message }]).is_some();
        assert!(says(&format!("Revert \"x\"\n\nThis reverts commit {commit}.\n")));
        assert!(says(&format!("Revert \"x\"\n\nThis reverts commit {commit}, reversing\nchanges made to y.\n")));
        assert!(says("Revert \"x\" (#9)\n\nReverts acme/shop#7\n") && says("Revert\n\nReverts #7\n"));
        assert!(!says("Reverts acme/other#7") && !says("Reverts #77") && !says("see: This reverts commit x"));
        assert!(!says(&format!("This reverts commit {other}.")));
        let same = [Later { id: &other, tree: &before, message: "back" }];
        assert!(reverting(&merge, &same).is_some());
        assert!(reverting(&Merge { before: None, ..merge }, &same).is_none(), "a merge that changed nothing");
    }

    #[test]
    fn three_closed_in_a_row_pause_and_a_merge_or_a_resumption_starts_the_count_anew() {
        use PullEnd::{Closed, Merged, Reverted};
        let of = |ends: &[PullEnd], from: Option<i64>| {
            let all: Vec<_> = ends.iter().zip(1_u64..).map(|(end, n)| (n, known(*end, n.cast_signed()))).collect();
            pauses(all.iter().map(|(n, one)| (*n, one)), from.map(at))
        };
        assert_eq!(of(&[Closed, Closed], None), None);
        assert_eq!(of(&[Merged, Closed, Closed, Closed], None), Some(4));
        assert_eq!(of(&[Closed, Closed, Merged, Closed], None), None);
        assert_eq!(of(&[Closed, Closed, Reverted], None), None, "it was merged first");
        assert_eq!(of(&[Closed, Closed, Closed, Closed], Some(3)), None);
        assert_eq!(of(&[Closed; 6], Some(3)), Some(6));
    }

    #[test]
    fn a_run_that_was_stopped_neither_counts_nor_ends_the_row() {
        assert_eq!(failures_in_a_row([Some(false), None, Some(false), Some(false), Some(true), Some(false)]), 3);
        assert_eq!(failures_in_a_row([Some(true), Some(false)]), 0);
    }
}
