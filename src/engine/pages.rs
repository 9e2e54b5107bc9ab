//! Reads a list of the forge page by page, as far as a bound, and stops where the forge leads in a circle. Layer 4.
//!
//! A list that was not read to its end is never taken for a whole one (F-05, F-06).

use std::collections::BTreeSet;

use crate::engine::retry;
use crate::forge::{ForgeError, Page};
use crate::system::System;

/// A list as far as it was read.
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    /// What of it the forge could not read, in whole sentences.
    pub(crate) broken: BTreeSet<String>,
    /// What ended the reading before the list's end.
    pub(crate) failed: Option<ForgeError>,
    /// Why there may be more, where nothing failed: the bound, or a circle.
    cut: Option<&'static str>,
}

impl<T> Listed<T> {
    /// Returns the list where nothing failed.
    pub(crate) fn whole(self) -> Result<Self, ForgeError> {
        match (&self.failed, self.cut) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(why)) => Err(ForgeError::Transient(why.to_owned())),
            (None, None) => Ok(self),
        }
    }
}

/// Reads at most `bound` pages; `read` asks for one, by the token that the page before it gave.
pub(crate) async fn all<T, F>(system: &dyn System, bound: usize, mut read: F) -> Listed<T>
where
    F: AsyncFnMut(Option<&str>) -> Result<Page<T>, ForgeError>,
{
    let mut listed = Listed { items: Vec::new(), broken: BTreeSet::new(), failed: None, cut: None };
    let mut page: Option<String> = None;
    let mut seen = BTreeSet::new();
    for _ in 0..bound {
        let answer = match retry(system, async || read(page.as_deref()).await).await {
            Ok(answer) => answer,
            Err(error) => {
                listed.failed = Some(error);
                return listed;
            }
        };
        listed.items.extend(answer.items);
        listed.broken.extend(answer.broken);
        // A forge that sends a page twice would keep us for ever (F-06).
        match answer.next {
            Some(next) if seen.insert(next.clone()) => page = Some(next),
            Some(_) => {
                listed.cut = Some("a list of the forge leads back to a page that was read already");
                return listed;
            }
            None => return listed,
        }
    }
    listed.cut = Some("a list of the forge has more pages than anybody reads");
    listed
}

/// Keeps the first of items with one id: what moves to the next page while a list is read is told twice (F-06).
pub(crate) fn once<T>(items: Vec<T>, id: impl Fn(&T) -> u64) -> Vec<T> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter(|item| seen.insert(id(item))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Timestamp;

    struct Still;

    #[async_trait::async_trait]
    impl System for Still {
        fn now(&self) -> Timestamp {
            Timestamp::default()
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }

        async fn sleep(&self, _: Duration) {}

        fn random(&self) -> [u8; 16] {
            [0; 16]
        }
    }

    /// Reads a list whose n-th page holds n and leads to where `next` says.
    async fn read(bound: usize, next: impl Fn(u64) -> Option<u64>) -> Listed<u64> {
        let page = async |token: Option<&str>| {
            let at = token.map_or(1, |token| token.parse().expect("a number"));
            let next = next(at).map(|next| next.to_string());
            Ok(Page { items: vec![at], next, broken: Vec::new() })
        };
        all(&Still, bound, page).await
    }

    #[tokio::test]
    async fn f_06_a_list_that_ends_is_whole() {
        let listed = read(9, |at| (at < 3).then_some(at + 1)).await.whole();
        assert_eq!(listed.map(|listed| listed.items).ok(), Some(vec![1, 2, 3]));
        assert!(read(3, |at| (at < 3).then_some(at + 1)).await.whole().is_ok(), "it ends where the bound is");
    }

    #[tokio::test]
    async fn f_06_a_list_that_never_ends_or_leads_in_a_circle_is_not_whole_and_ends_all_the_same() {
        let endless = read(5, |at| Some(at + 1)).await;
        assert_eq!(endless.items, [1, 2, 3, 4, 5]);
        assert!(matches!(endless.whole(), Err(ForgeError::Transient(why)) if why.contains("more pages")));
        for back_to in [1, 2, 3] {
            let circle = read(100, |at| Some(if at == 3 { back_to } else { at + 1 })).await;
            assert!(circle.items.len() <= 6, "{:?}", circle.items);
            assert!(matches!(circle.whole(), Err(ForgeError::Transient(why)) if why.contains("leads back")));
        }
    }

    #[test]
    fn f_06_what_moves_between_pages_counts_once() {
        assert_eq!(
            once(vec![(1, "a"), (2, "b"), (1, "a again"), (3, "c")], |item| item.0),
            [(1, "a"), (2, "b"), (3, "c")]
        );
    }
}
