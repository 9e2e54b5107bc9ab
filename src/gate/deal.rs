//! Deals a fleet's repositories to shards: whole, balanced, and the same way each time (PROTOCOL.md, 9). Layer 1.
//!
//! A repository is one hand's alone, so its caps and its order of work hold as if nothing were divided.

/// Deals repositories with so many failures each to at most so many shards. Each shard lists places in the given order;
/// there are never more shards than repositories with work, so none is empty.
///
/// The largest goes first, to whoever has least; of equals the first.
pub fn deal(loads: &[usize], shards: u32) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..loads.len()).filter(|place| loads[*place] > 0).collect();
    let count = usize::try_from(shards).unwrap_or(usize::MAX).min(order.len());
    order.sort_by_key(|place| (std::cmp::Reverse(loads[*place]), *place));
    let mut dealt: Vec<(usize, Vec<usize>)> = vec![(0, Vec::new()); count];
    for place in order {
        let Some((load, places)) = dealt.iter_mut().min_by_key(|(load, _)| *load) else { break };
        *load = load.saturating_add(loads[place]);
        places.push(place);
    }
    let sorted = |(_, mut places): (usize, Vec<usize>)| {
        places.sort_unstable();
        places
    };
    dealt.into_iter().map(sorted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_repository_has_a_shard_of_its_own_and_the_rest_share() {
        assert_eq!(deal(&[1, 5, 2, 2], 2), [vec![1], vec![0, 2, 3]]);
        assert_eq!(deal(&[1, 1, 1], 2), [vec![0, 2], vec![1]]);
    }

    #[test]
    fn there_are_no_more_shards_than_repositories_with_work() {
        assert_eq!(deal(&[3, 0, 1], 9), [vec![0], vec![2]]);
        assert_eq!(deal(&[0, 0], 4), Vec::<Vec<usize>>::new());
        assert_eq!(deal(&[4, 4], 0), Vec::<Vec<usize>>::new());
    }

    proptest! {
        #[test]
        fn each_repository_with_work_is_in_one_shard_and_no_shard_is_empty(
            loads in proptest::collection::vec(0_usize..9, 0..40),
            shards in 1_u32..33,
        ) {
            let dealt = deal(&loads, shards);
            prop_assert_eq!(&dealt, &deal(&loads, shards));
            prop_assert!(dealt.iter().all(|places| !places.is_empty()));
            let mut all: Vec<usize> = dealt.iter().flatten().copied().collect();
            all.sort_unstable();
            let busy: Vec<usize> = (0..loads.len()).filter(|place| loads[*place] > 0).collect();
            prop_assert_eq!(all, busy);
            // Nobody has more than the least busy one by more than one repository's failures.
            let load = |places: &Vec<usize>| places.iter().map(|place| loads[*place]).sum::<usize>();
            let (most, least) = (dealt.iter().map(load).max(), dealt.iter().map(load).min());
            prop_assert!(most.unwrap_or(0) <= least.unwrap_or(0) + loads.iter().max().copied().unwrap_or(0));
        }
    }
}
