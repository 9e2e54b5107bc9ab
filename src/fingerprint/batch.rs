//! The line that `fingerprint --batch` answers for one report. Layer 1.

use serde::Serialize;

use crate::model::Failure;

use super::frames::FrameKind;
use super::identify;

/// A frame as the line shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchFrame {
    /// The function without decoration.
    pub function: Option<String>,
    /// The class, package or crate path, in languages that name it.
    pub module: Option<String>,
    /// The file as a repository would write it.
    pub path: Option<String>,
    /// The repository's own, as far as the text tells.
    pub in_app: bool,
}

/// The answer for one report; serialises in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchLine {
    /// The id of the input line, whatever JSON it was.
    pub id: serde_json::Value,
    /// The exact identity.
    pub fingerprint: Option<String>,
    /// The family.
    pub family: Option<String>,
    /// The root's type, as written.
    pub error_type: Option<String>,
    /// The root's message, as written.
    pub message: Option<String>,
    /// Frames, innermost first.
    pub frames: Vec<BatchFrame>,
    /// The language.
    pub language: Option<&'static str>,
    /// Why there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Frames that a line shows at most.
const MOST_FRAMES: usize = 200;

/// Answers for a failure that was read, with nulls and a reason where it has nothing to be told by.
pub fn batch_line(id: serde_json::Value, failure: &Failure) -> BatchLine {
    let says_nothing = failure.chain.iter().all(|exception| {
        exception.type_name.trim().is_empty() && exception.message.is_blank() && exception.frames.is_empty()
    });
    if says_nothing && failure.code.is_none() && failure.tests.is_empty() {
        return batch_nothing(id, "the report has no error, no trace and no failing test");
    }
    let identity = identify(failure);
    let frames = identity.explanation.frames.into_iter().filter(|frame| frame.kind != FrameKind::Anonymous);
    BatchLine {
        id,
        fingerprint: Some(identity.fingerprint.to_string()),
        family: Some(identity.family.to_string()),
        error_type: failure.root().map(|_| failure.error_type().to_owned()),
        message: failure.root().map(|_| failure.message().to_owned()),
        frames: frames
            .take(MOST_FRAMES)
            .map(|frame| BatchFrame {
                in_app: frame.is_app(),
                function: Some(frame.function).filter(|function| !function.is_empty()),
                module: frame.module,
                path: frame.path,
            })
            .collect(),
        language: failure.language.map(crate::model::Language::as_str),
        reason: None,
    }
}

/// Answers for a line in which nothing was found.
pub fn batch_nothing(id: serde_json::Value, reason: impl Into<String>) -> BatchLine {
    BatchLine {
        id,
        fingerprint: None,
        family: None,
        error_type: None,
        message: None,
        frames: Vec::new(),
        language: None,
        reason: Some(reason.into()),
    }
}
