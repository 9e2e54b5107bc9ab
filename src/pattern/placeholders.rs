//! Captures of a message inside a rule: `{name}` in its texts, checked when it is read and filled in when it is used.
//! Layer 1.
//!
//! A capture may be written by anyone who can open an issue. So only names and numbers may reach code or code-shaped
//! texts, and free text only regular expressions, escaped.

use std::collections::BTreeMap;

use regex::RegexBuilder;
use serde_json::Value;

use crate::pattern::signature::{Captures, HoleKind, is_hole_name};

/// The largest compiled regular expression of a rule, in bytes (V-93).
const REGEX_LIMIT: usize = 1 << 20;

/// Returns whether texts under the key are regular expressions.
fn is_regex(key: &str) -> bool {
    matches!(key, "regex" | "replace")
}

/// Visits every text of a value with the key that it stands under.
pub(crate) fn strings(value: &Value, visit: &mut impl FnMut(&str, &str)) {
    fn go(key: &str, value: &Value, visit: &mut impl FnMut(&str, &str)) {
        match value {
            Value::String(text) => visit(key, text),
            Value::Array(items) => items.iter().for_each(|item| go(key, item, visit)),
            Value::Object(map) => map.iter().for_each(|(key, item)| go(key, item, visit)),
            _ => {}
        }
    }
    go("", value, visit);
}

/// Returns how deeply a value nests.
pub(crate) fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 1_usize)];
    while let Some((value, depth)) = open.pop() {
        deepest = deepest.max(depth);
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(map) => open.extend(map.values().map(|item| (item, depth + 1))),
            _ => {}
        }
    }
    deepest
}

/// Returns where a rewrite would let free text of a message into code.
pub(crate) fn capture_faults(value: &Value, holes: &BTreeMap<&str, HoleKind>) -> Vec<String> {
    let mut faults = Vec::new();
    strings(value, &mut |key, text| {
        let free = names(text).filter(|name| key != "regex" && holes.get(name) == Some(&HoleKind::Free));
        faults.extend(free.map(|name| {
            format!(
                "`{key}` uses {{{name}}}, which captures free text; write {{{name}:ident}} or {{{name}:int}} in the message"
            )
        }));
    });
    faults
}

/// Returns which regular expressions of a rewrite cannot be used (V-93).
pub(crate) fn regex_faults(value: &Value, holes: &BTreeMap<&str, HoleKind>) -> Vec<String> {
    let mut faults = Vec::new();
    let sample: Captures = holes.keys().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
    strings(value, &mut |key, text| {
        if key != "regex" {
            return;
        }
        let filled = fill_text(text, &sample, true).unwrap_or_else(|_| text.to_owned());
        if let Err(error) = RegexBuilder::new(&filled).size_limit(REGEX_LIMIT).build() {
            let why = error.to_string();
            let why = why.lines().next_back().unwrap_or("it cannot be compiled").trim_start_matches("error: ");
            let shown: String = text.chars().take(80).collect();
            faults.push(format!("the regular expression {shown:?} cannot be used ({why})"));
        }
    });
    faults
}

/// Returns the names in braces that could be captures.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('{').filter_map(|(at, _)| {
        let name = text[at + 1..].split_once('}')?.0;
        is_hole_name(name).then_some(name)
    })
}

/// Says that a rule cannot be filled in for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfit;

/// Returns the value with captures filled in: escaped in regular expressions, as they are elsewhere.
///
/// `all` names every capture of the pattern; one that this message does not give makes the rule unfit, as does one with
/// a `$`, which would be taken for a meta variable.
pub(crate) fn fill(value: &Value, captures: &Captures, all: &[&str]) -> Result<Value, Unfit> {
    fn go(key: &str, value: &Value, captures: &Captures, all: &[&str]) -> Result<Value, Unfit> {
        Ok(match value {
            Value::String(text) => {
                let missing = names(text).any(|name| all.contains(&name) && !captures.contains_key(name));
                if missing {
                    return Err(Unfit);
                }
                Value::String(fill_text(text, captures, is_regex(key))?)
            }
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| go(key, item, captures, all)).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(key, item)| Ok((key.clone(), go(key, item, captures, all)?)))
                    .collect::<Result<_, _>>()?,
            ),
            other => other.clone(),
        })
    }
    go("", value, captures, all)
}

fn fill_text(text: &str, captures: &Captures, escape: bool) -> Result<String, Unfit> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        filled.push_str(before);
        let value = from[1..].split_once('}').and_then(|(name, after)| Some((captures.get(name)?, after)));
        if let Some((value, after)) = value {
            if escape {
                filled.push_str(&regex::escape(value));
            } else if value.contains('$') {
                return Err(Unfit);
            } else {
                filled.push_str(value);
            }
            rest = after;
        } else {
            filled.push('{');
            rest = &from[1..];
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Returns words for people with captures filled in; they are shortened and lose control characters and backticks.
pub(crate) fn fill_words(text: &str, captures: &Captures, all: &[&str]) -> String {
    let shown: Captures = all
        .iter()
        .map(|name| {
            let value = captures.get(*name).map_or("…", String::as_str);
            let value: String = value.chars().filter(|c| !c.is_control() && !matches!(c, '`' | '$')).take(60).collect();
            ((*name).to_owned(), value)
        })
        .collect();
    fill_text(text.trim(), &shown, false).unwrap_or_else(|Unfit| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(value: &str) -> Captures {
        Captures::from([("n".to_owned(), value.to_owned())])
    }

    #[test]
    fn captures_are_escaped_in_regular_expressions_and_verbatim_elsewhere() -> Result<(), serde_json::Error> {
        let rule: Value = serde_json::from_str(r#"{"all":[{"regex":"^{n}$"},{"pattern":"$A.{n} {m} {}"}]}"#)?;
        let filled: Value = serde_json::from_str(r#"{"all":[{"regex":"^a\\.b$"},{"pattern":"$A.a.b {m} {}"}]}"#)?;
        assert_eq!(fill(&rule, &captures("a.b"), &["n"]), Ok(filled));
        assert_eq!(fill(&rule, &Captures::new(), &["n"]), Err(Unfit));
        assert_eq!(fill(&rule, &captures("$A"), &["n"]), Err(Unfit));
        Ok(())
    }

    #[test]
    fn words_for_people_lose_what_could_break_out_of_them() {
        let all = ["n", "m"];
        assert_eq!(fill_words("`{n}` of {m}", &captures("a`\nb"), &all), "`ab` of …");
        assert_eq!(fill_words("{n}", &captures(&"x".repeat(500)), &all).len(), 60);
    }
}
