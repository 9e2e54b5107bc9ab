//! `syntax-error`: a touched file of a known language parses with no new error, whatever made the patch. Layer 1.
//!
//! Refuses to judge a part of a file: without the whole it says that it did not look.

use crate::guardrail::change::Change;
use crate::guardrail::rule::{Context, Findings, Rule, language};
use crate::model::Reason;

pub(super) struct SyntaxErrorRule;

impl Rule for SyntaxErrorRule {
    fn id(&self) -> Reason {
        Reason::SyntaxError
    }

    fn check(&self, change: &Change, context: &Context<'_>, findings: &mut Findings) {
        for file in &change.files {
            let Some(language) = language(file) else { continue };
            if file.is_deleted() || file.binary {
                continue;
            }
            let (Some(whole), Some(check)) = (&file.whole, context.syntax) else {
                findings.not_checked();
                continue;
            };
            let side = |bytes: &Option<Vec<u8>>| String::from_utf8(bytes.clone().unwrap_or_default()).ok();
            let (Some(before), Some(after)) = (side(&whole.before), side(&whole.after)) else {
                findings.not_checked();
                continue;
            };
            match check(language, &before, &after) {
                None => findings.not_checked(),
                Some(lines) => {
                    for line in lines {
                        findings.new_line(file, line, "The file does not parse here, and it did before the change.");
                    }
                }
            }
        }
    }
}
