//! The bundle: every pattern of a library in one canonical text, so that two makers write the same bytes. Layer 1.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::pattern::canonical::canonical_json;
use crate::pattern::checked::Pattern;
use crate::pattern::library::{Library, MAX_PATTERNS};
use crate::pattern::problem::{Place, Problem};
use crate::pattern::record::Record;

/// The schema's name of a bundle.
pub const BUNDLE_SCHEMA: &str = "homeostat.patterns/1";

/// Makes the bundle of YAML files: sorted by id, one pattern a line, each with the digest of its content.
///
/// # Errors
/// With every problem of every file.
pub fn bundle(files: &[(String, String)]) -> Result<String, Vec<Problem>> {
    let library = Library::from_files(files)?;
    let lines: Vec<String> = library.patterns().map(line).collect();
    let body = if lines.is_empty() { String::new() } else { format!("\n{}\n", lines.join(",\n")) };
    Ok(format!("{{\"patterns\":[{body}],\"schema\":\"{BUNDLE_SCHEMA}\"}}\n"))
}

fn line(pattern: &Pattern) -> String {
    let mut value = serde_json::to_value(pattern.record()).unwrap_or_default();
    if let Value::Object(map) = &mut value {
        map.insert("digest".to_owned(), json!(pattern.digest()));
    }
    canonical_json(&value)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    schema: String,
    patterns: Vec<Value>,
}

/// Reads the records of a bundle, each with the digest that is written beside it.
pub(crate) fn read_bundle(text: &str) -> Result<Vec<(Record, Option<String>)>, Problem> {
    let refuse = |id: Option<String>, message: String| Problem::error(id, "bundle", message, Place::default());
    let bundle: Bundle =
        serde_json::from_str(text).map_err(|error| refuse(None, format!("The bundle cannot be read: {error}.")))?;
    if bundle.schema != BUNDLE_SCHEMA {
        return Err(refuse(None, format!("The bundle's schema is not {BUNDLE_SCHEMA}.")));
    }
    if bundle.patterns.len() > MAX_PATTERNS {
        return Err(refuse(None, format!("The bundle has more than {MAX_PATTERNS} patterns.")));
    }
    bundle
        .patterns
        .into_iter()
        .map(|mut value| {
            let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
            let digest = value.as_object_mut().and_then(|map| map.remove("digest"));
            let record = serde_json::from_value(value)
                .map_err(|error| refuse(id, format!("The record cannot be read: {error}.")))?;
            let digest = digest.and_then(|digest| digest.as_str().map(str::to_owned));
            Ok((record, digest))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::checked::tests::SOUND;

    #[test]
    fn a_bundle_has_one_text_whatever_the_order_of_files_and_is_read_back() -> Result<(), Vec<Problem>> {
        let file = |id: &str| (format!("{id}.yml"), SOUND.replace("py-guard-none", id));
        let text = bundle(&[file("py-b"), file("py-a")])?;
        assert_eq!(text, bundle(&[file("py-a"), file("py-b")])?);
        assert_eq!(text.lines().count(), 4);
        let library = Library::from_bundle(&text)?;
        assert_eq!(library.patterns().map(Pattern::id).collect::<Vec<_>>(), ["py-a", "py-b"]);
        assert_eq!(Library::from_bundle(&bundle(&[])?).map(|l| l.patterns().len()), Ok(0));
        Ok(())
    }

    #[test]
    fn a_bundle_that_was_changed_by_hand_is_refused() -> Result<(), Vec<Problem>> {
        let text = bundle(&[("a.yml".to_owned(), SOUND.to_owned())])?;
        let problems = Library::from_bundle(&text.replace("can be None", "may be None")).err().unwrap_or_default();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().contains("py-guard-none"), "{problems:?}");
        for bad in ["", "{}", "[]", "{\"schema\":\"x\",\"patterns\":[]}"] {
            assert!(Library::from_bundle(bad).is_err(), "{bad}");
        }
        Ok(())
    }
}
