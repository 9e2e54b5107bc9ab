//! Pages of a list with opaque tokens. Layer 2.

use crate::forge::{ForgeError, ForgeResult, Page};
use crate::model::sha256_prefixed;

/// Cuts one page out of a whole list, as GitHub does: by position, so that a list that grows at its front moves items
/// between pages (fault F-06).
pub(super) fn page_of<T>(all: Vec<T>, list: &str, token: Option<&str>, size: usize) -> ForgeResult<Page<T>> {
    let size = size.max(1);
    let start = match token {
        None => 0,
        Some(token) => read_token(list, token)?,
    };
    let more = all.len() > start.saturating_add(size);
    let next = more.then(|| write_token(list, start + size));
    Ok(Page { items: all.into_iter().skip(start).take(size).collect(), next, broken: Vec::new() })
}

fn write_token(list: &str, start: usize) -> String {
    format!("{start:x}.{}", seal(list, start))
}

/// A token names its list, so that one of another list is refused instead of read as a position.
fn seal(list: &str, start: usize) -> String {
    sha256_prefixed(&["page", list, &start.to_string()])[..8].to_owned()
}

fn read_token(list: &str, token: &str) -> ForgeResult<usize> {
    token
        .split_once('.')
        .and_then(|(start, mark)| Some((usize::from_str_radix(start, 16).ok()?, mark)))
        .filter(|(start, mark)| *mark == seal(list, *start))
        .map(|(start, _)| start)
        .ok_or_else(|| ForgeError::Invalid(format!("the page token of {list} is not one that this forge gave")))
}
