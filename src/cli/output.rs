//! Standard output and error: data on the one, words for people on the other. Layer 5.

use std::io::Write as _;

use serde::Serialize;

use crate::cli::args::Format;
use crate::cli::failure::Failure;

/// Where data goes.
#[derive(Debug, Default)]
pub(crate) struct Output;

impl Output {
    /// Prints one JSON document, or the text for people.
    pub(crate) fn document<T: Serialize>(&self, format: Format, value: &T, text: &str) -> Result<(), Failure> {
        match format {
            Format::Json => {
                let json = serde_json::to_string_pretty(value).map_err(|e| Failure::internal(e.to_string()))?;
                self.line(&json)
            }
            Format::Text => self.line(text.trim_end()),
        }
    }

    /// Prints one line; a reader that went away is no failure.
    #[expect(clippy::unused_self, reason = "standard output is the caller's to hand on, like any other sink")]
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        match writeln!(std::io::stdout().lock(), "{text}") {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::internal(format!("Standard output cannot be written ({error}).")))
            }
            _ => Ok(()),
        }
    }
}

/// Says something to people; where nobody listens, nothing is lost but words.
pub(crate) fn say(text: &str) {
    let _nobody_listens = writeln!(std::io::stderr().lock(), "{text}");
}
