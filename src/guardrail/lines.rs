//! The shortest change between two lists of lines. Layer 1.
//!
//! Refuses to take long over texts that were shuffled: beyond a bound they count as replaced, which no limit forgives.

use std::collections::HashMap;

/// What becomes of a line, with its place among the old and the new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// It stays.
    Keep(usize, usize),
    /// It goes.
    Remove(usize),
    /// It comes.
    Add(usize),
}

/// Edits among lines that both sides have; more are a shuffle, and looking for them takes memory by the square.
const MOST_EDITS: usize = 1500;

/// Counts the lines that go and the lines that come between two texts.
pub fn changed_lines(old: &str, new: &str) -> u64 {
    let (old, new): (Vec<&[u8]>, Vec<&[u8]>) =
        (old.lines().map(str::as_bytes).collect(), new.lines().map(str::as_bytes).collect());
    diff(&old, &new).iter().filter(|edit| !matches!(edit, Edit::Keep(..))).count() as u64
}

/// Returns the edits that turn the old lines into the new ones, removals before additions (Myers, 1986, greedy).
pub(crate) fn diff(old: &[&[u8]], new: &[&[u8]]) -> Vec<Edit> {
    let mut names: HashMap<&[u8], usize> = HashMap::new();
    let mut number = |line| {
        let next = names.len();
        *names.entry(line).or_insert(next)
    };
    let old: Vec<usize> = old.iter().map(|line| number(*line)).collect();
    let new: Vec<usize> = new.iter().map(|line| number(*line)).collect();
    let count = names.len();

    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let room = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);

    // A line that the other side does not have is changed whatever happens around it.
    let known = |lines: &[usize]| {
        let mut known = vec![false; count];
        for line in lines {
            known[*line] = true;
        }
        known
    };
    let (in_old, in_new) = (known(&old[head..old_end]), known(&new[head..new_end]));
    let shared_old: Vec<usize> = (head..old_end).filter(|i| in_new[old[*i]]).collect();
    let shared_new: Vec<usize> = (head..new_end).filter(|i| in_old[new[*i]]).collect();
    let a: Vec<usize> = shared_old.iter().map(|i| old[*i]).collect();
    let b: Vec<usize> = shared_new.iter().map(|i| new[*i]).collect();
    let kept = common(&a, &b).into_iter().map(|(i, j)| (shared_old[i], shared_new[j]));

    let mut edits: Vec<Edit> = (0..head).map(|i| Edit::Keep(i, i)).collect();
    let (mut at_old, mut at_new) = (head, head);
    for (i, j) in kept.chain(std::iter::once((old_end, new_end))) {
        edits.extend((at_old..i).map(Edit::Remove));
        edits.extend((at_new..j).map(Edit::Add));
        if i < old_end {
            edits.push(Edit::Keep(i, j));
        }
        (at_old, at_new) = (i + 1, j + 1);
    }
    edits.extend((0..tail).map(|i| Edit::Keep(old_end + i, new_end + i)));
    edits
}

/// Returns pairs of a longest common subsequence, or none where it would take too long.
fn common(a: &[usize], b: &[usize]) -> Vec<(usize, usize)> {
    let most = (a.len() + b.len()).min(MOST_EDITS);
    // `reach[k + most]`: how far in `a` one gets on diagonal `k`.
    let mut reach = vec![0_usize; 2 * most + 2];
    let mut history: Vec<Vec<usize>> = Vec::new();
    for edits in 0..=most {
        // Only the diagonals that this round can touch are worth keeping.
        history.push(reach[most - edits..=most + edits].to_vec());
        for step in 0..=edits {
            let diagonal = most - edits + 2 * step;
            let down = step == 0 || (step != edits && reach[diagonal - 1] < reach[diagonal + 1]);
            let mut x = if down { if edits == 0 { 0 } else { reach[diagonal + 1] } } else { reach[diagonal - 1] + 1 };
            let Some(mut y) = (x + most).checked_sub(diagonal) else { continue };
            while x < a.len() && y < b.len() && a[x] == b[y] {
                (x, y) = (x + 1, y + 1);
            }
            reach[diagonal] = x;
            if x >= a.len() && y >= b.len() {
                return backtrack(a, b, &history);
            }
        }
    }
    Vec::new()
}

fn backtrack(a: &[usize], b: &[usize], history: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let (mut x, mut y) = (a.len(), b.len());
    for (edits, reach) in history.iter().enumerate().rev() {
        // `reach[i]` is diagonal `i - edits`.
        let at = x + edits - y;
        let (before_x, before_y) = if edits == 0 {
            (0, 0)
        } else {
            let down = at == 0 || (at != 2 * edits && reach[at - 1] < reach[at + 1]);
            let from = if down { at + 1 } else { at - 1 };
            let px = reach[from];
            (px, px + edits - from)
        };
        while x > before_x && y > before_y {
            (x, y) = (x - 1, y - 1);
            pairs.push((x, y));
        }
        (x, y) = (before_x, before_y);
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &str) -> Vec<&[u8]> {
        text.as_bytes().chunks(1).collect()
    }

    fn changed(old: &str, new: &str) -> usize {
        diff(&lines(old), &lines(new)).iter().filter(|edit| !matches!(edit, Edit::Keep(..))).count()
    }

    /// The number of edits by the textbook's table.
    fn textbook(old: &str, new: &str) -> usize {
        let (a, b) = (old.as_bytes(), new.as_bytes());
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut diagonal = 0;
            for (j, y) in b.iter().enumerate() {
                let up = row[j + 1];
                row[j + 1] = if x == y { diagonal + 1 } else { up.max(row[j]) };
                diagonal = up;
            }
        }
        a.len() + b.len() - 2 * row[b.len()]
    }

    #[test]
    fn two_far_edits_of_a_long_file_are_two_edits() {
        let old: Vec<String> = (0..30_000).map(|n| (n % 97).to_string()).collect();
        let mut new = old.clone();
        new[3] = "x".to_owned();
        new[29_990] = "y".to_owned();
        let bytes = |lines: &[String]| lines.iter().map(|l| l.as_bytes().to_vec()).collect::<Vec<_>>();
        let (a, b) = (bytes(&old), bytes(&new));
        let (a, b): (Vec<&[u8]>, Vec<&[u8]>) =
            (a.iter().map(Vec::as_slice).collect(), b.iter().map(Vec::as_slice).collect());
        assert_eq!(diff(&a, &b).iter().filter(|e| !matches!(e, Edit::Keep(..))).count(), 4);
    }

    #[test]
    fn a_great_shuffle_counts_as_replaced() {
        let old: String = (0..8000).map(|n| if n % 3 == 0 { 'a' } else { 'b' }).collect();
        let new: String = (0..8000).map(|n| if n % 2 == 0 { 'b' } else { 'a' }).collect();
        assert!(changed(&old, &new) > 1500);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn edits_rebuild_both_sides_and_are_the_fewest(old in "[abc]{0,12}[a-z]{0,6}", new in "[abc]{0,12}[a-z]{0,6}") {
            let (a, b) = (lines(&old), lines(&new));
            let edits = diff(&a, &b);
            let (mut left, mut right) = (Vec::new(), Vec::new());
            for edit in &edits {
                match *edit {
                    Edit::Keep(i, j) => { prop_assert_eq!(a[i], b[j]); left.push(i); right.push(j); }
                    Edit::Remove(i) => left.push(i),
                    Edit::Add(j) => right.push(j),
                }
            }
            prop_assert_eq!(left, (0..a.len()).collect::<Vec<_>>());
            prop_assert_eq!(right, (0..b.len()).collect::<Vec<_>>());
            prop_assert_eq!(edits.iter().filter(|e| !matches!(e, Edit::Keep(..))).count(), textbook(&old, &new));
        }
    }
}
