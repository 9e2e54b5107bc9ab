//! Puts two records of one run together: jobs of one workflow leave a part each, and the state branch has another. Layer 1.
//!
//! Refuses to lose a line that is here, and to take text that is no event at all.

use std::collections::HashSet;

use serde::Deserialize;

use crate::model::Timestamp;

/// What names an event: two copies of one may differ in what was taken out of their text.
#[derive(Debug, Deserialize)]
struct Mark {
    #[serde(rename = "type")]
    kind: String,
    time: Option<Timestamp>,
    #[serde(default)]
    run_id: String,
    #[serde(default)]
    trace_id: String,
    #[serde(default)]
    span_id: String,
}

type Key = (String, Option<Timestamp>, String, String, String);

impl Mark {
    fn key(self) -> Key {
        (self.kind, self.time, self.run_id, self.trace_id, self.span_id)
    }
}

/// Adds the events of `more` that a record has not, each at its time; nothing where there is none.
///
/// Of two copies of an event the record's stays, and so does every line of it that cannot be read.
pub fn joined(record: &[u8], more: &[u8]) -> Option<Vec<u8>> {
    let mut known: HashSet<Key> = HashSet::new();
    let mut lines: Vec<(Option<Timestamp>, &[u8])> = Vec::new();
    let mut last = None;
    for line in lines_of(record) {
        if let Some(mark) = mark_of(line) {
            last = mark.time.or(last);
            known.insert(mark.key());
        }
        // A torn line stays behind the one that it followed.
        lines.push((last, line));
    }
    let before = lines.len();
    let mut last = None;
    for line in lines_of(more) {
        let Some(mark) = mark_of(line) else { continue };
        last = mark.time.or(last);
        if known.insert(mark.key()) {
            lines.push((last, line));
        }
    }
    if lines.len() == before {
        return None;
    }
    lines.sort_by_key(|(time, _)| *time);
    let mut out = Vec::with_capacity(record.len() + more.len());
    for (_, line) in lines {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    Some(out)
}

fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
}

fn mark_of(line: &[u8]) -> Option<Mark> {
    serde_json::from_slice(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: u32, span: &str) -> String {
        format!(
            r#"{{"type":"x","time":"2026-11-23T10:00:{second:02}.000Z","run_id":"r","span_id":"{span}","repo":"a"}}"#
        )
    }

    fn text(lines: &[String]) -> Vec<u8> {
        lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
    }

    #[test]
    fn parts_of_one_run_become_one_record_in_the_order_of_time() {
        let (a, b, c, d) = (event(1, "a"), event(2, "b"), event(3, "c"), event(3, "d"));
        let record = text(&[a.clone(), c.clone()]);
        let more = text(&[b.clone(), c.clone(), d.clone()]);
        let whole = joined(&record, &more).expect("two events are new");
        assert_eq!(whole, text(&[a, b, c, d]));
        assert_eq!(joined(&whole, &more), None);
        assert_eq!(joined(&whole, &record), None);
        assert_eq!(joined(b"", b""), None);
        assert_eq!(joined(b"", &record), Some(record));
    }

    #[test]
    fn a_copy_whose_text_was_taken_out_is_no_second_event() {
        let whole = event(1, "a");
        let veiled = whole.replace(r#""repo":"a""#, r#""repo":"repository 7""#);
        assert_eq!(joined(&text(&[veiled]), &text(&[whole])), None);
    }

    #[test]
    fn what_is_torn_here_stays_in_its_place_and_what_is_torn_there_is_left() {
        let (a, b, c) = (event(1, "a"), event(2, "b"), event(5, "c"));
        let torn = r#"{"type":"x","ti"#.to_owned();
        let more = text(&[torn.clone(), "<html>".into(), "[]".into(), "{}".into(), b.clone()]);
        let record = text(&[a.clone(), torn.clone(), c.clone()]);
        assert_eq!(joined(&record, &more), Some(text(&[a, torn, b, c])));
        assert_eq!(joined(&record, b"\xff\xfe\nnull\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn joining_twice_is_joining_once(record: Vec<u8>, spans in proptest::collection::vec((0_u32..60, "[a-d]"), 0..20)) {
            let more = text(&spans.iter().map(|(second, span)| event(*second, span)).collect::<Vec<_>>());
            if let Some(once) = joined(&record, &more) {
                proptest::prop_assert_eq!(joined(&once, &more), None);
            } else {
                proptest::prop_assert!(spans.is_empty());
            }
        }
    }
}
