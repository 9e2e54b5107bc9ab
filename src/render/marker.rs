//! Machine state in a pull request's body: a mirror for people and for rebuilding, never an authority. Layer 1.

use crate::model::{FailureState, STATE_SCHEMA};
use crate::render::pull_request::BODY_LIMIT;

const BEGIN: &str = "<!-- homeostat:state ";
const CLOSE: &str = " -->";
/// The line that ends the part of a body that is ours.
pub const END: &str = "<!-- homeostat:end -->";

/// What the first line may take of a body, in characters.
const ROOM: usize = 12_000;

/// Writes the first line of a body: compact ASCII JSON in a comment that nothing in it can end.
///
/// A state with a history too long for a body loses the oldest of it here; the state branch has all.
pub fn write(state: &FailureState) -> String {
    let mut json = escaped(state);
    let mut keep = 64;
    // Relatives can be found by their reports, too; without a history, attempts would be made again.
    let mut short = FailureState { sketch: None, ..state.clone() };
    if json.len() > ROOM {
        json = escaped(&short);
    }
    while json.len() > ROOM && keep > 0 {
        keep /= 2;
        short = FailureState { sketch: None, hint: None, ..state.clone() };
        short.reports.truncate(keep);
        latest(&mut short.attempts_log, keep);
        latest(&mut short.words_used, keep);
        latest(&mut short.rejected_trees, keep);
        if keep == 0 {
            // What is left are single values; a state file with such a value was not written by us.
            (short.tier, short.pattern, short.config_hash, short.input_hash) = (None, None, None, None);
            STATE_SCHEMA.clone_into(&mut short.schema);
        }
        json = escaped(&short);
    }
    format!("{BEGIN}{json}{CLOSE}")
}

fn latest<T>(list: &mut Vec<T>, keep: usize) {
    list.drain(..list.len().saturating_sub(keep));
}

fn escaped(state: &FailureState) -> String {
    use std::fmt::Write as _;
    // `--` would end an HTML comment; JSON lets a hyphen be written as an escape in strings, and has none elsewhere
    // but in numbers, where two never meet. Letters beyond ASCII could be invisible.
    let json = serde_json::to_string(state).unwrap_or_default().replace("--", "\\u002d\\u002d");
    json.chars().fold(String::with_capacity(json.len()), |mut text, c| {
        if (' '..='~').contains(&c) {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(text, "\\u{unit:04x}");
            }
        }
        text
    })
}

/// Reads the state of a body of ours; only the first line counts (V-09).
pub fn read(body: &str) -> Option<FailureState> {
    let json = body.lines().next()?.strip_prefix(BEGIN)?.strip_suffix(CLOSE)?;
    serde_json::from_str(json).ok()
}

/// Puts our text into a body that people may have written around: only what is between our markers is replaced.
///
/// Where both together are longer than a body may be, the body stays as it is: what people wrote is not ours to cut.
pub fn merge(seen: &str, ours: &str) -> String {
    let Some(from) = seen.find(BEGIN) else { return ours.to_owned() };
    let Some(length) = seen[from..].find(END) else { return ours.to_owned() };
    let to = from + length + END.len();
    let merged = format!("{}{}{}", &seen[..from], ours.trim_end(), &seen[to..]);
    if merged.chars().count() <= BODY_LIMIT { merged } else { seen.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, Fingerprint};

    fn state() -> FailureState {
        let mut state = FailureState::new(Fingerprint::of(b"x"), Family::of(b"x"), 2);
        state.pattern = Some("a--b-->c".to_owned());
        state
    }

    #[test]
    fn a_state_is_read_back_and_cannot_end_its_comment() {
        let line = write(&state());
        assert_eq!(line.matches("-->").count(), 1);
        assert_eq!(read(&format!("{line}\ntext")), Some(state()));
    }

    #[test]
    fn a_history_too_long_for_a_body_is_shortened_from_its_beginning() {
        let mut long = state();
        long.words_used = (0..5_000).map(|n| format!("word-{n}")).collect();
        let line = write(&long);
        assert!(line.len() <= ROOM + 40);
        let words = read(&line).expect("it is read back").words_used;
        assert_eq!(words.last().map(String::as_str), Some("word-4999"));
    }

    #[test]
    fn letters_beyond_ascii_are_escaped_and_read_back() {
        let mut odd = state();
        odd.pattern = Some("a\u{202e}\u{1f469}\u{200d}--\n\0".to_owned());
        let line = write(&odd);
        assert!(line.is_ascii() && line.lines().count() == 1);
        assert_eq!(read(&line), Some(odd));
    }

    #[test]
    fn what_relatives_are_found_by_goes_before_any_history_does() {
        let mut long = state();
        let many = |n: usize| vec!["abcdef".repeat(4); n];
        long.words_used = many(100);
        long.sketch = Some(crate::model::Sketch { top: many(500), ..Default::default() });
        let kept = read(&write(&long)).expect("a state");
        assert_eq!((kept.sketch, kept.words_used.len()), (None, 100));
    }

    #[test]
    fn v_09_a_marker_anywhere_but_first_is_nothing() {
        assert_eq!(read(&format!("hello\n{}", write(&state()))), None);
    }

    #[test]
    fn what_people_wrote_around_our_part_stays() {
        let ours = format!("{}\nnew\n{END}\n", write(&state()));
        let seen = format!("Mind this.\n{}\nold\n{END}\nLooks good to me.\n", write(&state()));
        let merged = merge(&seen, &ours);
        assert!(merged.starts_with("Mind this.\n") && merged.ends_with("Looks good to me.\n"));
        assert!(merged.contains("new") && !merged.contains("old"));
        assert_eq!(merge(&merged, &ours), merged);
    }
}
