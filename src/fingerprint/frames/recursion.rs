//! Recursion: a cycle of calls counts once, however deep it went. Layer 1.

/// The longest cycle that is looked for.
const LONGEST_CYCLE: usize = 8;

/// A multiplier without structure, for the rolling hash (the 64-bit golden ratio, made odd).
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns the places that stay when every immediately repeated cycle of one to eight elements is kept once.
///
/// Reads left to right and drops a tail that repeats what stands before it; linear, for prefix hashes compare two
/// cycles in constant time, and a hit is checked element by element before anything is dropped.
pub(super) fn collapse(keys: &[u64]) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::with_capacity(keys.len());
    // `prefix[n]` is the hash of the first n kept keys.
    let mut prefix: Vec<u64> = vec![0];
    let powers: Vec<u64> = (0..=LONGEST_CYCLE)
        .scan(1_u64, |power, _| {
            let now = *power;
            *power = power.wrapping_mul(BASE);
            Some(now)
        })
        .collect();
    for (place, key) in keys.iter().enumerate() {
        kept.push(place);
        prefix.push(prefix[prefix.len() - 1].wrapping_mul(BASE).wrapping_add(key | 1));
        while let Some(period) = (1..=LONGEST_CYCLE).find(|period| repeats(keys, &kept, &prefix, &powers, *period)) {
            kept.truncate(kept.len() - period);
            prefix.truncate(prefix.len() - period);
        }
    }
    kept
}

fn repeats(keys: &[u64], kept: &[usize], prefix: &[u64], powers: &[u64], period: usize) -> bool {
    let Some(start) = kept.len().checked_sub(2 * period) else { return false };
    let (middle, end) = (start + period, kept.len());
    let hash = |from: usize, to: usize| prefix[to].wrapping_sub(prefix[from].wrapping_mul(powers[period]));
    hash(start, middle) == hash(middle, end)
        && kept[start..middle].iter().zip(&kept[middle..end]).all(|(one, other)| keys[*one] == keys[*other])
}

/// Returns the places of one turn of the longest-running cycle, sorted by their keys, where a depth ran out.
///
/// Where a limit strikes inside a cycle is chance, so only the cycle's set speaks, not its order or its entry.
pub(super) fn cycle_set(keys: &[u64]) -> Option<Vec<usize>> {
    let mut best: Option<(usize, usize, usize)> = None;
    for period in 1..=LONGEST_CYCLE {
        let mut run = 0;
        for at in period..keys.len() {
            run = if keys[at] == keys[at - period] { run + 1 } else { 0 };
            // A run this long means that the cycle was entered a second time and gone through to its start.
            if run >= period.max(2) && best.is_none_or(|(length, ..)| run + period > length + period / 2) {
                best = Some((run + period, at + 1 - period, period));
            }
        }
        if best.is_some_and(|(length, ..)| length * 2 >= keys.len()) {
            break;
        }
    }
    let (_, start, period) = best?;
    let mut places: Vec<usize> = (start..start + period).collect();
    places.sort_unstable_by_key(|place| keys[*place]);
    places.dedup_by_key(|place| keys[*place]);
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        let keys: Vec<u64> = text.bytes().map(u64::from).collect();
        collapse(&keys).into_iter().map(|place| char::from(text.as_bytes()[place])).collect()
    }

    #[test]
    fn a_cycle_counts_once_however_often_it_was_gone_through() {
        for (deep, once) in [
            ("aaaam", "am"),
            ("babababm", "babm"),
            ("xababababy", "xaby"),
            ("abcabcabcm", "abcm"),
            ("aabaabaabm", "abm"),
            ("abcdefghabcdefghm", "abcdefghm"),
            ("abcdefghiabcdefghim", "abcdefghiabcdefghim"),
            ("", ""),
        ] {
            assert_eq!(kept(deep), once, "{deep}");
        }
    }

    #[test]
    fn collapsing_twice_changes_nothing_more() {
        for text in ["aabaabaab", "abababcabababc", "xyxyzxyxyz"] {
            assert_eq!(kept(&kept(text)), kept(text), "{text}");
        }
    }

    #[test]
    fn the_set_of_a_cycle_does_not_depend_on_where_the_limit_struck() {
        let set = |text: &str| {
            let keys: Vec<u64> = text.bytes().map(u64::from).collect();
            cycle_set(&keys)
                .map(|places| places.into_iter().map(|p| char::from(text.as_bytes()[p])).collect::<String>())
        };
        assert_eq!(set("abcabcabcm"), Some("abc".to_owned()));
        assert_eq!(set("zbcabcabcabcabm"), Some("abc".to_owned()));
        assert_eq!(set("aaaaaaaaaaaam"), Some("a".to_owned()));
        assert_eq!(set("abcdefm"), None);
    }
}
