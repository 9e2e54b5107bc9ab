//! What a rule finds, and the marks that boundaries are judged by. Layer 1.
//!
//! Refuses to keep values: a finding is a place and a rule.

/// What stands in place of a found value: `<EMAIL_1>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    Secret,
    Email,
    Card,
    Ssn,
    Phone,
    Ip,
    User,
    Iban,
}

impl Label {
    pub(crate) const ALL: [Self; 8] =
        [Self::Secret, Self::Email, Self::Card, Self::Ssn, Self::Phone, Self::Ip, Self::User, Self::Iban];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "SECRET",
            Self::Email => "EMAIL",
            Self::Card => "CARD",
            Self::Ssn => "SSN",
            Self::Phone => "PHONE",
            Self::Ip => "IP",
            Self::User => "USER",
            Self::Iban => "IBAN",
        }
    }
}

/// One place that must not leave, in bytes of the text that was searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    pub(crate) label: Label,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether the shape alone proves it, so that a patch with it is refused.
    pub(crate) certain: bool,
}

impl Finding {
    pub(crate) const fn new(rule: &'static str, label: Label, start: usize, end: usize) -> Self {
        Self { rule, label, start, end, certain: false }
    }

    pub(crate) const fn certain(rule: &'static str, start: usize, end: usize) -> Self {
        Self { rule, label: Label::Secret, start, end, certain: true }
    }
}

/// Returns whether a word may begin at `at`: nothing alphanumeric before it, or the end of an escape.
pub(crate) fn begins_word(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    let Some(before) = at.checked_sub(1).map(|i| bytes[i]) else { return true };
    if !(before.is_ascii_alphanumeric() || before == b'_') {
        return text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
    }
    // `\n`, `\t` and their like in the source text of a string.
    if at >= 2 && bytes[at - 2] == b'\\' && matches!(before, b'n' | b't' | b'r' | b'b' | b'f' | b'0') {
        return true;
    }
    // The final letter of a terminal sequence, also where something took the ESC away.
    let window = &bytes[at.saturating_sub(16)..at - 1];
    let parameters = window.iter().rev().take_while(|b| b.is_ascii_digit() || **b == b';').count();
    before.is_ascii_alphabetic() && window.len() > parameters && window[window.len() - 1 - parameters] == b'['
}

/// Returns whether a word may end at `at`.
pub(crate) fn ends_word(text: &str, at: usize) -> bool {
    text[at..].chars().next().is_none_or(|c| !(c.is_alphanumeric() || c == '_'))
}
