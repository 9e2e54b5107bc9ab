//! Why a failure has the fingerprint it has: every part with its value and whether it counts. Layer 1.

use std::fmt::Write as _;

use serde::Serialize;

use crate::model::{Failure, Untrusted};

use super::components::{Components, Shape};
use super::frames::NormalFrame;

/// One part of an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Its value after normalisation.
    pub value: String,
    /// Enters the exact fingerprint.
    pub contributes: bool,
    /// Enters the family.
    pub family: bool,
    /// Why, or why not.
    pub why: &'static str,
}

/// Every part of an identity, and every frame with its fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The version of the algorithm.
    pub algorithm: String,
    /// The hash of the tables.
    pub ruleset: String,
    /// What the identity rests on.
    pub shape: Shape,
    /// The parts, in the order of the hash.
    pub parts: Vec<Part>,
    /// All frames, innermost first.
    pub frames: Vec<NormalFrame>,
    /// A fingerprint that the report claims; never used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Untrusted>,
}

impl Explanation {
    pub(super) fn of(failure: &Failure, components: &Components, frames: Vec<NormalFrame>) -> Self {
        let shape = components.shape;
        let (ci, trace) = (shape == Shape::Ci, shape == Shape::Trace);
        let (message, message_why) = components.message_counts();
        let symbols = message && (components.symbolic || shape == Shape::Bare);
        let family_message = ci || (!trace && components.contributing().is_empty());
        let mut parts = Vec::new();
        let mut part = |name, value: &str, contributes, family, why| {
            if !value.is_empty() {
                parts.push(Part { name, value: value.to_owned(), contributes, family, why });
            }
        };
        part("algorithm", &components.algorithm, true, true, "another version is another identity");
        part(
            "language",
            &components.language,
            !ci,
            !ci,
            if ci { "the tool says it" } else { "failures of two languages are two failures" },
        );
        part("tool", components.tool.as_deref().unwrap_or_default(), ci, ci, "the output is this tool's");
        part(
            "code",
            components.code.as_deref().unwrap_or_default(),
            shape != Shape::Trace,
            ci,
            "the tool's own name of the mistake",
        );
        for (at, name) in components.types.iter().enumerate() {
            let counts = if ci { at == 0 && components.code.is_none() } else { at < 3 };
            let why = match (at, counts) {
                (0, true) => "the root cause",
                (_, true) => "what the root cause led to",
                (_, false) if ci => "the code says it",
                (_, false) => "further out than three",
            };
            part("type", name, counts, at == 0 && counts, why);
        }
        part("message", &components.template, message, family_message, message_why);
        for symbol in &components.symbols {
            let why =
                if symbols { "the symbol that the message names" } else { "data as often as a symbol, with this type" };
            part("symbol", symbol, symbols, false, why);
        }
        for (at, key) in components.contributing().iter().enumerate() {
            let why = if ci {
                "a diagnostic is told by its message and file"
            } else if components.depth_limit {
                "part of the cycle that ran too deep"
            } else {
                "among the innermost that speak"
            };
            part("frame", key, trace, trace && at < 3, why);
        }
        part(
            "file",
            components.file.as_deref().unwrap_or_default(),
            !trace,
            false,
            if trace { "the frames say it" } else { "where it shows" },
        );
        part(
            "test",
            components.test.as_deref().unwrap_or_default(),
            !trace,
            false,
            if trace { "the frames say more" } else { "the test that fails" },
        );
        Self {
            algorithm: components.algorithm.clone(),
            ruleset: components.ruleset.clone(),
            shape,
            parts,
            frames,
            hint: failure.hint.as_deref().map(Untrusted::from),
        }
    }

    /// Writes the explanation for people: parts first, then what became of each frame.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |written: std::fmt::Arguments<'_>| {
            let _infallible = text.write_fmt(written);
            text.push('\n');
        };
        line(format_args!("algorithm {}, tables {}", self.algorithm, &self.ruleset[..self.ruleset.len().min(12)]));
        line(format_args!("parts (* counts, + counts for the family too):"));
        for part in &self.parts {
            let mark = match (part.contributes, part.family) {
                (true, true) => '+',
                (true, false) => '*',
                (false, _) => ' ',
            };
            line(format_args!("  {mark} {:<9} {} ({})", part.name, one_line(&part.value), part.why));
        }
        if !self.frames.is_empty() {
            line(format_args!("frames, innermost first:"));
            for frame in self.frames.iter().take(60) {
                let mark = if frame.contributes { '*' } else { ' ' };
                let why = if frame.hint.is_empty() { String::new() } else { format!(" ({})", frame.hint) };
                line(format_args!("  {mark} {:<9} {}{why}", frame.kind.as_str(), one_line(&frame.key())));
            }
            if self.frames.len() > 60 {
                line(format_args!("    and {} more", self.frames.len() - 60));
            }
        }
        if let Some(hint) = &self.hint {
            line(format_args!("the report claims {}, which is not used", one_line(hint.as_str())));
        }
        text
    }
}

/// Keeps a value on its line and its controls off a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
