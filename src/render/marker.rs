//! Machine state in a pull request's body: a mirror for people and for rebuilding, never an authority. Layer 1.

use crate::model::FailureState;

const BEGIN: &str = "<!-- homeostat:state ";
const CLOSE: &str = " -->";
/// The line that ends the part of a body that is ours.
pub const END: &str = "<!-- homeostat:end -->";

/// Writes the first line of a body: compact JSON in a comment that nothing in it can end.
pub fn write(state: &FailureState) -> String {
    // `--` would end an HTML comment; JSON lets a hyphen be written as an escape in strings, and has none elsewhere
    // but in numbers, where two never meet.
    let json = serde_json::to_string(state).unwrap_or_default().replace("--", "\\u002d\\u002d");
    format!("{BEGIN}{json}{CLOSE}")
}

/// Reads the state of a body of ours; only the first line counts (V-09).
pub fn read(body: &str) -> Option<FailureState> {
    let json = body.lines().next()?.strip_prefix(BEGIN)?.strip_suffix(CLOSE)?;
    serde_json::from_str(json).ok()
}

/// Puts our text into a body that people may have written around: only what is between our markers is replaced.
pub fn merge(seen: &str, ours: &str) -> String {
    let Some(from) = seen.find(BEGIN) else { return ours.to_owned() };
    let Some(length) = seen[from..].find(END) else { return ours.to_owned() };
    let to = from + length + END.len();
    format!("{}{}{}", &seen[..from], ours.trim_end(), &seen[to..])
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
