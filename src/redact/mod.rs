//! Takes secrets and personal data out of everything that leaves the program. Layer 1.
//!
//! One choke point: [`Redacted`] is made here and nowhere else, and sinks accept nothing else. Refuses to keep, count by
//! value or hash what it took out; a remark is a rule and a place. What a change hides, [`disguised`] looks for. Time and
//! memory are linear in the text.

mod controls;
mod disguise;
mod finding;
mod keyed;
mod known;
mod number;
mod personal;
mod placeholder;
mod scan;
mod token;
mod view;

#[cfg(test)]
mod tests;

use crate::model::Secret;
use finding::{Finding, Label};
use known::Known;
use placeholder::Marks;
use view::View;

pub use controls::{invisible, strip_controls};
pub use disguise::{Disguise, disguised};
pub use scan::{SecretFinding, SecretPlace, secret_places, secrets};

/// Something that was taken out: by which rule, and where it stood, in bytes of the input.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Remark {
    /// The rule's id.
    pub rule: &'static str,
    /// Where it began.
    pub start: usize,
    /// Where it ended, exclusive.
    pub end: usize,
}

/// Text that a redactor has read: it may leave the program.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Redacted {
    text: String,
    remarks: Vec<Remark>,
}

impl Redacted {
    /// Returns the text with marks in place of what was taken out.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns what was taken out, in order.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// Returns the text alone, for a sink that owns it.
    pub fn into_string(self) -> String {
        self.text
    }
}

impl std::fmt::Display for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Finds and replaces secrets and personal data.
#[derive(Debug)]
pub struct Redactor {
    known: Known,
}

/// One replaced place of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    rule: &'static str,
    label: Label,
    start: usize,
    end: usize,
}

/// Taking something out can bring something else to light; ordinary text needs one look and one to see that it is done.
const MOST_ROUNDS: usize = 8;

/// What stands between texts that are redacted together.
const BORDER: &str = "\n\0\n";

impl Redactor {
    /// Makes a redactor that also hides the secret values that the program holds.
    pub fn new(known: &[Secret]) -> Self {
        Self { known: Known::new(known) }
    }

    /// Returns how many known values are too short or too common to be hidden; a caller warns of them.
    pub fn ignored(&self) -> usize {
        self.known.ignored()
    }

    /// Returns the text without secrets and personal data; the same value gets the same mark, and a second call changes nothing.
    pub fn redact(&self, text: &str) -> Redacted {
        let mut spans: Vec<Span> = Vec::new();
        let mut shown = text.to_owned();
        let mut pieces: Vec<(Span, usize, usize)> = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let found = self.find(&shown);
            if found.is_empty() {
                break;
            }
            let mut all = spans.clone();
            all.extend(found.into_iter().map(|finding| to_input(finding, &pieces)));
            let merged = merge(all);
            if merged == spans {
                break;
            }
            spans = merged;
            (shown, pieces) = replace(text, &spans);
        }
        let remarks = spans.into_iter().map(|Span { rule, start, end, .. }| Remark { rule, start, end }).collect();
        Redacted { text: shown, remarks }
    }

    /// Redacts several texts together, so that the same value has the same mark in all of them and no mark means two values.
    ///
    /// What is found across the border of two texts is taken out of each by itself.
    pub fn redact_all(&self, texts: &[&str]) -> Vec<Redacted> {
        // No text that a person wrote has a NUL; one that has is kept from posing as the border.
        let bare: Vec<String> = texts.iter().map(|text| text.replace('\0', "")).collect();
        let joined = self.redact(&bare.join(BORDER));
        let parts: Vec<&str> = joined.text.split(BORDER).collect();
        if parts.len() != texts.len() {
            return bare.iter().map(|text| self.redact(text)).collect();
        }
        let mut begin = 0;
        let mut all = Vec::with_capacity(texts.len());
        for (part, text) in parts.into_iter().zip(&bare) {
            let end = begin + text.len();
            let inside = joined.remarks.iter().filter(|remark| (begin..end).contains(&remark.start));
            let remarks =
                inside.map(|remark| Remark { start: remark.start - begin, end: remark.end - begin, ..*remark });
            all.push(Redacted { text: part.to_owned(), remarks: remarks.collect() });
            begin = end + BORDER.len();
        }
        all
    }

    fn find(&self, text: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        self.known.find(text, &mut found);
        self.known.find_split(text, &mut found);
        find_shapes(text, &mut found);
        if let Some(view) = View::of(text) {
            let mut seen = Vec::new();
            self.known.find(&view.text, &mut seen);
            self.known.find_split(&view.text, &mut seen);
            find_shapes(&view.text, &mut seen);
            found.extend(seen.into_iter().filter_map(|finding| {
                let (start, end) = view.origin(finding.start, finding.end)?;
                Some(Finding { start, end, ..finding })
            }));
        }
        placeholder::keep_whole(text, &mut found);
        found.retain(|finding| !placeholder::is_only_placeholders(&text[finding.start..finding.end]));
        found
    }
}

fn find_shapes(text: &str, found: &mut Vec<Finding>) {
    token::find(text, found);
    keyed::find(text, found);
    personal::find(text, found);
}

/// Returns where in the input something lies that was found in what is shown; a mark stands for all that it replaced.
fn to_input(finding: Finding, pieces: &[(Span, usize, usize)]) -> Span {
    let place = |at: usize, end: bool| {
        let after = pieces.partition_point(|(_, start, _)| if end { *start < at } else { *start <= at });
        match after.checked_sub(1).map(|i| pieces[i]) {
            None => at,
            Some((span, start, stop)) if at < stop || end && at == stop => {
                if at == start && !end {
                    span.start
                } else if end {
                    span.end
                } else {
                    span.start
                }
            }
            Some((span, _, stop)) => span.end + (at - stop),
        }
    };
    Span { rule: finding.rule, label: finding.label, start: place(finding.start, false), end: place(finding.end, true) }
}

/// Joins what overlaps; the outermost gives the rule and the mark.
fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| span.start < span.end);
    spans.sort_by(|a, b| {
        a.start.cmp(&b.start).then(b.end.cmp(&a.end)).then(a.label.cmp(&b.label)).then(a.rule.cmp(b.rule))
    });
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start < last.end => {
                if span.end - span.start > last.end - last.start || span.label < last.label && span.end > last.end {
                    (last.rule, last.label) = (span.rule, span.label);
                }
                last.end = last.end.max(span.end);
            }
            _ => merged.push(span),
        }
    }
    merged
}

/// Puts marks in place of spans, and says where in the result each lies.
fn replace(text: &str, spans: &[Span]) -> (String, Vec<(Span, usize, usize)>) {
    let mut marks = Marks::for_text(text);
    let mut shown = String::with_capacity(text.len());
    let mut pieces = Vec::with_capacity(spans.len());
    let mut at = 0;
    for span in spans {
        shown.push_str(&text[at..span.start]);
        let start = shown.len();
        shown.push_str(marks.of(span.label, &text[span.start..span.end]));
        pieces.push((*span, start, shown.len()));
        at = span.end;
    }
    shown.push_str(&text[at..]);
    (shown, pieces)
}
