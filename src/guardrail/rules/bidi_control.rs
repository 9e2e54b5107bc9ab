//! `bidi-control`: no added line has a character that cannot be seen or that turns the text around (V-31). Layer 1.
//!
//! Refuses nothing that an emoji needs, and nothing in a line that was there before.

use std::collections::BTreeSet;

use crate::guardrail::change::Change;
use crate::guardrail::rule::{Context, Findings, Rule, text};
use crate::model::Reason;
use crate::redact;

pub(super) struct BidiControl;

impl Rule for BidiControl {
    fn id(&self) -> Reason {
        Reason::BidiControl
    }

    fn check(&self, change: &Change, _: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let suspects: Vec<(u32, &[u8], char)> =
                file.added().filter_map(|(number, line)| Some((number, line, hidden(number, &text(line))?))).collect();
            if suspects.is_empty() {
                continue;
            }
            let mut before: BTreeSet<&[u8]> = file.removed().map(|(_, line)| line).collect();
            if let Some(whole) = file.whole.as_ref().and_then(|whole| whole.before.as_ref()) {
                before.extend(whole.split(|b| *b == b'\n'));
            }
            for (number, line, c) in suspects {
                if !before.contains(line) {
                    let code = u32::from(c);
                    findings.new_line(
                        file,
                        number,
                        format!("The line has the invisible or bidirectional character U+{code:04X}."),
                    );
                }
            }
        }
    }
}

/// Returns the first hidden character; a mark of byte order at a file's very beginning is none, nor is the `\r` of a line's end.
///
/// In the middle of a line, `\r` and the separators of Unicode end it for some compilers and for no viewer.
fn hidden(number: u32, line: &str) -> Option<char> {
    let body = line.trim_end_matches('\r');
    let ends_a_line = |c: char| matches!(c, '\r' | '\u{2028}' | '\u{2029}');
    let control = body.chars().find(|c| ends_a_line(*c) || c.is_control() && !matches!(c, '\t' | '\x0c'));
    let invisible =
        redact::invisible(line).find(|(at, c)| !(number == 1 && *at == 0 && *c == '\u{feff}')).map(|(_, c)| c);
    invisible.or(control)
}
