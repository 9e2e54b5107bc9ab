//! Episodes: when a failure that already had a pull request may have another (PROTOCOL.md, 2). Layer 1.

use crate::model::{Reason, Timestamp};

/// What became of one of our pull requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Still open.
    Open,
    /// Merged at that time.
    Merged(Timestamp),
    /// Merged, and reverted by a person at the second time.
    Reverted(Timestamp),
    /// Closed without a merge.
    Closed(Timestamp),
}

/// One of our pull requests for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastPull {
    /// Its number on the forge.
    pub number: u64,
    /// What became of it.
    pub fate: Fate,
}

/// A person's word that asks for another try: `/homeostat retry`, or a trigger label put on again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The forge's id of the comment or event.
    pub id: String,
    /// When it was said.
    pub at: Timestamp,
}

/// What episode a failure is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Episode {
    /// It may be worked on as episode `number`.
    Open {
        /// From 1; equal for every runner, since it is counted on the forge.
        number: u32,
        /// An earlier fix was merged, and the failure came back.
        regression: bool,
        /// The word that opened it, to be remembered as used.
        word: Option<String>,
    },
    /// It has an open pull request.
    Kept {
        /// The episode of that pull request.
        number: u32,
        /// The pull request's number.
        pull: u64,
    },
    /// Nothing is written until something happens.
    Over(Reason),
}

/// Decides the episode from our pull requests, the report's dates and people's words.
///
/// `reported_at` is when the report was opened, or opened again if that was later; a failed run counts from the commit
/// that contains the merge. `words` are only those of people with write access. One word, one episode.
pub fn episode(pulls: &[PastPull], reported_at: Timestamp, words: &[Word], used: &[String]) -> Episode {
    let ended = u32::try_from(pulls.iter().filter(|pull| pull.fate != Fate::Open).count()).unwrap_or(u32::MAX);
    let number = ended.saturating_add(1);
    if let Some(open) = pulls.iter().find(|pull| pull.fate == Fate::Open) {
        return Episode::Kept { number, pull: open.number };
    }
    let Some(last) = pulls.iter().max_by_key(|pull| pull.number) else {
        return Episode::Open { number, regression: false, word: None };
    };
    let word_after = |ended_at: Timestamp| {
        words.iter().find(|word| word.at > ended_at && !used.contains(&word.id)).map(|word| word.id.clone())
    };
    let (ended_at, silent) = match last.fate {
        Fate::Merged(at) if reported_at > at => return Episode::Open { number, regression: true, word: None },
        Fate::Merged(at) => (at, Reason::Merged),
        Fate::Reverted(at) => (at, Reason::Reverted),
        Fate::Closed(at) => (at, Reason::HumanClosed),
        Fate::Open => return Episode::Kept { number, pull: last.number },
    };
    match word_after(ended_at) {
        Some(word) => Episode::Open { number, regression: false, word: Some(word) },
        None => Episode::Over(silent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn pull(number: u64, fate: Fate) -> PastPull {
        PastPull { number, fate }
    }

    fn word(id: &str, seconds: i64) -> Word {
        Word { id: id.to_owned(), at: at(seconds) }
    }

    #[test]
    fn the_first_episode_needs_nothing() {
        assert_eq!(episode(&[], at(1), &[], &[]), Episode::Open { number: 1, regression: false, word: None });
    }

    #[test]
    fn f_61_a_merged_fix_whose_issue_stays_open_opens_nothing() {
        assert_eq!(episode(&[pull(3, Fate::Merged(at(10)))], at(5), &[], &[]), Episode::Over(Reason::Merged));
    }

    #[test]
    fn f_62_a_failure_that_comes_back_after_the_merge_is_a_second_episode() {
        let expected = Episode::Open { number: 2, regression: true, word: None };
        assert_eq!(episode(&[pull(3, Fate::Merged(at(10)))], at(11), &[], &[]), expected);
    }

    #[test]
    fn f_52_a_close_is_respected_until_a_persons_word() {
        let closed = [pull(3, Fate::Closed(at(10)))];
        assert_eq!(episode(&closed, at(50), &[], &[]), Episode::Over(Reason::HumanClosed));
        assert_eq!(episode(&closed, at(5), &[word("c1", 9)], &[]), Episode::Over(Reason::HumanClosed));
        let reopened = Episode::Open { number: 2, regression: false, word: Some("c2".to_owned()) };
        assert_eq!(episode(&closed, at(5), &[word("c1", 9), word("c2", 20)], &[]), reopened);
    }

    #[test]
    fn f_63_a_revert_is_respected_like_a_close() {
        assert_eq!(episode(&[pull(3, Fate::Reverted(at(10)))], at(5), &[], &[]), Episode::Over(Reason::Reverted));
    }

    #[test]
    fn f_64_one_word_opens_one_episode() {
        let pulls = [pull(3, Fate::Closed(at(10))), pull(9, Fate::Closed(at(30)))];
        let words = [word("c1", 20), word("c2", 25)];
        assert_eq!(episode(&pulls, at(5), &words, &["c1".to_owned()]), Episode::Over(Reason::HumanClosed));
        let later = [word("c1", 20), word("c3", 40)];
        let third = Episode::Open { number: 3, regression: false, word: Some("c3".to_owned()) };
        assert_eq!(episode(&pulls, at(5), &later, &["c1".to_owned()]), third);
        assert_eq!(episode(&pulls, at(5), &later, &["c3".to_owned()]), Episode::Over(Reason::HumanClosed));
    }

    #[test]
    fn an_open_pull_request_is_kept_whatever_else_happened() {
        let pulls = [pull(3, Fate::Closed(at(10))), pull(9, Fate::Open)];
        assert_eq!(episode(&pulls, at(50), &[word("c1", 60)], &[]), Episode::Kept { number: 2, pull: 9 });
    }
}
