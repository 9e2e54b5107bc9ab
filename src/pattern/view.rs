//! What people and programs are shown of a library. Layer 1.

use serde::Serialize;
use serde_json::Value;

use crate::model::Timestamp;
use crate::pattern::checked::Pattern;
use crate::pattern::confidence::Statistics;
use crate::pattern::library::Library;
use crate::pattern::record::{Origin, Reach};

/// One row of `pattern list` and `pattern search`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListRow {
    /// The slug.
    pub id: String,
    /// One line.
    pub title: String,
    /// Languages of the files it may change.
    pub languages: Vec<&'static str>,
    /// Exceptions it is for.
    pub exceptions: Vec<String>,
    /// How near a match must be.
    pub anchor: Reach,
    /// Whether it needs a red target test.
    pub requires_red_target: bool,
    /// Where it comes from.
    pub origin: Origin,
    /// The confidence; `null` for a suspended pattern.
    pub confidence: Option<f64>,
    /// The digest.
    pub digest: String,
    /// The file it was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// One pattern, whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// The row of the list.
    #[serde(flatten)]
    pub row: ListRow,
    /// Weight of successes.
    pub alpha: f64,
    /// Weight of failures.
    pub beta: f64,
    /// The record as written.
    pub record: Value,
}

fn row(pattern: &Pattern, statistics: &Statistics, now: Timestamp) -> ListRow {
    let record = pattern.record();
    ListRow {
        id: record.id.clone(),
        title: record.title.trim().to_owned(),
        languages: record.languages.iter().map(|language| language.as_str()).collect(),
        exceptions: record.signature.exception.clone(),
        anchor: record.place.anchor,
        requires_red_target: record.signature.requires_red_target,
        origin: record.origin,
        confidence: statistics.confidence(record.confidence.prior, &record.id, pattern.digest(), now),
        digest: pattern.digest().to_owned(),
        file: pattern.file().map(str::to_owned),
    }
}

/// Returns every pattern, by id.
pub fn list(library: &Library, statistics: &Statistics, now: Timestamp) -> Vec<ListRow> {
    library.patterns().map(|pattern| row(pattern, statistics, now)).collect()
}

/// Returns one pattern, whole.
pub fn show(library: &Library, id: &str, statistics: &Statistics, now: Timestamp) -> Option<Shown> {
    let pattern = library.get(id)?;
    let record = pattern.record();
    let posterior = statistics.posterior(record.confidence.prior, id, pattern.digest(), now);
    let value = serde_json::to_value(record).unwrap_or_default();
    Some(Shown { row: row(pattern, statistics, now), alpha: posterior.alpha, beta: posterior.beta, record: value })
}

/// Returns the patterns that have every word of a query, those with the words in their id or title first.
pub fn search(library: &Library, query: &str, statistics: &Statistics, now: Timestamp) -> Vec<ListRow> {
    let words: Vec<String> = query.split_whitespace().take(16).map(str::to_lowercase).collect();
    let mut found: Vec<(usize, ListRow)> = library
        .patterns()
        .filter_map(|pattern| {
            let record = pattern.record();
            let name = format!("{} {}", record.id, record.title).to_lowercase();
            let languages = record.languages.iter().map(|language| language.as_str()).collect::<Vec<_>>().join(" ");
            let (types, messages) = (record.signature.exception.join(" "), record.signature.message.join(" "));
            let rest = format!("{} {languages} {types} {messages}", record.why).to_lowercase();
            let all = words.iter().all(|word| name.contains(word) || rest.contains(word));
            let named = words.iter().filter(|word| name.contains(*word)).count();
            all.then(|| (named, row(pattern, statistics, now)))
        })
        .collect();
    found.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.id.cmp(&y.id)));
    found.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::checked::tests::SOUND;
    use crate::pattern::problem::Problem;

    fn library() -> Result<Library, Vec<Problem>> {
        let other = SOUND.replace("py-guard-none", "py-other").replace("title: Attribute", "title: Thing");
        Library::from_files(&[("a.yml".to_owned(), SOUND.to_owned()), ("b.yml".to_owned(), other)])
    }

    #[test]
    fn a_library_is_listed_shown_and_searched() -> Result<(), Vec<Problem>> {
        let (library, seen, now) = (library()?, Statistics::default(), Timestamp::default());
        let ids = |rows: Vec<ListRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(ids(list(&library, &seen, now)), ["py-guard-none", "py-other"]);
        assert_eq!(ids(search(&library, "nonetype ATTRIBUTE", &seen, now)), ["py-guard-none", "py-other"]);
        assert_eq!(ids(search(&library, "other", &seen, now)), ["py-other"]);
        assert!(search(&library, "python ruby", &seen, now).is_empty());
        let shown = show(&library, "py-other", &seen, now);
        assert!(shown.is_some_and(|shown| shown.record["id"] == "py-other" && (shown.alpha - 9.0).abs() < 1e-9));
        assert_eq!(show(&library, "none", &seen, now), None);
        Ok(())
    }
}
