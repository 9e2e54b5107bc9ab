//! Names and proofs of ownership: pure functions of a failure's fingerprint (PROTOCOL.md, 2 and 7). Layer 1.

use std::fmt;

use crate::model::{BranchName, Fingerprint, ObjectId, sha256_prefixed};

/// The folder of every branch of ours.
pub const BRANCH_PREFIX: &str = "homeostat/";
/// The trailer that marks our commits.
const TRAILER: &str = "Homeostat-Candidate:";

/// Returns the branch of an episode: `homeostat/<fp16>`, from the second on with `-<n>`.
pub fn branch_for(fingerprint: &Fingerprint, episode: u32) -> BranchName {
    let suffix = if episode > 1 { format!("-{episode}") } else { String::new() };
    format!("{BRANCH_PREFIX}{}{suffix}", fingerprint.fp16())
        .parse()
        .expect("internal error: our branch grammar is legal")
}

/// Returns the branch that a revert of a pull request is proposed from; it is outside the folder of fixes.
pub fn revert_branch(number: u64) -> BranchName {
    format!("homeostat-revert/{number}").parse().expect("internal error: the branch's name is legal")
}

/// Reads a branch name of our grammar: the sixteen characters and the episode.
pub fn branch_grammar(branch: &str) -> Option<(&str, u32)> {
    let rest = branch.strip_prefix(BRANCH_PREFIX)?;
    let (fp16, episode) = match rest.split_once('-') {
        None => (rest, 1),
        Some((fp16, digits)) => {
            let canonical = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
            (fp16, canonical.then(|| digits.parse().ok()).flatten().filter(|n| *n > 1)?)
        }
    };
    let legal = fp16.len() == 16 && fp16.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
    legal.then_some((fp16, episode))
}

/// Returns the key under which an action is the same action, whoever takes it and however often.
pub fn idempotency_key(
    repository_id: u64,
    base: &BranchName,
    fingerprint: &Fingerprint,
    episode: u32,
    tree: &ObjectId,
) -> String {
    let parts = [&repository_id.to_string(), base.as_str(), fingerprint.as_str(), &episode.to_string(), tree.as_str()];
    sha256_prefixed(&parts)
}

/// What our commits say of themselves, in a trailer of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// The failure.
    pub fingerprint: Fingerprint,
    /// The episode.
    pub episode: u32,
    /// The commit's own tree.
    pub tree: ObjectId,
    /// The tested base: the commit's only parent, or its second where it replaces an earlier patch of ours.
    pub parent: ObjectId,
}

impl fmt::Display for Trailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TRAILER} {} {} {} {}", self.fingerprint, self.episode, self.tree, self.parent)
    }
}

impl Trailer {
    /// Reads the trailer of a commit message; two of them, or a malformed one, are none.
    pub fn read(message: &str) -> Option<Self> {
        let mut lines = message.lines().filter_map(|line| line.strip_prefix(TRAILER));
        let (line, second) = (lines.next()?, lines.next());
        if second.is_some() {
            return None;
        }
        let mut words = line.split_ascii_whitespace();
        let trailer = Self {
            fingerprint: words.next()?.parse().ok()?,
            episode: words.next()?.parse().ok()?,
            tree: words.next()?.parse().ok()?,
            parent: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(trailer)
    }
}

/// What a look at a branch's head commit showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFacts {
    /// The commit.
    pub id: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents.
    pub parents: Vec<ObjectId>,
    /// Its message.
    pub message: String,
    /// Whether it is the base branch's tip or an ancestor of it.
    pub on_base: bool,
}

/// Whose a branch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// Ours: the head commit says so truly of itself.
    Ours(Trailer),
    /// Of our name, with no commit of its own: a reservation.
    Reserved,
    /// A commit on it is not ours, or its trailer is not true.
    Foreign,
    /// The same sixteen characters stand for another failure.
    Collision,
}

/// Returns the commit that a commit of ours was tested on. One that replaces an earlier patch has that patch as its first
/// parent, so that the branch moves forward; no commit of ours has more than two.
pub fn tested_parent(parents: &[ObjectId]) -> Option<&ObjectId> {
    match parents {
        [base] | [_, base] => Some(base),
        _ => None,
    }
}

/// Decides whose a branch of our grammar is, by content and not by the commit's id (PROTOCOL.md, 7).
pub fn ownership(fingerprint: &Fingerprint, episode: u32, head: &CommitFacts) -> Ownership {
    if head.on_base {
        return Ownership::Reserved;
    }
    let Some(trailer) = Trailer::read(&head.message) else { return Ownership::Foreign };
    let true_of_itself = trailer.tree == head.tree
        && tested_parent(&head.parents) == Some(&trailer.parent)
        && trailer.episode == episode;
    match (true_of_itself, trailer.fingerprint == *fingerprint) {
        (true, true) => Ownership::Ours(trailer),
        (true, false) if trailer.fingerprint.fp16() == fingerprint.fp16() => Ownership::Collision,
        _ => Ownership::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(digit: char) -> ObjectId {
        digit.to_string().repeat(40).parse().expect("legal")
    }

    fn trailer() -> Trailer {
        Trailer { fingerprint: Fingerprint::of(b"x"), episode: 1, tree: oid('a'), parent: oid('b') }
    }

    fn head(message: String) -> CommitFacts {
        CommitFacts { id: oid('c'), tree: oid('a'), parents: vec![oid('b')], message, on_base: false }
    }

    #[test]
    fn branch_names_are_read_back_and_others_are_not_ours() {
        let fingerprint = Fingerprint::of(b"x");
        for episode in [1, 2, 31] {
            let branch = branch_for(&fingerprint, episode);
            assert_eq!(branch_grammar(branch.as_str()), Some((fingerprint.fp16(), episode)));
        }
        for bad in
            ["homeostat/x", "homeostat/aaaaaaaaaaaaaaaa-1", "homeostat/aaaaaaaaaaaaaaaa-02", "feat/aaaaaaaaaaaaaaaa"]
        {
            assert_eq!(branch_grammar(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_trailer_is_read_back() {
        let message = format!("fix: x\n\nbody\n\n{}\n", trailer());
        assert_eq!(Trailer::read(&message), Some(trailer()));
        assert_eq!(Trailer::read(&format!("{}\n{}", trailer(), trailer())), None);
    }

    #[test]
    fn v_10_a_branch_is_ours_only_when_its_trailer_is_true_of_the_commit_itself() {
        let fingerprint = Fingerprint::of(b"x");
        let message = trailer().to_string();
        assert_eq!(ownership(&fingerprint, 1, &head(message.clone())), Ownership::Ours(trailer()));
        let other_tree = CommitFacts { tree: oid('d'), ..head(message.clone()) };
        assert_eq!(ownership(&fingerprint, 1, &other_tree), Ownership::Foreign);
        let other_parent = CommitFacts { parents: vec![oid('d')], ..head(message.clone()) };
        assert_eq!(ownership(&fingerprint, 1, &other_parent), Ownership::Foreign);
        assert_eq!(ownership(&fingerprint, 2, &head(message.clone())), Ownership::Foreign);
        assert_eq!(ownership(&fingerprint, 1, &head("somebody's work".to_owned())), Ownership::Foreign);
        let reserved = CommitFacts { on_base: true, ..head(message) };
        assert_eq!(ownership(&fingerprint, 1, &reserved), Ownership::Reserved);
    }

    #[test]
    fn a_commit_that_replaces_an_earlier_patch_is_ours_by_its_second_parent() {
        let fingerprint = Fingerprint::of(b"x");
        let replaced = |parents: &[char]| CommitFacts {
            parents: parents.iter().copied().map(oid).collect(),
            ..head(trailer().to_string())
        };
        assert_eq!(ownership(&fingerprint, 1, &replaced(&['e', 'b'])), Ownership::Ours(trailer()));
        // The tested base as the first parent is a person's merge into our branch.
        for other in [&['b', 'e'][..], &['e', 'f', 'b'], &['b', 'e', 'b'], &[]] {
            assert_eq!(ownership(&fingerprint, 1, &replaced(other)), Ownership::Foreign, "{other:?}");
        }
    }

    #[test]
    fn the_key_depends_on_every_part() {
        let (main, dev): (BranchName, BranchName) = ("main".parse().expect("legal"), "dev".parse().expect("legal"));
        let (x, y) = (Fingerprint::of(b"x"), Fingerprint::of(b"y"));
        let keys = [
            idempotency_key(1, &main, &x, 1, &oid('a')),
            idempotency_key(2, &main, &x, 1, &oid('a')),
            idempotency_key(1, &dev, &x, 1, &oid('a')),
            idempotency_key(1, &main, &y, 1, &oid('a')),
            idempotency_key(1, &main, &x, 2, &oid('a')),
            idempotency_key(1, &main, &x, 1, &oid('b')),
        ];
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }
}
