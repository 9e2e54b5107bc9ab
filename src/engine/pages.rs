//! Reads a list of the forge page by page, as far as a bound, and stops where the forge leads in a circle. Layer 4.

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
}

impl<T> Listed<T> {
    /// Returns the list where nothing failed.
    pub(crate) fn whole(self) -> Result<Self, ForgeError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }
}

/// Reads at most `bound` pages; `read` asks for one, by the token that the page before it gave.
pub(crate) async fn all<T, F>(system: &dyn System, bound: usize, mut read: F) -> Listed<T>
where
    F: AsyncFnMut(Option<&str>) -> Result<Page<T>, ForgeError>,
{
    let mut listed = Listed { items: Vec::new(), broken: BTreeSet::new(), failed: None };
    let mut page: Option<String> = None;
    let mut seen = BTreeSet::new();
    for _ in 0..bound {
        let answer = match retry(system, async || read(page.as_deref()).await).await {
            Ok(answer) => answer,
            Err(error) => {
                listed.failed = Some(error);
                break;
            }
        };
        listed.items.extend(answer.items);
        listed.broken.extend(answer.broken);
        // A forge that sends a page twice would keep us for ever (F-06).
        match answer.next {
            Some(next) if seen.insert(next.clone()) => page = Some(next),
            _ => break,
        }
    }
    listed
}
