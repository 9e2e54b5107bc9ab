//! What an identity must hold: frozen cases, laws of invariance and of separation.

mod frozen;
mod identity;
mod locate;
mod metamorphic;
mod relatives;

use crate::model::{Exception, Failure, Frame, Language};

/// Writes a frame as `function|module|path|line`.
fn frame(text: &str) -> Frame {
    let mut parts = text.split('|').map(|part| (!part.is_empty()).then(|| part.to_owned()));
    let mut next = || parts.next().flatten();
    let (function, module, path, line) = (next(), next(), next(), next());
    Frame { function, module, path, line: line.and_then(|line| line.parse().ok()), column: None }
}

fn exception(type_name: &str, message: &str, frames: &[&str]) -> Exception {
    Exception {
        type_name: type_name.to_owned(),
        message: message.into(),
        frames: frames.iter().map(|text| frame(text)).collect(),
    }
}

fn failure(language: Language, type_name: &str, message: &str, frames: &[&str]) -> Failure {
    Failure { language: Some(language), chain: vec![exception(type_name, message, frames)], ..Failure::default() }
}
