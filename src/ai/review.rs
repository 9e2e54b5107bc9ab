//! Reads what a reviewing model answered. Layer 1.
//!
//! One line, one of two words. Everything else is no acceptance: a change that nobody accepted is a draft at most.

use crate::ai::AnswerError;

/// The longest reason, in characters; it is shown to people and to the author.
const MAX_REASON: usize = 2000;

/// A judgement with its reason, which is untrusted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Review {
    /// The change may go on to the tests.
    Accept(String),
    /// It may not.
    Reject(String),
}

/// Reads a judgement.
///
/// # Errors
/// [`AnswerError`] for anything but the one form.
pub fn parse_review(text: &str) -> Result<Review, AnswerError> {
    let wrong = |why| Err(AnswerError { line: 1, why });
    let text = text.trim();
    if text.lines().count() != 1 || text.contains('\0') {
        return wrong("a judgement is one line");
    }
    if text.chars().count() > MAX_REASON {
        return wrong("the reason is longer than a paragraph");
    }
    match text.split_once(':').map(|(word, reason)| (word, reason.trim())) {
        Some(("ACCEPT" | "REJECT", "")) => wrong("it gives no reason"),
        Some(("ACCEPT", reason)) => Ok(Review::Accept(reason.to_owned())),
        Some(("REJECT", reason)) => Ok(Review::Reject(reason.to_owned())),
        _ => wrong("it begins neither with ACCEPT: nor with REJECT:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_with_a_reason_is_a_judgement_and_nothing_else_is() {
        assert_eq!(
            parse_review("ACCEPT: it checks the bound.\n"),
            Ok(Review::Accept("it checks the bound.".to_owned()))
        );
        assert_eq!(parse_review("REJECT: off by: one"), Ok(Review::Reject("off by: one".to_owned())));
        for text in
            ["", "ACCEPT", "ACCEPT:", "accept: yes", "I ACCEPT: yes", "ACCEPT: a\nREJECT: b", "LGTM", "ACCEPT\0: x"]
        {
            assert!(parse_review(text).is_err(), "{text:?}");
        }
        assert!(parse_review(&format!("ACCEPT: {}", "x".repeat(3000))).is_err());
    }
}
